"""Styles of a collection: one reference, painted with exemplars of all of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from diffstyle import InputError, Picture, Style, Stylizer
from diffstyle.core.style import MAX_EXEMPLARS
from diffstyle.engines.exemplars.typical import most_typical
from diffstyle.engines.nnst.bank import MOST, MOST_DEEP, Painter, read_style
from diffstyle.engines.nnst.engine import NnstEngine
from diffstyle.formats.exemplar import LONGEST, decode_exemplar
from diffstyle.training.personal.engines import unwrapped
from tests.helpers.pictures import waves


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Twelve small paintings, unlike each other."""
    return [Picture.from_array(waves(96 + 8 * n, 96, seed=n), source=f"{n}.png") for n in range(12)]


@pytest.fixture(scope="module")
def painter(stylizer: Stylizer) -> Painter:
    return unwrapped(stylizer.engine("nnst"), NnstEngine).painter


def test_a_collection_is_one_reference_whatever_the_order(pictures: list[Picture], stylizer: Stylizer) -> None:
    style, other = (Style.from_collection(p, name="waves") for p in (pictures, pictures[::-1]))
    assert style == other
    (reference,) = stylizer.measure(stylizer.encoder.encode(style)).references
    (again,) = stylizer.measure(other).references
    assert reference.source == style.label == "waves"
    assert len(reference.exemplars) == MAX_EXEMPLARS
    assert reference.exemplars == again.exemplars
    assert len(set(reference.exemplars)) == MAX_EXEMPLARS
    several = stylizer.encoder.encode(Style.from_images(pictures))
    assert torch.allclose(reference.embeddings[several.space], several.embedding, atol=1e-4)
    measured = stylizer.measure(several).references
    for space, vector in reference.statistics.items():
        assert torch.allclose(vector, torch.stack([r.statistics[space] for r in measured]).mean(0), atol=1e-3)


def test_a_collection_of_few_is_painted_with_all_of_it(pictures: list[Picture], stylizer: Stylizer) -> None:
    (reference,) = stylizer.measure(Style.from_collection(pictures[:3])).references
    assert len(reference.exemplars) == 3


def test_paper_margins_of_a_collection_are_cropped(pictures: list[Picture], stylizer: Stylizer) -> None:
    def mounted(picture: Picture) -> Picture:
        h, w = picture.height, picture.width
        paper = torch.full((3, h + 40, w + 40), 0.95)
        paper[:, 20 : h + 20, 20 : w + 20] = picture.pixels
        return Picture(paper)

    (reference,) = stylizer.measure(Style.from_collection([mounted(p) for p in pictures[:3]])).references
    for data in reference.exemplars:
        assert decode_exemplar(data, name="x").height <= 96


@pytest.mark.parametrize("count", [0, 1, 501])
def test_too_few_and_too_many_pictures_get_a_sentence(count: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (max(count, 1), 16, 16, 3)).astype(np.uint8)
    with pytest.raises(InputError, match=f"has {count} different pictures: give 2 to 500"):
        Style.from_collection(noise[:count])


def test_large_pictures_of_a_collection_are_reduced() -> None:
    (reference,) = Style.from_collection([waves(900, 300, seed=n) for n in range(2)]).references
    assert {p.size for p in reference.pictures} == {(640, 213)}


def test_what_is_chosen_stands_for_all_of_a_collection() -> None:
    """Of three groups, one of each; of the odd one out, none."""
    rng = np.random.default_rng(3)
    shades = [*[0.2] * 6, *[0.5] * 6, *[0.8] * 6]
    pictures = [Picture(torch.full((3, 64, 64), float(s + rng.normal() * 0.01))) for s in shades]
    embeddings = torch.nn.functional.one_hot(torch.arange(18) // 6, 8).float() + 0.01 * torch.rand(
        (18, 8), generator=torch.Generator().manual_seed(0)
    )
    chosen = most_typical(pictures, embeddings, 3)
    assert [n // 6 for n in chosen] == [0, 1, 2]
    assert chosen == most_typical(pictures, embeddings, 3)
    same = most_typical([pictures[0]] * 9, embeddings[:1].expand(9, 8), 3)
    assert len(set(same)) == 3


def pixels(pictures: Sequence[Picture], side: int) -> list[torch.Tensor]:
    return [p.resized((side, side)).pixels for p in pictures]


def test_a_bank_of_several_is_bounded_and_takes_as_much_of_each(painter: Painter, pictures: list[Picture]) -> None:
    large = read_style(painter, *pixels(pictures[:4], LONGEST)).levels[1]
    assert (len(large.fine), len(large.deep)) == (MOST, MOST_DEEP)
    assert (len(large.fine_keys), len(large.deep_keys)) == (MOST, MOST_DEEP)
    three = pixels(pictures[:3], 64)
    several, each = read_style(painter, *three).levels[4], [read_style(painter, p).levels[4] for p in three]
    assert torch.equal(several.fine, torch.cat([one.fine for one in each]))  # few enough to keep them all
    assert torch.equal(several.deep, torch.cat([one.deep for one in each]))


def test_the_colours_of_several_are_their_mean(painter: Painter, pictures: list[Picture]) -> None:
    """What one differs in from the next adds no contrast."""
    (picture,) = pixels(pictures[:1], 96)
    lighter = 0.5 + 0.5 * picture
    dark, light = read_style(painter, 0.5 * picture), read_style(painter, lighter)
    both = read_style(painter, 0.5 * picture, lighter)
    assert torch.allclose(both.colours.mean, (dark.colours.mean + light.colours.mean) / 2, atol=1e-5)
    assert torch.allclose(both.colours.covariance, dark.colours.covariance, atol=1e-5)
    assert torch.allclose(both.tones, dark.tones + 0.25, atol=1e-4)
    assert both.midtones == pytest.approx(dark.midtones, abs=1e-3)


def test_a_collection_is_painted_otherwise_than_each_of_its_pictures(
    stylizer: Stylizer, small_photo: Picture, pictures: list[Picture]
) -> None:
    style = stylizer.measure(Style.from_collection(pictures[:3]))
    whole = stylizer.stylize(small_photo, style, engine="nnst").picture
    assert whole == stylizer.stylize(small_photo, style, engine="nnst").picture
    (reference,) = style.references
    for data in reference.exemplars:
        part = Style((replace(reference, exemplars=(data,)),))
        assert stylizer.stylize(small_photo, part, engine="nnst").picture != whole
