"""Which blocks of a UNet a style acts on: named profiles and their scales.

In SDXL one block carries style and one layout (InstantStyle, Wang et al. 2024; B-LoRA, Frenkel et al. 2024). For SD 1.5
published choices disagree; the table holds the second upward block, the first with 1280 channels and 16 x 16 positions
at 512 pixels. Callers can write out a profile of their own instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from diffstyle.core.errors import InputError

Scales = Mapping[str, float]
"""Scale of a block by the prefix of its name in diffusers; a block that no prefix matches gets 0."""

PROFILES: Mapping[str, Mapping[str, Scales]] = {
    "sd15": {
        "style": {"up_blocks.1": 1.0},
        "style+layout": {"up_blocks.1": 1.0, "down_blocks.2": 1.0},
    },
    "sdxl": {
        "style": {"up_blocks.0.attentions.1": 1.0},
        "style+layout": {"up_blocks.0.attentions.1": 1.0, "down_blocks.2.attentions.1": 1.0},
    },
}
ALL: Scales = {"": 1.0}


def profile(blocks: str, family: str) -> Scales:
    """The scales of `blocks` on a UNet of `family`: `all`, `style`, `style+layout`, or `up_blocks.1=1,mid_block=0.4`.

    InputError for a name that is none of these, or that has no table for the family.
    """
    if blocks == "all":
        return ALL
    known = PROFILES.get(family, {})
    if blocks in known:
        return known[blocks]
    if "=" not in blocks:
        if any(blocks in p for p in PROFILES.values()):
            raise InputError(f"blocks is {blocks!r}, which has no table for this model: give all, or NAME=SCALE,….")
        raise InputError(f"blocks is {blocks!r}: give all, style, style+layout, or block names as up_blocks.1=0.8.")
    scales: dict[str, float] = {}
    for part in blocks.split(","):
        name, _, number = part.partition("=")
        try:
            scales[name.strip()] = float(number)
        except ValueError:
            raise InputError(f"blocks holds {part!r}: give NAME=NUMBER, as up_blocks.1=0.8.") from None
    return scales


def scale_of(processor: str, scales: Scales) -> float:
    """The scale of the attention processor called `processor`: that of the longest matching prefix."""
    matching = [name for name in scales if processor.startswith(name)]
    return scales[max(matching, key=len)] if matching else 0.0


def check_blocks(scales: Scales, processors: Iterable[str]) -> None:
    """InputError if a prefix in `scales` matches none of `processors`."""
    names = list(processors)
    for name in scales:
        if not any(p.startswith(name) for p in names):
            raise InputError(f"The model has no block called {name!r}: they are called {', '.join(_blocks(names))}.")


def set_scales(unet: Any, scales: Sequence[Sequence[tuple[Scales, float]]]) -> None:
    """Set how strongly each attached tokens adapter acts in each block of `unet`.

    `scales` has an entry for each adapter: a profile and a factor for each style that it is given.
    """
    processors = {k: p for k, p in unet.attn_processors.items() if hasattr(p, "to_k_ip")}
    for of_adapter in scales:
        for profile, _ in of_adapter:
            check_blocks(profile, processors)
    for name, processor in processors.items():
        values = [[factor * scale_of(name, profile) for profile, factor in of_adapter] for of_adapter in scales]
        processor.scale = [v[0] if len(v) == 1 else v for v in values]


def _blocks(processors: Iterable[str]) -> list[str]:
    return sorted({".".join(p.split(".")[: 2 if p[0] in "du" else 1]) for p in processors})
