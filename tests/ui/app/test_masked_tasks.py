"""Layers of masks as tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffstyle_ui.app.masked_tasks import masked_task, regions_of, save_layers
from diffstyle_ui.widgets.settings_form import RenderSettings

from diffstyle import Picture, Settings, Style, Stylizer
from diffstyle.core.mask import Mask, Region
from tests.helpers.pictures import waves

NEON, CHARCOAL, SEPIA = (Style.from_text(words) for words in ("neon", "charcoal", "sepia"))


def columns(start: int, stop: int) -> Mask:
    """(1, 64, 96): 1 in some columns."""
    values = torch.zeros(1, 64, 96)
    values[..., start:stop] = 1
    return Mask(values)


@pytest.fixture
def photo() -> Picture:
    return Picture.from_array(waves(96, 64))


def settings(feather: float = 0.0) -> RenderSettings:
    return RenderSettings(Settings(feather=feather))


def test_one_layer_is_a_mask(photo: Picture) -> None:
    task = masked_task(photo, [Region(columns(0, 30), NEON)], None, settings())
    assert (task.style, task.mask, task.regions) == (NEON, columns(0, 30), ())
    task = masked_task(photo, [Region(columns(0, 30), NEON)], SEPIA, settings())
    assert (task.style, task.mask) == (SEPIA, None)
    assert task.regions == (Region(columns(0, 30), NEON),)


def test_layers_over_the_photo_keep_it_and_their_own_styles_at_soft_edges(photo: Picture) -> None:
    regions = [Region(columns(10, 30), NEON), Region(columns(20, 40), CHARCOAL), Region(columns(60, 70), SEPIA)]
    task = masked_task(photo, regions, None, settings())
    assert isinstance(task.mask, Mask)
    assert torch.equal(task.mask.values, torch.maximum(columns(10, 40).values, columns(60, 70).values))
    second, third = (r.mask.values[0, 0] for r in task.regions if isinstance(r, Region))
    assert bool(second[20:50].all())  # up to halfway to the next region
    assert not bool(second[:20].any() or second[51:].any())
    assert bool(third[51:].all())
    assert not bool(third[:49].any())
    back = regions_of(task.style, task.mask, [r for r in task.regions if isinstance(r, Region)])
    again = masked_task(photo, back, None, settings())
    assert again.mask == task.mask
    assert again.regions == task.regions


def test_the_soft_edge_of_a_layer_holds_no_style_of_another(photo: Picture) -> None:
    stylizer = Stylizer.load()
    alone = masked_task(photo, [Region(columns(60, 80), SEPIA)], None, settings(6.0))
    far = [Region(columns(0, 8), NEON), Region(columns(60, 80), SEPIA)]
    both = masked_task(photo, far, None, settings(6.0))
    one, two = (stylizer.preview(task).picture.pixels[..., 50:] for task in (alone, both))
    assert torch.allclose(one, two, atol=2 / 255)


def test_every_layer_is_saved(photo: Picture, tmp_path: Path) -> None:
    regions = [Region(columns(0, 30), NEON), Region(columns(20, 60), CHARCOAL)]
    result = Stylizer.load().preview(masked_task(photo, regions, None, settings()))
    files = save_layers(tmp_path, result, regions)
    assert [f.name.rpartition("-")[0] for f in files] == [
        *["brushed", "elsewhere", "mask"],
        *["layer-1-neon", "layer-2-charcoal"],
    ]
    alphas = [Picture.open(f).alpha for f in files[3:]]
    assert alphas[0] is not None
    assert alphas[1] is not None
    assert torch.equal(alphas[0], columns(0, 20).values)  # the later layer lies over it
    assert torch.equal(alphas[1], columns(20, 60).values)
    assert len(save_layers(tmp_path, result, regions[:1])) == 3
