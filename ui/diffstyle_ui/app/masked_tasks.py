"""Tasks with one painted mask, and their results split into layers."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

from diffstyle import Picture, Result, Style, Task
from diffstyle.core.mask import Mask, Region
from diffstyle_ui.widgets.settings_form import RenderSettings


def masked_task(content: Picture, inside: Style, elsewhere: Style | None, mask: Mask, settings: RenderSettings) -> Task:
    """Paint `inside` where `mask` is, and `elsewhere` around it; if that is None, the photo stays unchanged there."""
    mask = mask.resized(content.size)
    if elsewhere is None:
        return settings.task(content, inside, mask=mask)
    return settings.task(content, elsewhere, regions=(Region(mask, inside),))


def save_layers(folder: Path, result: Result, mask: Mask) -> list[Path]:
    """Save three PNGs: the result inside the mask, the result outside it (both with alpha), and the feathered mask."""
    picture = result.picture
    soft = mask.resized(picture.size).feathered(result.task.feather)
    suffix = secrets.token_hex(4)
    inside, outside, alone = (folder / f"{kind}-{suffix}.png" for kind in ("brushed", "elsewhere", "mask"))
    replace(picture, alpha=soft.values).to_pil().save(inside)
    replace(picture, alpha=1 - soft.values).to_pil().save(outside)
    replace(picture, pixels=soft.values.expand(3, -1, -1), alpha=None).to_pil().convert("L").save(alone)
    return [inside, outside, alone]
