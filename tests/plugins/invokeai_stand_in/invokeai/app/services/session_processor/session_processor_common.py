"""What ends a session."""


class CanceledException(Exception):
    """The user has cancelled the session."""
