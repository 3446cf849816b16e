"""Clips: frames in and out, and how they stay steady from one to the next."""
