"""Clips painted and written: what is kept of them, in which files."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from PIL import Image

from diffstyle import Cancelled, InputError, Style, Stylizer
from diffstyle.video.clip_recipe import ClipOutput, read_clip_recipe
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.encoding import encodable
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import Cut
from diffstyle.video.files.work_folder import WorkFolder
from diffstyle.video.painting import Painted
from diffstyle.video.render import render_clip
from diffstyle.video.settings import Steadiness
from tests.helpers.clips import bars, moving, packets_of, read_arrays, write_clip
from tests.video.test_reading import coded, in_bars, only_sound

NEON = Style.from_text("neon")
SAME = ClipTask(NEON, engine="adain", strength=0.0)
PAINTED = ClipTask(NEON, engine="adain", steadiness=Steadiness(steady=0))
SHORT = ClipOutput(segment=4)


def clip_of(path: Path, count: int = 10, **options: Any) -> Path:
    return write_clip(path, [moving(n) for n in range(count)], **options)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("colours", [(6, 1, 6, 6), (1, 1, 1, 1), (1, 2, 1, 1)])
def test_strength_0_keeps_colours(
    tmp_path: Path, stylizer: Stylizer, suffix: str, colours: tuple[int, int, int, int]
) -> None:
    matrix, full = {6: "bt601", 1: "bt709"}[colours[0]], colours[1] == 2
    frames = [coded(matrix, full=full, name="yuv420p", width=256) for _ in range(3)]
    path = write_clip(tmp_path / "a.mp4", [], colours=colours, ready=frames)
    out = tmp_path / f"out.{suffix}"
    render_clip(path, SAME, out, stylizer=stylizer, output=ClipOutput(quality=90))
    for frame in read_arrays(out):
        assert np.abs(in_bars(frame) - in_bars(bars(256))).max() <= 3
    with av.open(str(out)) as made:
        context: Any = made.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)
        assert context.pix_fmt == "yuv420p"


def test_sound_subtitles_metadata_and_chapters_are_copied(tmp_path: Path, stylizer: Stylizer) -> None:
    path = tmp_path / "a.mkv"
    source = clip_of(tmp_path / "s.mp4", 20, sound=2.0)
    add_texts(source, path)
    for suffix, subtitles in (("mkv", True), ("mp4", False)):
        out = tmp_path / f"out.{suffix}"
        result = render_clip(path, SAME, out, stylizer=stylizer, output=SHORT)
        assert packets_of(out, "audio") == packets_of(path, "audio")
        with av.open(str(out)) as made:
            assert made.metadata["title"] == "A film"
            assert [c["metadata"]["title"] for c in made.chapters()] == ["one", "two"]
            assert made.streams.audio[0].language == "deu"
        if subtitles:
            assert packets_of(out, "subtitle") == packets_of(path, "subtitle")
        else:
            assert [n for n in result.notes if "subtitles (subrip)" in n]


def add_texts(source: Path, out: Path) -> None:
    """The clip with a title, two chapters, a language and two subtitles."""
    with av.open(str(source)) as read, av.open(str(out), "w") as made:
        pairs = {s.index: made.add_stream_from_template(s) for s in read.streams}
        pairs[1].metadata["language"] = "deu"
        texts = made.add_mux_stream("subrip")
        made.metadata["title"] = "A film"
        base = Fraction(1, 1000)
        made.set_chapters(
            [
                {"id": n, "start": 1000 * n, "end": 1000 * n + 1000, "time_base": base, "metadata": {"title": title}}
                for n, title in enumerate(("one", "two"))
            ]
        )
        for packet in read.demux(list(read.streams)):
            if packet.size:
                packet.stream = pairs[packet.stream_index]
                made.mux(packet)
        for n in range(2):
            text: Any = cast("Any", av.Packet(f"line {n}".encode()))
            text.stream, text.time_base, text.pts, text.dts, text.duration = texts, base, 700 * n, 700 * n, 500
            made.mux(text)


def test_sound_is_cut_with_the_pictures(tmp_path: Path, stylizer: Stylizer) -> None:
    path = clip_of(tmp_path / "a.mp4", 30, sound=3.0)
    out = tmp_path / "out.mp4"
    render_clip(path, SAME, out, stylizer=stylizer, cut=Cut(start=Fraction(1), end=Fraction(2)), output=SHORT)
    heard, all_heard = packets_of(out, "audio"), packets_of(path, "audio")
    first = all_heard.index(heard[0])
    assert heard == all_heard[first : first + len(heard)]
    assert len(heard) == pytest.approx(44100 / 1024, abs=2)
    with av.open(str(out)) as made:
        sound, pictures = made.streams.audio[0], made.streams.video[0]
        assert sound.time_base is not None
        assert 0 <= (sound.start_time or 0) * sound.time_base < Fraction(1024, 44100)
        assert (pictures.frames, pictures.start_time) == (10, 0)
    assert np.abs(read_arrays(out)[0].astype(int) - read_arrays(path)[10]).mean() < 3


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "gif", "webp"])
def test_variable_times_are_written(tmp_path: Path, stylizer: Stylizer, suffix: str) -> None:
    times = [0, 0.04, 0.2, 0.25, 0.9, 1.1]
    path = clip_of(tmp_path / "a.mkv", 6, times=times)
    out = tmp_path / f"out.{suffix}"
    render_clip(path, SAME, out, stylizer=stylizer, output=ClipOutput(segment=3))
    assert [float(s.time) for s in open_clip(out).frames()] == pytest.approx(times, abs=0.006)


def test_one_frame_and_odd_sides(tmp_path: Path, stylizer: Stylizer) -> None:
    path = write_clip(tmp_path / "a.mkv", [moving(0, 51, 37)], codec="ffv1", pixels="bgr0", options={})
    result = render_clip(path, SAME, tmp_path / "out.mp4", stylizer=stylizer)
    assert (result.frames, result.size) == (1, (51, 37))
    assert "52x38" in result.notes[0]
    assert read_arrays(tmp_path / "out.mp4")[0].shape == (38, 52, 3)
    render_clip(path, SAME, tmp_path / "out.mkv", stylizer=stylizer, output=ClipOutput(codec="ffv1"))
    assert np.array_equal(read_arrays(tmp_path / "out.mkv")[0], moving(0, 51, 37))


def test_frames_go_into_a_folder_without_loss(tmp_path: Path, stylizer: Stylizer) -> None:
    path = write_clip(tmp_path / "a.mkv", [moving(n) for n in range(6)], codec="ffv1", pixels="bgr0", options={})
    output = ClipOutput(codec="png", segment=4)
    out = tmp_path / "frames"
    render_clip(path, SAME, out, stylizer=stylizer, output=output)
    assert sorted(p.name for p in out.iterdir()) == [*(f"{n:06}.png" for n in range(1, 7)), "recipe.json"]
    assert [np.array_equal(a, moving(n)) for n, a in enumerate(read_arrays(out))] == [True] * 6
    assert render_clip(path, SAME, out, stylizer=stylizer, output=output).repeated
    (out / "holiday.jpg").touch()
    with pytest.raises(InputError, match="more in it than frames"):
        render_clip(path, PAINTED, out, stylizer=stylizer, output=output, overwrite=True)


@pytest.mark.parametrize(("name", "codec"), [("o.webm", None), ("o.mov", "prores"), ("o.webp", None), ("o.gif", None)])
def test_alpha_is_written(tmp_path: Path, stylizer: Stylizer, name: str, codec: str | None) -> None:
    alpha = np.tile(np.where(np.arange(64) < 32, 0, 255), (48, 1)).astype(np.uint8)
    clear = [np.dstack([moving(n), alpha]) for n in range(10, 13)]
    path = write_clip(tmp_path / "a.mkv", clear, codec="ffv1", pixels="bgra", options={})
    render_clip(path, PAINTED, tmp_path / name, stylizer=stylizer, output=ClipOutput(codec=codec, segment=2))
    assert [np.abs(f[..., 3].astype(int) - alpha).max() <= 4 for f in read_arrays(tmp_path / name)] == [True] * 3
    result = render_clip(path, SAME, tmp_path / "out.mp4", stylizer=stylizer)
    assert "shown on white" in result.notes[0]
    assert read_arrays(tmp_path / "out.mp4")[0][:, :28].min() > 250


@pytest.mark.parametrize("codec", encodable())
def test_every_codec_is_written(tmp_path: Path, stylizer: Stylizer, codec: str) -> None:
    path = clip_of(tmp_path / "a.mp4", 5)
    out = tmp_path / "out.mkv"
    result = render_clip(path, SAME, out, stylizer=stylizer, output=ClipOutput(codec=codec, segment=3))
    assert (result.frames, len(read_arrays(out))) == (5, 5)
    assert np.abs(read_arrays(out)[4].astype(int) - read_arrays(path)[4]).mean() < 4


@pytest.mark.parametrize(("name", "codec", "pixels"), [("o.mp4", "hevc", "yuv420p10le"), ("o.mkv", "ffv1", "gbrp16le")])
def test_more_bits_are_written(tmp_path: Path, stylizer: Stylizer, name: str, codec: str, pixels: str) -> None:
    output = ClipOutput(codec=codec, depth=16)
    render_clip(clip_of(tmp_path / "a.mp4", 2), SAME, tmp_path / name, stylizer=stylizer, output=output)
    with av.open(str(tmp_path / name)) as made:
        assert made.streams.video[0].codec_context.pix_fmt == pixels
    assert np.abs(read_arrays(tmp_path / name)[1].astype(int) - read_arrays(tmp_path / "a.mp4")[1]).mean() < 3


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
def test_a_clip_is_the_same_file_each_time(tmp_path: Path, stylizer: Stylizer, suffix: str) -> None:
    path = clip_of(tmp_path / "a.mp4", 5, sound=0.5)
    outs = [tmp_path / f"{n}.{suffix}" for n in range(2)]
    for out in outs:
        render_clip(path, SAME, out, stylizer=stylizer, output=SHORT)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_what_cannot_be_written_is_said_before_anything_is(tmp_path: Path, stylizer: Stylizer) -> None:
    path = clip_of(tmp_path / "a.mp4", 2)
    before = sorted(p.name for p in tmp_path.iterdir())
    for name, output, said in [
        ("out.txt", ClipOutput(), "end the name in"),
        ("out.mp4", ClipOutput(codec="nothing"), "no encoder for nothing"),
        ("out.webm", ClipOutput(codec="h264"), "does not hold h264"),
        ("out.mov", ClipOutput(codec="dnxhd"), "does not encode pictures of 64x48"),
        ("out.gif", ClipOutput(codec="h264"), "no other codec"),
        ("out.mkv", ClipOutput(codec="ffv1", quality=5), "no quality"),
        ("no/folder/out.mp4", ClipOutput(), "no such file or folder"),
        ("a.mp4", ClipOutput(), "reads or writes that file"),
    ]:
        with pytest.raises(InputError, match=said):
            render_clip(path, SAME, tmp_path / name, stylizer=stylizer, output=output, overwrite=True)
    with pytest.raises(InputError, match="no frame between"):
        render_clip(path, SAME, tmp_path / "o.mp4", stylizer=stylizer, cut=Cut(start=Fraction(9)))
    only_sound(clip_of(tmp_path / "b.mp4", 2, sound=0.2), tmp_path / "sound.m4a")
    with pytest.raises(InputError, match="no moving pictures"):
        render_clip(tmp_path / "sound.m4a", SAME, tmp_path / "o.mp4", stylizer=stylizer)
    assert sorted(p.name for p in tmp_path.iterdir()) == [*before, "b.mp4", "sound.m4a"]


@pytest.mark.parametrize("steadiness", [Steadiness(steady=0), Steadiness(), Steadiness(every=3)])
def test_an_interrupted_clip_goes_on_and_comes_out_the_same(
    tmp_path: Path, stylizer: Stylizer, steadiness: Steadiness
) -> None:
    path = clip_of(tmp_path / "a.mp4", 11, sound=1.1)
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    task = ClipTask(NEON, engine="adain", steadiness=steadiness)
    render_clip(path, task, whole, stylizer=stylizer, output=SHORT)
    seen: list[int] = []

    def stop_at(number: int) -> Any:
        def on_frame(painted: Painted) -> bool:
            seen.append(painted.done)
            return painted.done < number

        return on_frame

    for number in (6, 10):
        with pytest.raises(Cancelled):
            render_clip(path, task, out, stylizer=stylizer, output=SHORT, on_frame=stop_at(number))
        assert not out.exists()
    result = render_clip(path, task, out, stylizer=stylizer, output=SHORT, on_frame=stop_at(99))
    assert result.resumed == 8
    assert seen[:6] == [*range(1, 7)]
    assert seen[-3:] == [*range(9, 12)]
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "out.mp4", "whole.mp4"]


def test_two_runs_do_not_write_to_one_place(tmp_path: Path, stylizer: Stylizer) -> None:
    path, out = clip_of(tmp_path / "a.mp4", 2), tmp_path / "o.mp4"
    with WorkFolder.locked(out, "other"), pytest.raises(InputError, match="Another diffstyle"):
        render_clip(path, SAME, out, stylizer=stylizer)


def test_what_is_damaged_is_left_out_and_said(tmp_path: Path, stylizer: Stylizer) -> None:
    path = clip_of(tmp_path / "a.mp4", 50)
    render_clip(path, SAME, tmp_path / "b.mp4", stylizer=stylizer, output=ClipOutput(recipe=False))  # index first
    data = bytearray((tmp_path / "b.mp4").read_bytes())
    (tmp_path / "short.mp4").write_bytes(data[: len(data) * 2 // 3])
    data[len(data) // 2 : len(data) // 2 + 400] = b"U" * 400
    (tmp_path / "spot.mp4").write_bytes(data)
    for name, said in (("short.mp4", "seconds of it could be read"), ("spot.mp4", "are damaged")):
        result = render_clip(tmp_path / name, SAME, tmp_path / "o.mp4", stylizer=stylizer, overwrite=True)
        assert 20 < result.frames < 50
        assert [note for note in result.notes if said in note]


def test_other_work_begins_anew(tmp_path: Path, stylizer: Stylizer) -> None:
    path, out = clip_of(tmp_path / "a.mp4", 6), tmp_path / "out.mp4"
    with pytest.raises(Cancelled):
        render_clip(path, PAINTED, out, stylizer=stylizer, output=SHORT, on_frame=lambda p: p.done < 5)
    assert render_clip(path, SAME, out, stylizer=stylizer, output=SHORT).resumed == 0
    with pytest.raises(InputError, match="add --overwrite"):
        render_clip(path, PAINTED, out, stylizer=stylizer, output=SHORT)
    render_clip(path, PAINTED, out, stylizer=stylizer, output=SHORT, overwrite=True)
    assert render_clip(path, PAINTED, out, stylizer=stylizer, output=SHORT).repeated


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.webm", "o.gif", "o.webp"])
def test_the_recipe_is_kept(tmp_path: Path, stylizer: Stylizer, name: str) -> None:
    path = clip_of(tmp_path / "a.mp4", 3)
    cut = Cut(start=Fraction(1, 10), rate=Fraction(5))
    render_clip(path, PAINTED, tmp_path / name, stylizer=stylizer, cut=cut)
    recipe = read_clip_recipe(tmp_path / name)
    assert (recipe.cut, recipe.frame.content_source, recipe.steadiness.steady) == (cut, "a.mp4", 0)
    assert str(tmp_path) not in json.dumps(recipe.to_json())
    render_clip(path, PAINTED, tmp_path / f"b{name}", stylizer=stylizer, output=ClipOutput(recipe=False))
    with pytest.raises(InputError, match="no diffstyle recipe"):
        read_clip_recipe(tmp_path / f"b{name}")


@pytest.mark.long
def test_memory_does_not_grow_with_length(tmp_path: Path, stylizer: Stylizer) -> None:
    import resource

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    peaks: list[int] = []
    for count in (500, 10_000):
        frames = [moving(n, 32, 32) for n in range(50)] * (count // 50)
        path = write_clip(tmp_path / f"{count}.mp4", frames, rate=50)
        render_clip(path, SAME, tmp_path / f"o{count}.mp4", stylizer=stylizer)
        peaks.append(peak())
    assert peaks[1] - peaks[0] < 120  # megabytes


def test_pictures_saved_as_frames_open_anywhere(tmp_path: Path, stylizer: Stylizer) -> None:
    path = clip_of(tmp_path / "a.mp4", 2)
    output = ClipOutput(codec="png", depth=16)
    render_clip(path, PAINTED, tmp_path / "f", stylizer=stylizer, output=output)
    with Image.open(tmp_path / "f" / "000001.png") as image:
        assert image.size == (64, 48)


def test_a_stopped_clip_is_shorter_and_its_recipe_says_so(tmp_path: Path, stylizer: Stylizer) -> None:
    path, out = clip_of(tmp_path / "a.mp4", 10, sound=1.0), tmp_path / "out.mp4"
    seen: list[int] = []
    result = render_clip(
        path,
        PAINTED,
        out,
        stylizer=stylizer,
        output=SHORT,
        on_frame=lambda painted: seen.append(painted.done),
        stop=lambda: len(seen) >= 6,
    )
    assert (result.frames, len(read_arrays(out))) == (6, 6)
    recipe = read_clip_recipe(out)
    assert recipe.cut.end == Fraction(6, 10)
    with av.open(str(out)) as made:
        assert made.duration is not None
        assert made.duration < 700_000
    again = render_clip(path, PAINTED, tmp_path / "again.mp4", stylizer=stylizer, cut=recipe.cut, output=recipe.output)
    assert again.path.read_bytes() == out.read_bytes()
