"""Diffusion models ready to run, that know nothing of styles."""
