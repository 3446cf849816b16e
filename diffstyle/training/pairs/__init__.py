"""Pairs of photo and painting: made once by the painter, read by the training of the diffusion model."""
