"""Styles in words, alone and blended with pictures, on every engine."""

from __future__ import annotations

import pytest
import torch

from diffstyle import Picture, Style, Stylizer
from diffstyle.assets.zoo import named_style, style_files
from diffstyle.engines.registry import settings_class
from diffstyle.ops.lab import to_lab
from tests.conftest import waves
from tests.helpers.quick import engines_by_code, quick_engine
from tests.helpers.styles import shipped_styles


def test_words_paint_what_they_say(stylizer: Stylizer, photo: Picture) -> None:
    def painted(words: str) -> Picture:
        return stylizer.stylize(photo, Style.from_text(words), engine="adain").picture

    def mean(picture: Picture) -> tuple[float, ...]:
        pixels = picture.pixels.permute(1, 2, 0).numpy()
        return tuple(float(v) for v in to_lab(pixels).mean((0, 1)))

    dark, light = mean(painted("a dark oil painting, black and brown")), mean(painted("pale watercolour on white"))
    assert light[0] > dark[0] + 20
    blue, red = mean(painted("a blue painting")), mean(painted("a red painting"))
    assert red[1] > blue[1] + 15
    assert red[2] > blue[2] + 15


@pytest.mark.parametrize("engine", engines_by_code())
def test_words_pictures_and_names_blend(engine: str, stylizer: Stylizer, photo: Picture) -> None:
    words, picture = Style.from_text("mosaic"), Style.from_image(waves(120, 90, seed=4))
    blend = Style.mix({words: 1, picture: 1, named_style("woodcut-indigo"): 1})
    if settings_class(engine).capabilities.own_styles:
        blend = Style.mix({Style.from_text(name): 1 for name in shipped_styles()})
    result = stylizer.stylize(photo, blend, engine=quick_engine(engine))
    assert result.picture.size == photo.size
    assert stylizer.render(result.task).picture == result.picture
    kept = [r.embeddings or r.statistics or r.exemplars or r.prompt for r in result.task.style.references]
    assert all(kept)  # a recipe needs no pictures


@pytest.mark.parametrize(
    ("start", "end"),
    [("woodcut-indigo", "impasto"), ("dark charcoal drawing", "stained glass"), ("neon", "watercolour")],
)
def test_along_a_path_the_picture_moves_steadily(start: str, end: str, stylizer: Stylizer, photo: Picture) -> None:
    def style(name: str) -> Style:
        found = named_style(name) if name in style_files() else Style.from_text(name)
        return stylizer.encoder.encode(found)

    path = Style.path(style(start), style(end), 7)
    pictures = [stylizer.stylize(photo, s, engine="adain").picture.pixels for s in path]
    to_end = [float((p - pictures[-1]).abs().mean()) for p in pictures]
    from_start = [float((p - pictures[0]).abs().mean()) for p in pictures]
    order = torch.arange(7).float()
    for distances, sign in ((to_end, -1), (from_start, 1)):
        ranks = torch.tensor(distances).argsort().argsort().float()
        spearman = float(torch.corrcoef(torch.stack([order, ranks]))[0, 1])
        assert sign * spearman >= 0.9
