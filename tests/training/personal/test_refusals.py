"""What cannot be trained, or does not fit, gets one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers as untyped
import pytest

from diffstyle import (
    Diffusion,
)
from diffstyle.assets.zoo import adapters_folder
from tests.helpers.cli import run as command
from tests.helpers.personal import KINDS

diffusers: Any = untyped
STEPS = Diffusion(steps=2)


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../evil"}, "is not a valid name"),
        ({"name": "starter"}, "comes with diffstyle"),
        ({"steps": 0}, "steps is 0"),
        ({"rank": 0}, "rank is 0"),
        ({"learning-rate": "nan"}, "learning_rate is nan"),
        ({"kind": "stats"}, "kind"),
        ({"samples": -1}, "samples is -1"),
        ({"pictures": "empty"}, "Found no pictures"),
        ({"pictures": "nowhere"}, "Cannot read the folder"),
        ({"pictures": "one"}, "Found 1 usable picture in"),
        ({"pictures": "same"}, "shows the same as"),
        ({"pictures": "text"}, "this is not a picture"),
        ({"model": "nowhere"}, "nowhere"),
        ({"runtime": "openvino"}, "trained by torch alone"),
        ({"zoo": "a file"}, "Cannot make the folder"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_refused(
    change: dict[str, Any],
    message: str,
    artist: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("empty", "one", "same", "text"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "a.png").write_bytes((artist / "0.png").read_bytes())
    for n in range(4):
        (tmp_path / "same" / f"{n}.png").write_bytes((artist / "0.png").read_bytes())
        (tmp_path / "text" / f"{n}.png").write_bytes(b"words")
    if change.pop("zoo", None):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(tmp_path / "file" / "zoo"))
    pictures = tmp_path / change.pop("pictures") if "pictures" in change else artist
    arguments = {"name": "mine", "steps": 1, **change}
    flags = [part for k, v in arguments.items() for part in (f"--{k}", v)]
    assert command("train", pictures, *flags) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("adapter.toml"))


def test_an_adapter_of_another_model_is_refused(
    zoo_of_both: Path,
    photo_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    out = tmp_path / "x.png"
    for kind in KINDS:
        assert command("stylize", photo_file, "-s", f"adapter:my-{kind}", "--engine", "diffusion", "-o", out) == 2
        assert f"my-{kind} is for" in capsys.readouterr().err
    assert command("stylize", photo_file, "-s", "adapter:my-lorra", "-o", out) == 2
    assert "did you mean" in capsys.readouterr().err
    assert command("stylize", photo_file, "-s", "adapter:starter", "-o", out) == 2
    assert "paints any style" in capsys.readouterr().err
    assert adapters_folder() == zoo_of_both
