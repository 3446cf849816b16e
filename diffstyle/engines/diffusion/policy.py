"""How a backbone is best used for style transfer: read from the file that also says how to sample it."""

from __future__ import annotations

from dataclasses import dataclass

from diffstyle.engines.diffusion.settings import Start


@dataclass(frozen=True, slots=True)
class StylePolicy:
    """What a model renders with where a task leaves it open.

    `keeps_colours`: of a picture painted from a preview only the lightness is used, and only where there is local
    contrast; colours and flat areas stay the preview's. It is for models whose VAE is too small to hold colours still.
    """

    denoise: float = 0.6
    start: Start = "content"
    keeps_colours: bool = False
