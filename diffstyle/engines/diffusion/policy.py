"""How a backbone is best used for style transfer: read from the file that also says how to sample it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import get_args

from diffstyle.engines.diffusion.settings import Start

DENOISE: Mapping[Start, float] = MappingProxyType(
    {
        "content": 0.6,  # the photo's own marks must go: the usual strength of img2img for a change of style
        "preview": 0.5,  # the style's colours are there, its marks are not
        "painter": 0.4,  # the marks are there: more would wash them out, less would only soften them
    }
)
"""The share of the noise schedule that is run at strength 1, by what it begins from."""
INVERTED = 1.0  # of the photo's own noise, for style_attention=inject: the published setting


@dataclass(frozen=True, slots=True)
class StylePolicy:
    """What a model renders with where a task leaves it open.

    `start` None is the photo for a model with a style adapter, which makes the style, and the painter's draft for one
    without. `denoise` holds a model's own shares in the place of those of DENOISE. `keeps_colours`: of a picture
    painted from a draft only the lightness is used, and only where there is local contrast; colours and flat areas stay
    the draft's. It is for models whose VAE is too small to hold colours still. `keeps_detail`: the share of the detail
    that a tiny VAE loses of the init image which is added back at strength 1; at lower strengths it is more.
    """

    denoise: Mapping[str, float] = field(default_factory=dict[str, float])
    start: Start | None = None
    keeps_colours: bool = False
    keeps_detail: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.denoise, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - it may come from a file
            raise TypeError("denoise must hold a share for each start")
        if not 0 <= self.keeps_detail <= 1:
            raise ValueError(f"keeps_detail is {self.keeps_detail}, which is no share")
        for start, share in self.denoise.items():
            if start not in get_args(Start) or not 0 <= share <= 1:
                raise ValueError(f"denoise has {start}: {share}, which is no share of a start")

    def share(self, start: Start) -> float:
        """The share of the noise schedule that is run at strength 1 from `start`."""
        return self.denoise.get(start, DENOISE[start])
