"""Types of PyQt6, for pyright alone: the tests do without it where it is not installed."""
