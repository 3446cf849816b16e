"""Procedural media, captions and colour names."""
