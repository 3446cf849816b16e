"""Tasks with painted masks, and their results split into layers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from diffstyle import Picture, Result, Style, Task
from diffstyle.core.mask import Mask, Region, composite_weights
from diffstyle_ui.widgets.settings_form import RenderSettings


def masked_task(content: Picture, regions: Sequence[Region], elsewhere: Style | None, settings: RenderSettings) -> Task:
    """Paint `regions`, the later over the earlier ones, and `elsewhere` around them; if that is None, the photo stays
    unchanged there.
    """
    regions = [replace(region, mask=region.mask.resized(content.size)) for region in regions]
    if elsewhere is not None:
        return settings.task(content, elsewhere, regions=tuple(regions))
    return settings.task(content, regions[0].style, mask=union(regions), regions=_grown(regions))


def union(regions: Sequence[Region]) -> Mask:
    """Where any of `regions` is; their masks have one size."""
    values = torch.stack([region.mask.values for region in regions]).amax(0)
    return Mask(values, regions[0].mask.source if len(regions) == 1 else "layers")


def regions_of(style: Style, mask: Mask | None, regions: Sequence[Region]) -> tuple[Region, ...]:
    """The regions whose task, without a style elsewhere, is one of `style`, `mask` and `regions`; where `mask` is None,
    `regions` themselves.
    """
    if mask is None:
        return tuple(regions)
    cut = [replace(r, mask=_within(r.mask.resized(mask.size), mask)) for r in regions]
    return (Region(mask, style), *cut)


def save_layers(folder: Path, result: Result, regions: Sequence[Region]) -> list[Path]:
    """Save three PNGs: the result inside the masks, the result outside them (both with alpha), and the feathered mask
    of them all. Of several regions there is a PNG for each, too.
    """
    picture = result.picture
    fitted = [replace(r, mask=r.mask.resized(picture.size)) for r in regions]
    soft = union(fitted).feathered(result.task.feather)
    suffix = secrets.token_hex(4)
    inside, outside, alone = (folder / f"{kind}-{suffix}.png" for kind in ("brushed", "elsewhere", "mask"))
    replace(picture, alpha=soft.values).to_pil().save(inside)
    replace(picture, alpha=1 - soft.values).to_pil().save(outside)
    replace(picture, pixels=soft.values.expand(3, -1, -1), alpha=None).to_pil().convert("L").save(alone)
    return [inside, outside, alone, *(_save_each(folder, result, fitted, suffix) if len(fitted) > 1 else ())]


def _save_each(folder: Path, result: Result, regions: Sequence[Region], suffix: str) -> list[Path]:
    soft = [replace(r, mask=r.mask.feathered(result.task.feather)) for r in regions]
    files: list[Path] = []
    for n, (region, weight) in enumerate(zip(soft, composite_weights(soft)[1], strict=True), 1):
        name = re.sub(r"[^\w-]+", "-", region.style.label)[:40].strip("-")
        files.append(folder / f"layer-{n}-{name}-{suffix}.png")
        replace(result.picture, alpha=weight.clamp(0, 1)).to_pil().save(files[-1])
    return files


def _grown(regions: Sequence[Region]) -> tuple[Region, ...]:
    """All regions but the first one, each grown over what is in no region and nearest to it.

    The mask of the task keeps the photo there. Without this, the soft edge of a region would show the style of the
    first one.
    """
    from scipy import ndimage

    if len(regions) == 1:
        return ()
    rest, weights = composite_weights(regions)
    owner = torch.stack(weights)[:, 0].argmax(0).numpy()  # (H, W)
    bare = (rest[0] > 0.5).numpy()
    if bare.all():
        return tuple(regions[1:])
    untyped = cast("Any", ndimage)
    rows, columns = untyped.distance_transform_edt(bare, return_distances=False, return_indices=True)
    nearest = torch.from_numpy(owner[rows, columns])
    outside = torch.from_numpy(np.ascontiguousarray(bare))

    def grown(n: int, values: Tensor) -> Tensor:
        return torch.where(outside, (nearest == n).float().maximum(values[0]), values[0])[None]

    return tuple(
        replace(r, mask=r.mask.changed(lambda values, n=n: grown(n, values))) for n, r in enumerate(regions) if n
    )


def _within(inner: Mask, outer: Mask) -> Mask:
    return inner.changed(outer.values.minimum)
