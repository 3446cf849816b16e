"""Cameras, painted as they film."""
