"""InvokeAI node pack: repaints images in a style, by a local `diffstyle serve`."""

from .stylise import StyliseInvocation

__all__ = ["StyliseInvocation"]
