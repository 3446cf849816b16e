"""What the painter promises beyond the contract of every engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, InputError, Picture, Reference, Style, Stylizer, Task
from diffstyle.assets.manifest import verified
from diffstyle.engines.base import Step
from diffstyle.engines.exemplars.exemplar import crop_margins
from diffstyle.engines.nnst.bank import Painter, read_style
from diffstyle.engines.nnst.engine import WEIGHTS
from diffstyle.engines.nnst.settings import Nnst
from diffstyle.engines.nnst.synthesis import synthesise
from diffstyle.engines.nnst.targets import WeightedStyle
from diffstyle.formats.exemplar import LARGEST, LONGEST, decode_exemplar, encode_exemplar
from diffstyle.ops.luma import luma
from tests.helpers.pictures import waves


def test_an_exemplar_is_small_and_close_to_its_picture() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 700, 3)).astype(np.uint8)
    for picture in (Picture.from_array(waves(600, 400)), Picture.from_array(noise)):
        data = encode_exemplar(picture)
        assert len(data) <= LARGEST
        assert max(decode_exemplar(data, name="x").size) == LONGEST
    small = Picture.from_array(waves(96, 64))
    again = decode_exemplar(encode_exemplar(small), name="x")
    assert again.size == small.size
    assert float((again.pixels - small.pixels).abs().mean()) < 0.02


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x00" * (LARGEST + 1)])
def test_a_damaged_exemplar_gets_a_sentence(data: bytes) -> None:
    with pytest.raises(InputError, match="exemplar of the style dots is damaged"):
        decode_exemplar(data, name="dots")


def test_paper_margins_are_no_part_of_a_style() -> None:
    inside = Picture.from_array(waves(160, 120)).pixels
    paper = torch.full((3, 160, 200), 0.95)
    paper[:, 20:140, 20:180] = inside
    cropped = crop_margins(paper)
    assert 100 <= cropped.shape[1] <= 120
    assert 140 <= cropped.shape[2] <= 160
    assert torch.equal(crop_margins(inside), inside)


def test_the_size_and_the_name_of_a_style_picture_do_not_matter(stylizer: Stylizer, small_photo: Picture) -> None:
    picture = Picture.from_array(waves(300, 200, seed=4))
    one = stylizer.stylize(small_photo, Style.from_image(picture), engine="nnst").picture
    other = stylizer.stylize(small_photo, Style.from_image(replace(picture, source="other")), engine="nnst").picture
    assert one == other


def test_structure_holds_the_photo_ever_more(stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    distances = [
        float(
            (stylizer.stylize(photo, painting, engine="nnst", structure=s).picture.pixels - photo.pixels).abs().mean()
        )
        for s in (0.0, 0.5, 1.0)
    ]
    assert distances == sorted(distances, reverse=True)


def test_a_style_known_by_statistics_alone_gets_a_sentence(stylizer: Stylizer, small_photo: Picture) -> None:
    bare = Style((Reference("d", "old", statistics={"preview-x": torch.zeros(3)}),))
    with pytest.raises(InputError, match="neither a picture nor an embedding"):
        stylizer.stylize(small_photo, bare, engine="nnst")


def test_a_draft_looks_like_the_render(stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    task = Task(photo, painting, engine="nnst", size=512)
    draft, final = stylizer.draft(task), stylizer.render(task)
    assert draft is not None
    assert draft.picture.size == final.picture.size
    small = [r.picture.resized((32, 24)).pixels for r in (draft, final)]
    assert float((small[0] - small[1]).abs().mean()) < 0.04


def test_engines_without_drafts_make_none(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    assert stylizer.draft(Task(small_photo, painting, engine="adain")) is None


def test_refining_goes_on_from_the_painting(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    plain = stylizer.stylize(small_photo, painting, engine=Nnst()).picture.pixels
    refined = stylizer.stylize(small_photo, painting, engine=Nnst(refine_steps=3)).picture.pixels
    assert 0 < float((plain - refined).abs().mean()) < 0.05


@pytest.mark.parametrize(
    "task", [{"engine": Nnst(refine_steps=8)}, {"engine": "nnst", "size": 1100}], ids=["refining", "tiles"]
)
def test_a_cancelled_painting_ends_within_its_level(
    stylizer: Stylizer, small_photo: Picture, painting: Style, task: dict[str, Any]
) -> None:
    seen: list[int] = []

    def on_step(step: Step) -> bool:
        seen.append(step.done)
        return len(seen) < 6

    with pytest.raises(Cancelled):
        stylizer.render(Task(small_photo, painting, **task), on_step)
    assert len(seen) == 6
    assert seen == sorted(seen)


def test_a_texture_has_the_colours_of_its_style() -> None:
    painter = Painter.load(verified(WEIGHTS)[0])
    style = Picture.from_array(waves(160, 120)).pixels
    banks = read_style(painter, style)
    styles = [WeightedStyle(banks)]
    one, same, other = (synthesise(painter, styles, height=96, width=128, seed=s) for s in (1, 1, 2))
    assert one.shape == (3, 96, 128)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.allclose(one.mean((1, 2)), style.mean((1, 2)), atol=0.05)


def test_refining_fewer_scales_gets_a_sentence() -> None:
    with pytest.raises(InputError, match="last of three scales"):
        Nnst(refine_steps=4, scales=2)


@pytest.mark.parametrize("colour", [(0.8, 0.1, 0.1), (0.5, 0.5, 0.5), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_one_colour_paints_the_photo_in_its_shades(
    stylizer: Stylizer, photo: Picture, colour: tuple[float, float, float]
) -> None:
    plain = Picture(torch.tensor(colour)[:, None, None].expand(3, 64, 64).contiguous())
    painted = stylizer.stylize(photo, Style.from_image(plain), engine="nnst").picture.pixels
    before, after = (luma(pixels[None]).flatten() for pixels in (photo.pixels, painted))
    assert float(torch.corrcoef(torch.stack((before, after)))[0, 1]) > 0.9
    assert float(after.std()) > 0.1
