"""Types of PyGObject, which comes with GIMP. Nothing imports this folder: it is for pyright alone."""


def require_version(namespace: str, version: str) -> None:
    """Choose the version of a library."""
    raise ImportError(f"{namespace} {version} comes with GIMP")
