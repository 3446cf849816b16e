"""Figures of stylised pictures, one file each: a function with its equation and its paper."""
