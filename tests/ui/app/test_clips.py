"""Uploaded clips: what is refused, and which part is painted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from diffstyle_ui.app.clips import read_clip
from diffstyle_ui.app.limits import Limits
from gradio_client import Client, handle_file

from diffstyle import InputError
from diffstyle.engines.registry import interactive_engine
from diffstyle.video.clip_recipe import read_clip_recipe
from tests.helpers.clips import moving, read_arrays, write_clip
from tests.helpers.page_client import ask, refusal

SMALL = Limits(max_pixels=80 * 60, max_clip_seconds=2)


def clip(path: Path, count: int, size: tuple[int, int] = (64, 48)) -> Path:
    return write_clip(path, [moving(n, *size) for n in range(count)])


def test_the_part_that_is_painted(tmp_path: Path) -> None:
    found = read_clip(clip(tmp_path / "a.mp4", 30), SMALL)
    assert "a.mp4, 64×48, 3.0 s, 10 frames a second" in found.facts
    assert (found.cut("0:01", "2.5", SMALL).start, found.cut("1", "", SMALL).end) == (1, None)
    assert found.cut("0.5", "1.5", SMALL).end == Fraction(3, 2)
    for begin, end, said in (("", "", "at most 2 at a time"), ("9", "", "begin earlier"), ("soon", "", "the time")):
        with pytest.raises(InputError, match=said):
            found.cut(begin, end, SMALL)


def test_large_clips_and_playlists_are_refused_by_name(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 2)
    large = clip(tmp_path / "large.mp4", 2, (96, 64))
    texts = {"list.mp4": "ffconcat version 1.0\nfile a.mp4\n", "list.m3u8": f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/a.mp4\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "empty.gif").touch()
    for path in (large, *(tmp_path / name for name in (*texts, "empty.gif"))):
        with pytest.raises(InputError) as caught:
            read_clip(path, SMALL)
        assert path.name in str(caught.value)
        assert str(tmp_path) not in str(caught.value)


def test_a_program_paints_a_clip(client: Client, tmp_path: Path) -> None:
    given = handle_file(clip(tmp_path / "walk.mp4", 10))
    shared: dict[str, Any] = {"clip": given, "style": ["neon"], "engine": interactive_engine(), "steady": 0.0}
    out = Path(ask(client, "video", **shared, start_at="0.2", end_at="0.7"))
    assert len(read_arrays(out)) == 5
    recipe = read_clip_recipe(out)
    assert (recipe.frame.content_source, recipe.steadiness.steady) == ("walk.mp4", 0)
    assert "begin earlier" in refusal(client, "video", **shared, start_at="5")
    assert "every is 0" in refusal(client, "video", **shared, every=0)
    assert "There is no style" in refusal(client, "video", **(shared | {"style": []}))
