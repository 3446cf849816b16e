"""Engine -> Engine wrappers: each changes one thing and means the same on every engine."""
