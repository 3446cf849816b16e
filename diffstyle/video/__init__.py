"""Clips: frames in and out, and how they stay steady from one to the next.

>>> from diffstyle import Style
>>> from diffstyle.video import ClipTask, render_clip
>>> render_clip("clip.mp4", ClipTask(Style.from_text("ukiyo-e")), "out.mp4")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diffstyle.video.clip_recipe import ClipOutput, read_clip_recipe
    from diffstyle.video.clip_task import ClipTask
    from diffstyle.video.files.opening import open_clip
    from diffstyle.video.files.timing import Cut
    from diffstyle.video.keyframes import Keyframe
    from diffstyle.video.painting import Painted
    from diffstyle.video.render import ClipResult, render_clip
    from diffstyle.video.settings import Steadiness

_HOME = {
    "ClipOutput": "clip_recipe",
    "ClipResult": "render",
    "ClipTask": "clip_task",
    "Cut": "files.timing",
    "Keyframe": "keyframes",
    "Painted": "painting",
    "Steadiness": "settings",
    "open_clip": "files.opening",
    "read_clip_recipe": "clip_recipe",
    "render_clip": "render",
}

__all__ = [
    "ClipOutput",
    "ClipResult",
    "ClipTask",
    "Cut",
    "Keyframe",
    "Painted",
    "Steadiness",
    "open_clip",
    "read_clip_recipe",
    "render_clip",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `diffstyle video --help` needs none of them."""
    if name not in _HOME:
        raise AttributeError(f"module 'diffstyle.video' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"diffstyle.video.{_HOME[name]}"), name)
