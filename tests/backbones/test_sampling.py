"""The defaults of a backbone, and the engine's own in the same file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from diffstyle import InputError
from diffstyle.assets.manifest import weights_folder
from diffstyle.backbones.sampling import SAMPLING, Sampling, read_sampling
from diffstyle.engines.diffusion.policy import StylePolicy


def test_each_reader_takes_its_own_fields(tmp_path: Path) -> None:
    values = {"scheduler": "ddim", "steps": 4, "margin": 8, "start": "preview", "keeps_colours": True, "texture": 1.0}
    (tmp_path / SAMPLING).write_text(json.dumps(values))
    assert read_sampling(tmp_path, Sampling) == Sampling("ddim", steps=4, margin=8)
    assert read_sampling(tmp_path, StylePolicy) == StylePolicy(start="preview", keeps_colours=True)


@pytest.mark.parametrize("kind", [Sampling, StylePolicy])
def test_without_a_file_there_are_defaults(kind: type[object], tmp_path: Path) -> None:
    assert read_sampling(None, kind) == read_sampling(tmp_path, kind) == kind()


@pytest.mark.parametrize("text", ["[1, 2]", "{", ""])
def test_a_damaged_file_gets_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / SAMPLING).write_text(text)
    with pytest.raises(InputError, match="Cannot use"):
        read_sampling(tmp_path, Sampling)


def test_every_field_of_the_starters_file_is_read() -> None:
    """A field that no reader knows would be ignored in silence."""
    folder = weights_folder() / "starter" / "diffusion"
    written = set(json.loads((folder / SAMPLING).read_text("utf-8")))
    read = {name for kind in (Sampling, StylePolicy) for name in kind.__dataclass_fields__}
    assert written <= read
