"""Clips on disk and in pipes: read, encoded, kept in segments, joined."""
