"""Reading clips: how they are turned and shaped, when their frames are shown, and in which colours."""

from __future__ import annotations

import resource
import sys
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
import pytest
from av import VideoFrame
from PIL import Image

from diffstyle import InputError
from diffstyle.core.picture import Picture
from diffstyle.video.files.colours import to_frame
from diffstyle.video.files.frame_folder import RawFrames
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import Cut, frame_rate, seconds, timed
from tests.helpers.clips import bars, moving, read_arrays, write_clip

MATRICES = {"bt601": 6, "bt709": 1, "bt2020": 9}
LUMA = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


def in_bars(frame: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The colour of each bar of a frame, (8, 3)."""
    bands = frame[8:-8, :, :3].reshape(frame.shape[0] - 16, 8, -1, 3)
    wide = bands.shape[2]
    bands = bands[:, :, wide // 4 : -wide // 4]  # away from where chroma is interpolated
    return bands.mean((0, 2)).round().astype(np.int64)


def coded(matrix: str, *, full: bool, name: str = "yuv444p", bits: int = 8, width: int = 64) -> VideoFrame:
    """Colour bars by the textbook, independent of what is tested."""
    red, blue = LUMA[matrix]
    r, g, b = (bars(width) / 255).transpose(2, 0, 1)
    y = red * r + (1 - red - blue) * g + blue * b
    planes = [y, (b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)]
    top = 2**bits - 1
    if full:
        values = [planes[0] * top, *(p * top + 2 ** (bits - 1) for p in planes[1:])]
    else:
        step = 2 ** (bits - 8)
        values = [(planes[0] * 219 + 16) * step, *((p * 224 + 128) * step for p in planes[1:])]
    frame = VideoFrame(width, 48, name)
    for plane, value in zip(frame.planes, values, strict=True):
        if plane.width < width:
            value = value[:: 48 // plane.height, ::2]
        whole = np.clip(value.round(), 0, top).astype(np.uint16 if bits > 8 else np.uint8)
        lines = np.zeros((plane.height, plane.line_size), np.uint8)
        lines[:, : whole.shape[1] * whole.itemsize] = np.ascontiguousarray(whole).view(np.uint8)
        plane.update(lines.tobytes())
    return frame


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("name", "bits"), [("yuv420p", 8), ("yuv444p", 8), ("yuv420p10le", 10)])
def test_matrix_range_and_depth_are_followed(tmp_path: Path, matrix: str, full: bool, name: str, bits: int) -> None:
    frame = coded(matrix, full=full, name=name, bits=bits)
    stated = (MATRICES[matrix], 2 if full else 1, 1, 1)
    path = write_clip(tmp_path / "a.mkv", [], codec="ffv1", pixels=name, colours=stated, options={}, ready=[frame])
    found = in_bars(read_arrays(path)[0])
    assert np.abs(found - in_bars(bars())).max() <= 2


def test_old_full_range_formats_are_read(tmp_path: Path) -> None:
    frame = coded("bt601", full=True, name="yuvj420p")
    path = write_clip(
        tmp_path / "a.avi", [], codec="mjpeg", pixels="yuvj420p", colours=None, options={"qmin": "1"}, ready=[frame]
    )
    assert np.abs(in_bars(read_arrays(path)[0]) - in_bars(bars())).max() <= 3


def test_a_small_clip_that_does_not_say_is_bt601(tmp_path: Path) -> None:
    frame = coded("bt601", full=False, name="yuv420p")
    path = write_clip(tmp_path / "a.mkv", [], codec="ffv1", pixels="yuv420p", colours=None, options={}, ready=[frame])
    assert np.abs(in_bars(read_arrays(path)[0]) - in_bars(bars())).max() <= 2


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_compressed_to_srgb(tmp_path: Path, transfer: int) -> None:
    grey = np.full((48, 64, 3), 148 if transfer == 16 else 191, np.uint8)  # diffuse white: 58 % of PQ, 75 % of HLG
    frame = to_frame(Picture.from_array(grey), "yuv420p10le")
    path = write_clip(
        tmp_path / "a.mkv",
        [],
        codec="ffv1",
        pixels="yuv420p10le",
        colours=(9, 1, 9, transfer),
        options={},
        ready=[frame],
    )
    clip = open_clip(path)
    assert "HDR" in clip.info.notes[0]
    assert 200 < read_arrays(path)[0].mean() < 245  # below white, for lights are brighter


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_clip_is_upright(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    path = write_clip(tmp_path / "a.mp4", [moving(0)] * 2, rotation=degrees, mirrored=mirrored)
    clip = open_clip(path)
    assert clip.info.size == ((48, 64) if degrees % 180 else (64, 48))
    expected = np.rot90(moving(0), degrees // 90)[:, :: -1 if mirrored else 1]
    assert np.abs(read_arrays(path)[0].astype(int) - expected).mean() < 4


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_frames_that_were_read_are_freed(tmp_path: Path) -> None:
    def used() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    still = np.zeros((720, 1280, 3), np.uint8)
    path = write_clip(tmp_path / "a.mp4", [still] * 60, options={"preset": "ultrafast"})
    shown = open_clip(path).frames()
    for _ in range(20):
        next(shown).read()
    before = used()
    assert sum(s.read().width for s in shown) == 40 * 1280
    assert used() - before < 20 * still.nbytes / 2, "frames of 4:2:0 have half as many bytes"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_camera_s_exif_does_not_stop_a_clip(tmp_path: Path, orientation: int) -> None:
    exif, data, path = Image.Exif(), BytesIO(), tmp_path / "a.avi"
    exif[0x0112] = orientation
    Image.fromarray(moving(0)).save(data, "JPEG", exif=exif, quality=95)
    with av.open(str(path), "w") as made:
        stream = made.add_stream("mjpeg", 10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for n in range(3):
            packet = cast("Any", av.Packet(data.getvalue()))
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, n, n, Fraction(1, 10)
            made.mux(packet)
    expected = np.rot90(moving(0), {1: 0, 3: 2, 6: 3, 8: 1}[orientation]).astype(int)
    assert len(frames := read_arrays(path)) == 3
    assert np.abs(frames[0] - expected).mean() < 4


@pytest.mark.parametrize("ratio", [Fraction(2), Fraction(1, 2), Fraction(64, 45)])
def test_pixels_are_made_square(tmp_path: Path, ratio: Fraction) -> None:
    path = write_clip(tmp_path / "a.mp4", [moving(0)] * 2, square=ratio)
    size = (round(64 * ratio), 48) if ratio > 1 else (64, round(48 / ratio))
    assert open_clip(path).info.size == size
    assert read_arrays(path)[0].shape == (size[1], size[0], 3)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_times_of_a_variable_rate_are_kept(tmp_path: Path, suffix: str) -> None:
    times = [0, 0.04, 0.2, 0.21, 0.9]
    path = write_clip(tmp_path / f"a.{suffix}", [moving(n) for n in range(5)], times=times)
    assert [float(s.time) for s in open_clip(path).frames()] == pytest.approx(times, abs=1e-3)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_clip_that_begins_late_is_as_long_as_its_frames(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"a.{suffix}", [moving(n) for n in range(5)], times=[5 + n / 10 for n in range(5)])
    clip = open_clip(path)
    assert float(next(clip.frames()).time) == 0
    assert clip.info.duration == pytest.approx(0.45, abs=0.06)


def test_a_cut_keeps_what_is_shown_where_it_begins(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", [moving(n) for n in range(20)])
    shown = list(timed(open_clip(path).frames(Fraction(21, 20)), Cut(start=Fraction(21, 20), end=Fraction(3, 2))))
    assert [float(s.time) for s in shown] == [0, 0.05, 0.15, 0.25, 0.35]
    assert float(shown[-1].time + shown[-1].lasts) == 0.45
    assert np.abs(shown[0].read().to_array().astype(int) - read_arrays(path)[10]).max() == 0


@pytest.mark.parametrize(("rate", "numbers"), [(5, [0, 2, 4, 6, 8]), (20, [0, 0, 1, 1, 2, 2, 3, 3])])
def test_frames_are_repeated_or_left_out_for_another_rate(tmp_path: Path, rate: int, numbers: list[int]) -> None:
    path = write_clip(tmp_path / "a.mkv", [moving(n) for n in range(10)])
    shown = list(timed(open_clip(path).frames(), Cut(rate=Fraction(rate))))
    assert [s.time for s in shown] == [Fraction(n, rate) for n in range(rate)]
    frames = read_arrays(path)
    for s, n in zip(shown, numbers, strict=False):
        assert np.array_equal(s.read().to_array(), frames[n])
    if rate == 20:
        assert shown[0].read() is shown[1].read()


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "options"),
    [
        ("a.mov", "prores_ks", "yuva444p10le", {"profile": "4"}),
        ("a.webm", "libvpx-vp9", "yuva420p", {"crf": "4", "b": "0", "auto-alt-ref": "0"}),
        ("b.webm", "libvpx", "yuva420p", {"crf": "4", "b": "9M", "auto-alt-ref": "0"}),
        ("a.mkv", "ffv1", "bgra", {}),
    ],
)
def test_alpha_is_read(tmp_path: Path, name: str, codec: str, pixels: str, options: dict[str, str]) -> None:
    clear = np.dstack([moving(0), np.tile(np.linspace(0, 255, 64), (48, 1)).astype(np.uint8)])
    path = write_clip(tmp_path / name, [clear] * 2, codec=codec, pixels=pixels, options=options)
    assert open_clip(path).info.alpha
    assert np.abs(read_arrays(path)[0][..., 3].astype(int) - clear[..., 3]).max() <= 4


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_moving_pictures_are_read(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(moving(n)) for n in range(4)]
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[100, 50, 200, 100], lossless=True)
    clip = open_clip(path)
    assert (clip.info.size, clip.info.frames, clip.info.alpha) == ((64, 48), 4, False)
    assert [float(s.time) for s in clip.frames()] == [0, 0.1, 0.15, 0.35]
    assert np.abs(read_arrays(path)[3].astype(int) - moving(3)).mean() < 8


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for n in (1, 2, 10):
        Image.fromarray(moving(n)).save(tmp_path / f"f{n}.png")
    clip = open_clip(tmp_path, rate=Fraction(5))
    assert [float(s.time) for s in clip.frames()] == [0, 0.2, 0.4]
    assert [np.array_equal(a, moving(n)) for a, n in zip(read_arrays(tmp_path), (1, 2, 10), strict=True)] == [True] * 3


def test_raw_frames_are_read() -> None:
    data = b"".join(moving(n).tobytes() for n in range(3))
    clip = RawFrames.of(BytesIO(data), "64x48@12.5")
    assert [np.array_equal(s.read().to_array(), moving(n)) for n, s in enumerate(clip.frames())] == [True] * 3
    with pytest.raises(InputError, match="ended within frame 2"):
        list(RawFrames.of(BytesIO(data[:-100]), "64x96@12.5").frames())
    with pytest.raises(InputError, match="WIDTHxHEIGHT@FPS"):
        RawFrames.of(BytesIO(), "64x48")
    with pytest.raises(InputError, match="pixels"):
        RawFrames.of(BytesIO(), "99999x99999@25")


def test_what_is_no_clip_is_said_in_a_sentence(tmp_path: Path) -> None:
    empty, text, still, photo = (tmp_path / name for name in ("e.mp4", "t.mp4", "s.png", "s.jpg"))
    empty.touch()
    text.write_text("no clip " * 500)
    for path in (still, photo):
        Image.fromarray(moving(0)).save(path)
    sound = write_clip(tmp_path / "a.mp4", [moving(0)], sound=0.3)
    silent = tmp_path / "sound.m4a"
    only_sound(sound, silent)
    (tmp_path / "nothing").mkdir()
    for path, said in [
        (empty, "is empty"),
        (text, "no clip"),
        (still, "one picture"),
        (photo, "one picture"),
        (silent, "no moving pictures"),
        (tmp_path / "missing.mp4", "no such file"),
        (tmp_path / "nothing", "neither clips nor pictures"),
    ]:
        with pytest.raises(InputError, match=said):
            open_clip(path)
    with pytest.raises(InputError, match="it is a clip"):
        Picture.open(sound)


def only_sound(clip: Path, out: Path) -> None:
    import av

    with av.open(str(clip)) as source, av.open(str(out), "w", format="mp4") as made:
        stream = made.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                made.mux(packet)


def test_a_clip_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", [moving(n) for n in range(30)], options={"crf": "4", "g": "5"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert 5 < len(read_arrays(path)) < 30
    whole = write_clip(tmp_path / "a.mp4", [moving(n) for n in range(30)])
    whole.write_bytes(whole.read_bytes()[:1500])  # without its index
    with pytest.raises(InputError, match="damaged or cut off"):
        open_clip(whole)


def test_times_and_rates_are_read() -> None:
    cut: Any = Cut
    assert cut(start=0.1, end=2) == Cut(start=Fraction(1, 10), end=Fraction(2))
    assert [float(seconds(t)) for t in ("90", "1.5s", "1:30", "0:01:30.5")] == [90, 1.5, 90, 90.5]
    assert [float(frame_rate(t)) for t in ("25", "12.5", "30000/1001")] == [25, 12.5, 30000 / 1001]
    for text in ("", "soon", "-1", "1:2:3:4"):
        with pytest.raises(InputError, match="Cannot read the time"):
            seconds(text)
    for text in ("", "0", "nan", "1/0", "-5", "5000"):
        with pytest.raises(InputError, match="Cannot read the frame rate"):
            frame_rate(text)
