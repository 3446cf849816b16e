"""What is painted of a clip: like pictures, inside masks, along keyframes, and only what is seen."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from diffstyle import InputError, Picture, Style, Stylizer
from diffstyle.core.mask import Mask
from diffstyle.video.clip_recipe import ClipOutput, read_clip_recipe
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.timing import Cut
from diffstyle.video.frame_masks import FrameMasks
from diffstyle.video.frames import Frame
from diffstyle.video.keyframes import Keyframe, parse_keyframes, style_at
from diffstyle.video.render import render_clip
from diffstyle.video.settings import Steadiness
from tests.helpers.clips import moving, read_arrays, write_clip

NEON = Style.from_text("neon")


def test_frames_are_painted_like_pictures(tmp_path: Path, stylizer: Stylizer) -> None:
    path = write_clip(tmp_path / "a.mkv", [moving(n) for n in range(2)], codec="ffv1", pixels="bgr0", options={})
    task = ClipTask(NEON, engine="adain", size=96, steadiness=Steadiness(steady=0))
    result = render_clip(path, task, tmp_path / "o.mkv", stylizer=stylizer, output=ClipOutput(codec="ffv1"))
    assert result.size == (96, 72)
    alone = stylizer.stylize(Picture.from_array(moving(1)), NEON, engine="adain", size=96).picture
    assert np.array_equal(read_arrays(tmp_path / "o.mkv")[1], alone.to_array())


def test_a_mask_holds_for_all_frames_or_moves_with_them(tmp_path: Path, stylizer: Stylizer) -> None:
    frames = [moving(n) for n in range(4)]
    path = write_clip(tmp_path / "a.mkv", frames, codec="ffv1", pixels="bgr0", options={})
    left = np.where(np.arange(64) < 32, 255, 0).astype(np.uint8)
    masks = [np.tile(np.roll(left, 16 * n)[:, None], (48, 1, 3)) for n in range(4)]
    moved = write_clip(tmp_path / "m.mkv", masks, codec="ffv1", pixels="bgr0", options={})
    still = Mask.of(Picture.from_array(masks[0]))
    exact = ClipOutput(codec="ffv1", segment=2)
    for task, expected in [
        (ClipTask(NEON, engine="adain", mask=still), [masks[0]] * 4),
        (ClipTask(NEON, engine="adain", mask_clip=moved), masks),
    ]:
        out = tmp_path / "o.mkv"
        render_clip(path, task, out, stylizer=stylizer, output=exact, overwrite=True)
        for n, frame in enumerate(read_arrays(out)):
            kept = expected[n][..., :1] == 0
            assert np.array_equal(np.where(kept, frame, 0), np.where(kept, frames[n], 0))
            assert np.abs(np.where(kept, 0, frame) - np.where(kept, 0, frames[n].astype(int))).mean() > 3


def test_styles_change_between_keyframes(tmp_path: Path, stylizer: Stylizer) -> None:
    a, b = Style.from_text("neon"), Style.from_text("watercolour")
    keys = parse_keyframes("0s: neon, 0:02= watercolour, in blue", Style.from_text)
    assert [(k.time, k.style.prompt) for k in keys] == [(0, "neon"), (2, "watercolour, in blue")]
    keys = (Keyframe(Fraction(1), a), Keyframe(Fraction(2), b))
    assert [style_at(keys, Fraction(t)) for t in (0, 1, 2, 9)] == [a, a, b, b]
    assert style_at(keys, Fraction(3, 2)) == Style.slerp(a, b, 0.5)
    for text in ("neon", "2s: neon, 1s: mosaic", "0s:"):
        with pytest.raises(InputError, match="keyframe"):
            parse_keyframes(text, Style.from_text)
    path = write_clip(tmp_path / "a.mkv", [moving(0)] * 4, codec="ffv1", pixels="bgr0", options={}, rate=2)
    keys = (Keyframe(Fraction(0), a), Keyframe(Fraction(3, 2), b))
    task = ClipTask(a, engine="adain", keyframes=keys, steadiness=Steadiness(steady=0))
    render_clip(path, task, tmp_path / "o.mkv", stylizer=stylizer, output=ClipOutput(codec="ffv1"))
    frames = read_arrays(tmp_path / "o.mkv")
    for n, style in ((0, a), (3, b)):
        alone = stylizer.stylize(Picture.from_array(moving(0)), style, engine="adain").picture
        assert np.array_equal(frames[n], alone.to_array())
    assert not np.array_equal(frames[1], frames[0])
    assert read_clip_recipe(tmp_path / "o.mkv").keyframes[1].style == b


def test_a_frame_that_cannot_be_seen_stays_as_it_is(tmp_path: Path, stylizer: Stylizer) -> None:
    frames = [np.dstack([moving(n), np.full((48, 64), n * 100, np.uint8)]) for n in (0, 1, 2, 0, 1)]
    path = write_clip(tmp_path / "a.mkv", frames, codec="ffv1", pixels="bgra", options={})
    for steady in (0.0, 0.9):
        task = ClipTask(NEON, engine="adain", steadiness=Steadiness(steady=steady))
        out = tmp_path / f"{steady}.mkv"
        render_clip(path, task, out, stylizer=stylizer, output=ClipOutput(codec="ffv1"))
        made = read_arrays(out)
        assert [int(f[..., 3].max()) for f in made] == [0, 100, 200, 0, 100]
        assert not np.array_equal(made[1], frames[1])


def test_where_nothing_is_found_nothing_is_painted(tmp_path: Path, stylizer: Stylizer) -> None:
    grey = np.full((48, 64, 3), 40, np.uint8)
    path = write_clip(tmp_path / "a.mkv", [grey] * 2, codec="ffv1", pixels="bgr0", options={})
    task = ClipTask(NEON, engine="adain", only="sky")
    result = render_clip(path, task, tmp_path / "o.mkv", stylizer=stylizer, output=ClipOutput(codec="ffv1"))
    assert [n for n in result.notes if "In 2 frames there was no sky" in n]
    assert np.array_equal(read_arrays(tmp_path / "o.mkv")[0], grey)


def test_a_frame_that_is_shown_again_is_not_searched_again() -> None:
    blue = np.full((48, 64, 3), (40, 40, 40), np.uint8)
    grey = Picture.from_array(blue)
    blue[:24] = 120, 170, 240
    masks = FrameMasks(ClipTask(NEON, only="sky"), Cut())
    found = [masks.at(Frame(n, Fraction(n), p)) for n, p in enumerate([Picture.from_array(blue), grey, grey, grey])]
    assert found[0] is not found[1]
    assert found[1] is found[2] is found[3]
    assert masks.unfound == 3, "every frame counts"
