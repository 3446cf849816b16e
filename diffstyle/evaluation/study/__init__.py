"""Blind studies: a page that asks which of two results is better, and the report of the answers."""
