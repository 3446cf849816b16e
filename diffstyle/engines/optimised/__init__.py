"""What engines share that repaint by optimising the picture itself: their settings, and one loop."""
