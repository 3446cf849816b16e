"""Hands: photos rendered as painters lay paint, in strokes, washes, dyes, sprays and weaves."""
