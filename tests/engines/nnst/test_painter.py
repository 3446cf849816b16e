"""What the painter promises beyond the contract of every engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from diffstyle import InputError, Picture, Reference, Style, StyleSpace, Stylizer
from diffstyle.engines.nnst.exemplar import crop_margins
from diffstyle.formats.exemplar import LARGEST, LONGEST, decode_exemplar, encode_exemplar
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


def test_words_are_painted_from_the_nearest_named_style(stylizer: Stylizer, small_photo: Picture) -> None:
    result = stylizer.stylize(small_photo, Style.from_text("stained glass window in red and blue"), engine="nnst")
    (reference,) = result.task.style.references
    named = [r.exemplars for s in StyleSpace.presets().styles.values() for r in s.references]
    assert reference.exemplars in named


def test_a_style_known_by_statistics_alone_gets_a_sentence(stylizer: Stylizer, small_photo: Picture) -> None:
    bare = Style((Reference("d", "old", statistics={"preview-x": torch.zeros(3)}),))
    with pytest.raises(InputError, match="neither a picture nor an embedding"):
        stylizer.stylize(small_photo, bare, engine="nnst")
