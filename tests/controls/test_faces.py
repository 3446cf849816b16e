"""`keep_faces`: faces stay recognisable, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from skimage import data as untyped
from torch import Tensor

from diffstyle import Picture, Style, Stylizer, Task
from diffstyle.controls.faces import faces_in
from diffstyle.core.mask import Mask
from diffstyle.core.settings import EngineSettings
from diffstyle.ops.luma import box, luma
from tests.helpers.styles import suited

images: Any = untyped


@pytest.fixture(scope="module")
def portrait() -> Picture:
    return Picture.from_array(images.astronaut()[20:240, 130:350].copy()).resized((176, 176))


@pytest.fixture(scope="module")
def faces(portrait: Picture) -> Tensor:
    found = faces_in(portrait)
    assert 0.02 < float(found.mean()) < 0.6
    return found


def task(engine: EngineSettings, photo: Picture, painting: Style, **values: Any) -> Task:
    return Task(photo, suited(engine, painting), engine=engine, seed=3, **values)


def likeness(one: Picture, other: Picture, where: Tensor) -> float:
    """Correlation of the fine detail of lightness in `where` (1, H, W)."""

    def detail(picture: Picture) -> Tensor:
        y = luma(picture.pixels)[None]
        return ((y - box(y, 9))[0])[where > 0.9]

    return float(torch.corrcoef(torch.stack([detail(one), detail(other)]))[0, 1])


def test_faces_are_nearer_to_the_photo_and_the_rest_is_as_it_was(
    stylizer: Stylizer, engine: EngineSettings, portrait: Picture, faces: Tensor, painting: Style
) -> None:
    plain, half, kept = (
        stylizer.render(task(engine, portrait, painting, keep_faces=k)).picture for k in (0.0, 0.5, 1.0)
    )
    before, between, after = (likeness(p, portrait, faces) for p in (plain, half, kept))
    assert before <= between + 1e-3 <= after + 2e-3
    assert after > min(0.85, before + 0.02)
    outside = faces == 0
    assert torch.equal(kept.pixels[outside.expand(3, -1, -1)], plain.pixels[outside.expand(3, -1, -1)])


def test_strength_0_and_a_zero_mask_are_the_photo(
    stylizer: Stylizer, engine: EngineSettings, portrait: Picture, painting: Style
) -> None:
    assert stylizer.render(task(engine, portrait, painting, keep_faces=1.0, strength=0)).picture == portrait
    nowhere = Mask(torch.zeros(1, portrait.height, portrait.width))
    assert stylizer.render(task(engine, portrait, painting, keep_faces=1.0, mask=nowhere)).picture == portrait


def test_a_photo_without_a_face_says_so(
    stylizer: Stylizer, engine: EngineSettings, small_photo: Picture, painting: Style
) -> None:
    plain, kept = (stylizer.render(task(engine, small_photo, painting, keep_faces=k)).picture for k in (0.0, 1.0))
    assert kept == plain
    assert "No face was found to keep." in kept.notes
