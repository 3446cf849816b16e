"""What every control promises, alone and, in `make test-all`, with every other, on every engine of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch

from diffstyle import Cancelled, Picture, Result, Style, Stylizer, Task
from diffstyle.core.mask import Mask
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.registry import settings_class
from tests.helpers.pictures import largest_difference, mean_difference
from tests.helpers.quick import engines_by_code, quick
from tests.helpers.styles import OTHER_WORDS, suited

Values = Mapping[str, Any]
CONTROLS: Mapping[str, Values] = {
    "keep": {"colour": "keep"},
    "match": {"colour": "match"},
    "palette": {"colour": "palette"},
    "contrast": {"contrast": 1.6},
    "sharpness": {"sharpness": 1.5},
    "smooth": {"smooth": 0.5},
    "large strokes": {"stroke": 4.0},
    "size": {"size": 96},
}
HALF: Mapping[str, Values] = {"half": {"colour_weight": 0.5}}  # does nothing alone
PAIRS = [
    pytest.param({**a, **b}, id=f"{one}+{other}")
    for (one, a), (other, b) in combinations({**CONTROLS, **HALF}.items(), 2)
    if not a.keys() & b.keys()
]
each_control = pytest.mark.parametrize("values", [pytest.param(v, id=name) for name, v in CONTROLS.items()])


class Painter:
    """Paints `cut_out` in one style with one engine, with some controls."""

    def __init__(self, stylizer: Stylizer, engine: EngineSettings, content: Picture, style: Style) -> None:
        self.stylizer, self.engine, self.content, self.style = stylizer, engine, content, style

    def task(self, **values: Any) -> Task:
        return Task(self.content, self.style, engine=self.engine, seed=3, **values)

    def result(self, **values: Any) -> Result:
        return self.stylizer.render(self.task(**values))

    def __call__(self, **values: Any) -> Picture:
        return self.result(**values).picture

    def at_size(self, values: Values) -> Picture:
        """The content at the size of the result."""
        return self.content.resized((96, 68)) if "size" in values else self.content


@pytest.fixture(scope="module", params=engines_by_code())
def engine(request: pytest.FixtureRequest) -> EngineSettings:
    """As everywhere; of engines that differ in their loss alone, all but the first are left to `make test-all`."""
    return quick(settings_class(request.param)())


@pytest.fixture(scope="module")
def painting(engine: EngineSettings, painting: Style) -> Style:
    return suited(engine, painting)


@pytest.fixture(scope="module")
def other_painting(engine: EngineSettings, other_painting: Style) -> Style:
    return suited(engine, other_painting, OTHER_WORDS)


@pytest.fixture(scope="module")
def paint(stylizer: Stylizer, engine: EngineSettings, cut_out: Picture, painting: Style) -> Painter:
    return Painter(stylizer, engine, cut_out, painting)


def check_promises(paint: Painter, values: Values) -> None:
    photo = paint.at_size(values)
    assert paint(strength=0, **values) == photo
    out = paint(**values)
    assert out.size == photo.size
    assert photo.alpha is not None
    assert out.alpha is not None
    assert torch.equal(out.alpha, photo.alpha)
    assert bool(torch.isfinite(out.pixels).all())
    assert paint(**values) == out
    if values.get("colour") == "keep" and "colour_weight" not in values:
        assert out.measures["delta_e_content"] <= 3
    if values.get("colour") in ("match", "palette"):
        assert out.measures.keys() >= {"delta_e_content", "delta_e_style"}


@each_control
def test_a_control_keeps_what_every_engine_promises(paint: Painter, values: Values) -> None:
    check_promises(paint, values)


@pytest.mark.long
@pytest.mark.parametrize("values", PAIRS)
def test_two_controls_keep_what_every_engine_promises(paint: Painter, values: Values) -> None:
    check_promises(paint, values)


@each_control
def test_a_control_changes_the_picture(paint: Painter, values: Values) -> None:
    with_it, without = paint(**values), paint()
    assert mean_difference(with_it, without.resized(with_it.size)) > 1e-3


@each_control
def test_a_cancelled_control_leaves_nothing_behind(paint: Painter, values: Values) -> None:
    before = paint(**values)
    for least in (0, 0.5, 1):
        with pytest.raises(Cancelled):
            paint.stylizer.render(paint.task(**values), lambda step, least=least: step.done < least * step.total)
    assert paint(**values) == before


@each_control
def test_a_mask_goes_with_every_control(paint: Painter, values: Values) -> None:
    photo = paint.at_size(values)
    width, height = paint.content.size
    none, full = Mask(torch.zeros(1, height, width)), Mask(torch.ones(1, height, width))
    assert paint(mask=none, **values) == photo
    assert largest_difference(paint(mask=full, **values), paint(**values)) < 1e-5
    left = (torch.arange(width) < 60).float().expand(1, height, width).contiguous()
    half = paint(mask=Mask(left), **values)
    assert torch.equal(half.pixels[:, :, 60:], photo.pixels[:, :, 60:])
    assert not torch.equal(half.pixels[:, :, :40], photo.pixels[:, :, :40])


@pytest.mark.parametrize("values", [pytest.param({}, id="none"), *(pytest.param(v, id=n) for n, v in CONTROLS.items())])
def test_what_lies_under_full_transparency_never_changes_what_is_seen(paint: Painter, values: Values) -> None:
    content = paint.content
    assert content.alpha is not None
    green = torch.tensor([0.0, 1.0, 0.0])[:, None, None].expand_as(content.pixels)
    hidden = replace(content, pixels=torch.where(content.alpha > 0, content.pixels, green))
    assert hidden != content
    one, other = paint(**values), Painter(paint.stylizer, paint.engine, hidden, paint.style)(**values)
    assert one.alpha is not None
    seen = one.alpha > 0.01
    assert float(((one.pixels - other.pixels) * seen).abs().max()) < 1e-5


@each_control
def test_a_region_over_everything_is_its_style_alone(paint: Painter, values: Values, other_painting: Style) -> None:
    width, height = paint.content.size
    full = Mask(torch.ones(1, height, width))
    covered = paint(regions=[(full, other_painting)], **values)
    alone = Painter(paint.stylizer, paint.engine, paint.content, other_painting)
    assert largest_difference(covered, alone(**values)) < 1e-3
