"""What every control promises, alone and with every other, on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, get_args

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, Picture, Style, Stylizer
from diffstyle.core.mask import Mask
from diffstyle.core.task import EngineName
from diffstyle.engines.base import Step
from tests.conftest import waves

CONTROLS: Mapping[str, Mapping[str, Any]] = {
    "keep": {"colour": "keep"},
    "match": {"colour": "match"},
    "palette": {"colour": "palette"},
    "half": {"colour_weight": 0.5},
    "contrast": {"contrast": 1.6},
    "sharpness": {"sharpness": 1.5},
    "smooth": {"smooth": 0.5},
    "large strokes": {"stroke": 4.0},
    "texture": {"texture": 0.7},
    "tiles": {"tile": 128, "overlap": 32},
}
PAIRS = [
    pytest.param(CONTROLS[a] | CONTROLS[b], id=f"{a}+{b}")
    for a, b in combinations(CONTROLS, 2)
    if not CONTROLS[a].keys() & CONTROLS[b].keys()
]
ALONE = [pytest.param(values, id=name) for name, values in CONTROLS.items() if name != "half"]
every_engine = pytest.mark.parametrize("engine", get_args(EngineName))


@pytest.fixture(scope="module", params=["starter", "tiny"])
def stylizer(request: pytest.FixtureRequest, stylizer: Stylizer, diffuser: Stylizer) -> Stylizer:
    return stylizer if request.param == "starter" else diffuser


@pytest.fixture(scope="module")
def content() -> Picture:
    """Saturated colours with grain and an alpha channel, of sides that are no multiple of anything."""
    grain = np.random.default_rng(0).integers(-30, 30, (77, 149, 3))
    return Picture.from_array(
        np.dstack([(waves(149, 77) + grain).clip(0, 255), waves(149, 77, seed=5)[..., :1]]).astype(np.uint8)
    )


@every_engine
@pytest.mark.parametrize("values", [*ALONE, *PAIRS])
def test_what_controls_promise_together(
    engine: EngineName, values: Mapping[str, Any], stylizer: Stylizer, content: Picture, painting: Style
) -> None:
    def paint(strength: float = 1) -> Picture:
        return stylizer.stylize(content, painting, engine=engine, strength=strength, seed=3, **values).picture

    assert paint(strength=0) == content
    out = paint()
    assert out.size == content.size
    assert content.alpha is not None
    assert out.alpha is not None
    assert torch.equal(out.alpha, content.alpha)
    assert bool(torch.isfinite(out.pixels).all())
    assert paint() == out
    if values.get("colour") == "keep":
        assert out.measures["delta_e_content"] <= (3 if "colour_weight" not in values else 60)
    if values.get("colour") in ("match", "palette"):
        assert out.measures.keys() >= {"delta_e_content", "delta_e_style"}


@every_engine
@pytest.mark.parametrize("values", ALONE)
def test_a_control_acts(
    engine: EngineName, values: Mapping[str, Any], stylizer: Stylizer, content: Picture, painting: Style
) -> None:
    if "tile" in values and engine == "adain":
        pytest.skip("paints in strips that equal the whole")
    without = stylizer.stylize(content, painting, engine=engine).picture
    with_it = stylizer.stylize(content, painting, engine=engine, **values).picture
    distance = float((with_it.pixels - without.pixels).abs().mean())
    least = 1e-4 if "tile" in values else 1e-3  # tiles are to show as little as they can
    assert distance > (0 if stylizer.options.model != "starter" and engine == "diffusion" else least)  # random weights


@every_engine
@pytest.mark.parametrize("values", ALONE)
def test_a_cancelled_control_leaves_nothing_behind(
    engine: EngineName, values: Mapping[str, Any], stylizer: Stylizer, content: Picture, painting: Style
) -> None:
    def stop(step: Step) -> bool:
        return step.done > step.total

    before = stylizer.stylize(content, painting, engine=engine, **values).picture
    with pytest.raises(Cancelled):
        stylizer.stylize(content, painting, engine=engine, on_step=stop, **values)
    assert stylizer.stylize(content, painting, engine=engine, **values).picture == before


@every_engine
@pytest.mark.parametrize("values", [pytest.param({}, id="none"), *ALONE])
def test_masks_go_with_every_control(
    engine: EngineName, values: Mapping[str, Any], stylizer: Stylizer, content: Picture, painting: Style
) -> None:
    def paint(mask: Mask | None) -> Picture:
        return stylizer.stylize(content, painting, engine=engine, mask=mask, **values).picture

    height, width = content.pixels.shape[1:]
    none, full = Mask(torch.zeros(1, height, width)), Mask(torch.ones(1, height, width))
    assert paint(none) == content
    assert float((paint(full).pixels - paint(None).pixels).abs().max()) < 1e-5
    left = (torch.arange(width) < 60).float().expand(1, height, width).contiguous()
    half = paint(Mask(left))
    assert torch.equal(half.pixels[:, :, 60:], content.pixels[:, :, 60:])
    assert not torch.equal(half.pixels[:, :, :60], content.pixels[:, :, :60])
