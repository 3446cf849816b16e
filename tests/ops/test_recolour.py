"""Pictures in named colours."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.assets.atlas import Atlas
from diffstyle.data.colour_names import COLOURS, coverage
from diffstyle.formats.exemplar import decode_exemplar
from diffstyle.ops.lab import Array, to_lab
from diffstyle.ops.recolour import recoloured


@pytest.fixture(scope="module", params=["van-gogh-starry-night", "monet-sunrise", "rembrandt-night-watch"])
def exemplar(request: pytest.FixtureRequest) -> Array:
    atlas = Atlas.load()
    entry = next(e for e in atlas.entries if e.name == request.param)
    return decode_exemplar(atlas.exemplar(entry), name=entry.name).pixels.permute(1, 2, 0).contiguous().numpy()


@pytest.mark.parametrize(
    "names",
    [["red"], ["teal"], ["blue", "gold"], ["navy blue", "cream"], ["black", "white"], ["red", "green", "yellow"]],
    ids="-".join,
)
def test_the_named_colours_dominate_and_the_light_stays(exemplar: Array, names: list[str]) -> None:
    colours = [np.array(COLOURS[n], np.float32) / np.float32(255) for n in names]
    out = recoloured(exemplar, colours).clip(0, 1)
    found = coverage((out * 255).round().astype(np.uint8))
    assert sum(found[n] for n in names) > 0.5
    before, after = (to_lab(p)[::4, ::4, 0].ravel() for p in (exemplar, out))
    assert float(np.corrcoef(before.argsort().argsort(), after.argsort().argsort())[0, 1]) > 0.9
