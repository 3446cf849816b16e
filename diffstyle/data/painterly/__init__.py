"""Painterly rendering: photos redrawn in brush strokes, washes, dyes, spray and weave."""
