"""Networks that read pictures and words."""
