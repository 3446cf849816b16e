"""Clips that are painted steadily, by real engines."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, InputError, Picture, Style, Stylizer, Task
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.cancelling import cancellable
from diffstyle.engines.base import Step
from diffstyle.evaluation.warping import warping_errors
from diffstyle.ops.flow import Array
from diffstyle.video.each_frame import EachFrame, FrameTasks
from diffstyle.video.frames import Frame, FramePainter, as_array
from diffstyle.video.settings import Steadiness
from diffstyle.video.steadying import painter as steady_painter
from diffstyle.video.steadying.painter import Steady, painters
from diffstyle.video.steadying.shots import FLASH
from tests.helpers.motion import as_frames, pan, square_over

FEW = 5


@pytest.fixture(scope="module")
def starry() -> Style:
    return parse_style(["van-gogh-starry-night"])


def task_of(style: Style, engine: str = "adain") -> Callable[[Frame], Task]:
    """The task of each frame."""
    return lambda frame: Task(frame.picture, style, engine=engine)


def painted(painter: FramePainter, frames: list[Frame]) -> list[Frame]:
    done = [out for frame in frames for out in painter.push(frame)]
    done += painter.flush()
    assert [f.index for f in done] == [f.index for f in frames]
    return done


def steady(stylizer: Stylizer, at: Callable[[Frame], Task], every: int = 1, *, ahead: bool = False) -> Steady:
    return Steady(FrameTasks(stylizer, at), Steadiness(every=every), ahead=ahead)


def arrays(frames: list[Frame]) -> list[Array]:
    return [as_array(frame.picture.pixels) for frame in frames]


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("engine", ["nnst", "adain"])
def test_it_flickers_less_than_frames_painted_alone(stylizer: Stylizer, starry: Style, engine: str, every: int) -> None:
    photos = pan(FEW, noise=0.01, size=(96, 72))
    frames, at = as_frames(photos), task_of(starry, engine)
    alone = arrays(painted(EachFrame(FrameTasks(stylizer, at)), frames))
    ours = arrays(painted(steady(stylizer, at, every), frames))
    before, after = (found[1] for found in warping_errors(photos, [alone, ours]))
    assert after < 0.5 * before
    assert np.mean([a.std() for a in ours]) > 0.9 * np.mean([a.std() for a in alone]), "it is as painted"


def test_only_every_nth_frame_is_painted(stylizer: Stylizer, starry: Style) -> None:
    rendered: list[int] = []

    def count(step: Step) -> None:
        rendered.append(step.done)

    painter = Steady(FrameTasks(stylizer, task_of(starry)), Steadiness(every=4), on_step=count)
    painted(painter, as_frames(pan(9)))
    assert rendered.count(0) == 3


def test_a_frame_of_another_shot_is_painted_for_itself(stylizer: Stylizer, starry: Style) -> None:
    frames = as_frames([*pan(4), *pan(3, name="chelsea")])
    at = task_of(starry)
    ours = painted(steady(stylizer, at, every=3), frames)
    assert ours[4].picture == EachFrame(FrameTasks(stylizer, at)).push(frames[4])[0].picture


def interrupted(name: str) -> list[Array]:
    """A pan of 8 frames whose fifth, and in lightning the sixth too, shows something else."""
    frames = pan(8, size=(96, 72))
    if name == "a frame of another shot":
        frames[4] = pan(1, name="chelsea", size=(96, 72))[0]
    for n, light in {"a flash": {4: 0.8}, "lightning": {4: 0.8, 5: 0.4}}.get(name, {}).items():
        frames[n] = np.asarray(frames[n] + (1 - frames[n]) * light, np.float32)
    return frames


def steps(versions: list[list[Array]], photos: list[Array], *, at: int) -> list[float]:
    """The warping error of each version from the frame before the interruption to frame `at`."""
    of = (3, at)
    return [e[1] for e in warping_errors([photos[n] for n in of], [[v[n] for n in of] for v in versions])]


@pytest.mark.parametrize(("every", "ahead"), [(1, True), (3, False)])
@pytest.mark.parametrize(("name", "times"), [("a flash", 1.7), ("lightning", 2.3), ("a frame of another shot", 1.7)])
def test_a_shot_goes_on_after(
    stylizer: Stylizer, starry: Style, name: str, times: float, every: int, ahead: bool
) -> None:
    clips = [interrupted(""), interrupted(name)]
    plain, ours = (arrays(painted(steady(stylizer, task_of(starry), every, ahead=ahead), as_frames(c))) for c in clips)
    usual, found = steps([plain, ours], clips[0], at=7)
    assert found < times * usual, "begun anew, it is 5 times as much and more"
    assert np.abs(ours[4] - plain[4]).mean() > 0.03, "what interrupts it is painted as it is"


@pytest.mark.parametrize("every", [1, 3])
def test_it_goes_on_from_its_state_in_a_flash(stylizer: Stylizer, starry: Style, every: int) -> None:
    frames = as_frames(interrupted("a flash"))
    whole, other = (steady(stylizer, task_of(starry), every) for _ in range(2))
    painted(whole, frames[:5])
    other.restore({name: tensor.clone() for name, tensor in whole.state().items()})
    rest, again = (painted(painter, frames[5:]) for painter in (whole, other))
    assert [f.picture for f in rest] == [f.picture for f in again]


def test_a_shot_is_forgotten_once_another_has_lasted(stylizer: Stylizer, starry: Style) -> None:
    shots = [*pan(2, size=(96, 72)), *pan(FLASH + 2, name="chelsea", size=(96, 72)), *pan(1, size=(96, 72))]
    painter, frames = steady(stylizer, task_of(starry)), as_frames(shots)
    kept: list[bool] = []
    for frame in frames:
        painter.push(frame)
        kept.append("away" in painter.state())
    assert kept == [False] * 2 + [True] * (FLASH - 1) + [False] * 3 + [True], "the last frame is of another shot"


def test_only_one_shot_of_very_large_frames_is_kept(
    stylizer: Stylizer, starry: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_painter, "LARGE", 0)
    painter = steady(stylizer, task_of(starry))
    for frame in as_frames([*pan(2, size=(96, 72)), *pan(2, name="chelsea", size=(96, 72))]):
        painter.push(frame)
    assert "away" not in painter.state()


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("changing", [False, True])
def test_it_goes_on_from_its_state_as_if_never_stopped(
    stylizer: Stylizer, starry: Style, every: int, changing: bool
) -> None:
    frames, other_style = as_frames(square_over(8)), parse_style(["mosaic"])

    def at(frame: Frame) -> Task:
        return Task(frame.picture, other_style if changing and frame.index > 2 else starry, engine="adain")

    whole = steady(stylizer, at, every)
    first = painted(whole, frames[:4])
    state = {name: tensor.clone() for name, tensor in whole.state().items()}
    rest = painted(whole, frames[4:])
    other = steady(stylizer, at, every)
    other.restore(state)
    again = painted(other, frames[4:])
    assert [f.picture for f in rest] == [f.picture for f in again]
    assert len(first) == 4


@pytest.mark.parametrize("ahead", [False, True])
def test_it_goes_on_where_the_last_frame_is_shown_again(stylizer: Stylizer, starry: Style, ahead: bool) -> None:
    one, two, three = as_frames(pan(3))
    frames = [one, two, replace(two, index=2), replace(three, index=3)]
    whole, other = (steady(stylizer, task_of(starry), ahead=ahead) for _ in range(2))
    painted(whole, frames[:2])
    other.restore({name: tensor.clone() for name, tensor in whole.state().items()})
    rest, again = (painted(painter, frames[2:]) for painter in (whole, other))
    assert [f.picture for f in rest] == [f.picture for f in again]


def test_painters_share_the_threads() -> None:
    torch.set_num_threads(4)
    pool = painters(2)
    assert {pool.submit(torch.get_num_threads).result() for _ in range(4)} == {2}
    assert torch.get_num_threads() == 4
    with ThreadPoolExecutor(1) as other:
        assert other.submit(torch.get_num_threads).result() == 4


def test_what_is_in_work_ends_and_can_be_cancelled(stylizer: Stylizer, starry: Style) -> None:
    torch.set_num_threads(2)
    tasks = FrameTasks(stylizer, task_of(starry))
    cancelled = steady(stylizer, task_of(starry), ahead=True)
    with cancellable(lambda: True), pytest.raises(Cancelled):
        painted(cancelled, as_frames(pan(4)))
    cancelled.close()
    ended: list[int] = []
    begun = Event()

    def slowly(step: Step) -> None:
        begun.set()
        time.sleep(0.2)
        if step.done:
            ended.append(step.done)

    painter = Steady(tasks, Steadiness(), slowly, ahead=True)
    for frame in as_frames(pan(2)):
        painter.push(frame)
    assert begun.wait(60)
    assert not ended
    painter.close()
    assert ended, "it waits for what is begun"


@pytest.mark.parametrize("threads", [1, 2])  # with two, two frames are painted side by side, by one thread each
def test_painting_ahead_changes_nothing(stylizer: Stylizer, starry: Style, threads: int) -> None:
    torch.set_num_threads(threads)
    shots = [*pan(4), *pan(2, name="chelsea")]
    frames = as_frames(shots)
    frames = [*frames[:3], *(replace(f, index=f.index + 1) for f in frames[2:])]  # the third is shown twice
    small = replace(frames[-1], index=len(frames), picture=frames[-1].picture.resized((64, 48)))
    ahead, as_they_come = (steady(stylizer, task_of(starry), ahead=a) for a in (True, False))
    assert [len(ahead.push(frame)) for frame in frames[:3]] == [*[0] * threads, *[1] * (3 - threads)]
    assert torch.get_num_threads() == threads
    ahead = steady(stylizer, task_of(starry), ahead=True)
    found = painted(ahead, [*frames, small])
    torch.set_num_threads(1)
    stylizer.forget()
    assert [f.picture for f in found] == [f.picture for f in painted(as_they_come, [*frames, small])]


def test_strength_0_gives_the_clip_back(stylizer: Stylizer, starry: Style) -> None:
    frames = as_frames(pan(3))
    at = task_of(starry)
    ours = painted(steady(stylizer, lambda f: replace(at(f), strength=0.0)), frames)
    assert [f.picture for f in ours] == [f.picture for f in frames]


def test_a_frame_that_is_shown_again_is_not_painted_again(stylizer: Stylizer, starry: Style) -> None:
    first, second = as_frames(pan(2))
    again = replace(second, index=2, picture=second.picture)
    ours = painted(steady(stylizer, task_of(starry)), [first, second, again])
    assert ours[2].picture is ours[1].picture


def test_transparency_is_kept(stylizer: Stylizer, starry: Style) -> None:
    frames = as_frames(pan(3))
    alpha = torch.ones(1, *frames[0].picture.pixels.shape[1:])
    alpha[..., :20] = 0
    clear = [replace(f, picture=Picture(f.picture.pixels, alpha)) for f in frames]
    for out in painted(steady(stylizer, task_of(starry)), clear):
        assert out.picture.alpha is not None
        assert torch.equal(out.picture.alpha, alpha)


def test_a_fast_pan_is_steadied(stylizer: Stylizer, starry: Style) -> None:
    """Every frame is no cut, although a tenth of each is new."""
    photos = pan(5, step=(12, 0), size=(128, 80))
    frames, at = as_frames(photos), task_of(starry, "nnst")
    alone = arrays(painted(EachFrame(FrameTasks(stylizer, at)), frames))
    ours = arrays(painted(steady(stylizer, at), frames))
    before, after = (found[1] for found in warping_errors(photos, [alone, ours]))
    assert after < 0.6 * before


@pytest.mark.parametrize("every", [1, 2])
def test_what_is_fully_transparent_changes_nothing(stylizer: Stylizer, starry: Style, every: int) -> None:
    frames = as_frames(pan(4))
    alpha = torch.ones(1, *frames[0].picture.pixels.shape[1:])
    alpha[..., :50] = 0

    def seen(hidden: float) -> list[torch.Tensor]:
        clear: list[Frame] = []
        for n, frame in enumerate(frames):
            pixels = frame.picture.pixels.clone()
            pixels[..., :50] = hidden * (n % 2)
            clear.append(replace(frame, picture=Picture(pixels, alpha)))
        return [f.picture.pixels[..., 50:] for f in painted(steady(stylizer, task_of(starry), every), clear)]

    assert all(torch.equal(a, b) for a, b in zip(seen(0.0), seen(1.0), strict=True))


def test_a_style_that_changes_is_followed(stylizer: Stylizer) -> None:
    styles = [parse_style([name]) for name in ("van-gogh-starry-night", "ink line drawing")]
    frames = as_frames(pan(28, step=(0, 0), size=(96, 64)))

    def at(frame: Frame) -> Task:
        return Task(frame.picture, styles[frame.index >= 2], engine="adain")

    ours = arrays(painted(steady(stylizer, at), frames))
    alone = arrays(painted(EachFrame(FrameTasks(stylizer, at)), frames[-1:]))
    assert np.abs(ours[-1] - alone[0]).mean() < 0.2 * np.abs(ours[1] - alone[0]).mean()


def test_motion_that_nothing_needs_is_refused() -> None:
    with pytest.raises(InputError, match="leave flow out"):
        Steadiness(steady=0, flow="raft")
    assert Steadiness(steady=0, every=2, flow="raft").flow == "raft"  # frames between are carried


def test_it_does_not_drift(stylizer: Stylizer, starry: Style) -> None:
    """After many frames a standing clip looks as at first: neither softer nor harsher."""
    frames = as_frames(pan(60, size=(96, 64), step=(0.37, 0.21), noise=0.01))
    ours = arrays(painted(steady(stylizer, task_of(starry)), frames))
    fine = [float(np.abs(np.diff(a, axis=1)).mean()) for a in ours]
    assert np.mean(fine[-10:]) == pytest.approx(np.mean(fine[:10]), rel=0.1)
    assert np.mean(ours[-1]) == pytest.approx(np.mean(ours[0]), abs=0.03)
