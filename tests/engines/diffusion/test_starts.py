"""What img2img begins from: the photo, the preview, or what the painter makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diffstyle import Diffusion, Nnst, Picture, Style, Stylizer
from diffstyle.core.mask import Mask
from diffstyle.core.picture import fitted
from diffstyle.engines.diffusion.policy import DENOISE, StylePolicy
from diffstyle.engines.drafts import LONGEST
from tests.helpers.models import diffusion_engine, load_tiny
from tests.helpers.pictures import grainy, largest_difference

QUICK = Diffusion(steps=2, start="painter")


def test_without_denoising_the_painters_start_is_the_painting(
    worded: Stylizer, small_photo: Picture, painting: Style
) -> None:
    drafted = worded.stylize(small_photo, painting, engine=Diffusion(start="painter", denoise=0)).picture
    painted = worded.stylize(small_photo, painting, engine=Nnst()).picture
    assert largest_difference(drafted, painted) <= 1e-5


@pytest.mark.parametrize("words", ["woodcut", "van gogh"])
def test_words_are_drafted_by_what_the_starter_paints_them_with(
    worded: Stylizer, small_photo: Picture, words: str
) -> None:
    style = Style.from_text(words)
    drafted = worded.stylize(small_photo, style, engine=Diffusion(start="painter", denoise=0)).picture
    usual = Stylizer.load("starter", device="cpu", dtype="float32").stylize(small_photo, style).picture
    assert largest_difference(drafted, usual) <= 1e-5


def test_a_model_without_a_style_adapter_begins_from_the_painter(
    tiny_models: Path, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    bare = load_tiny(tiny_models, "worded", adapter=[])
    result = bare.stylize(small_photo, painting)
    assert isinstance(result.task.engine, Diffusion)
    assert (result.task.engine.start, result.task.engine.denoise) == ("painter", DENOISE["painter"])
    other = bare.stylize(small_photo, other_painting).picture
    assert result.picture != other  # the draft alone carries the style


def test_a_model_with_an_adapter_begins_from_the_photo(worded: Stylizer) -> None:
    settings = diffusion_engine(worded).resolved(Diffusion())
    assert (settings.start, settings.denoise) == ("content", DENOISE["content"])


def test_each_start_has_its_own_share_and_a_model_may_have_others() -> None:
    policy = StylePolicy(denoise={"painter": 0.2})
    assert policy.share("painter") == 0.2
    assert policy.share("preview") == DENOISE["preview"]
    with pytest.raises(ValueError, match="no share"):
        StylePolicy(denoise={"photo": 0.2})


def test_large_photos_are_drafted_small(worded: Stylizer, painting: Style) -> None:
    photo = grainy(LONGEST + 72, 96)
    drafted = worded.stylize(photo, painting, engine=Diffusion(start="painter", denoise=0)).picture
    small = worded.stylize(photo.resized(fitted(photo.size, LONGEST)), painting, engine=Nnst()).picture
    assert largest_difference(drafted, small.resized(photo.size)) <= 1e-5


def test_regions_mask_and_strength_hold_with_the_painters_start(
    worded: Stylizer, small_photo: Picture, painting: Style
) -> None:
    h, w = small_photo.pixels.shape[1:]
    left = np.zeros((h, w), np.float32)
    left[:, : w // 2] = 1
    regions = [(Mask.of(left), Style.from_text("woodcut"))]
    both = worded.stylize(small_photo, painting, regions=regions, engine=QUICK).picture
    one = worded.stylize(small_photo, painting, engine=QUICK).picture
    assert both != one
    kept = worded.stylize(small_photo, painting, mask=Mask.of(np.zeros((h, w), np.float32)), engine=QUICK).picture
    assert largest_difference(kept, small_photo) == 0
    assert largest_difference(worded.stylize(small_photo, painting, strength=0, engine=QUICK).picture, small_photo) == 0


def test_a_resolved_task_needs_no_pictures(worded: Stylizer, small_photo: Picture, painting: Style) -> None:
    result = worded.stylize(small_photo, painting, engine=QUICK)
    references = tuple(replace(r, pictures=()) for r in result.task.style.references)
    bare = replace(result.task, style=replace(result.task.style, references=references))
    assert largest_difference(worded.render(bare).picture, result.picture) == 0
