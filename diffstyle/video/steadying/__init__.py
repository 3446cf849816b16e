"""How paint is carried from frame to frame."""
