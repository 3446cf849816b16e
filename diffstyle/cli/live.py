"""`diffstyle live`"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from diffstyle.cli.asked import StyleOptions
from diffstyle.cli.job import no_garbage_collection
from diffstyle.cli.options import FILES, Bound, group, with_options
from diffstyle.cli.progress import say
from diffstyle.cli.stylize import engine_option
from diffstyle.core.errors import InputError
from diffstyle.core.fields import values_of
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings, Settings, check_honoured
from diffstyle.engines.registry import engine_names, interactive_engine, settings_class
from diffstyle.video.settings import Steadiness

if TYPE_CHECKING:
    from diffstyle.video.live.painting import LiveOutput, LiveReport

NOTHING = StyleOptions()
PIPE = "./-"  # as `main` spells -


def command(arguments: Sequence[str]) -> Callable[..., int]:
    """`live` with the options of the engine that `arguments` choose, or of the interactive one."""
    name = engine_option(arguments) or interactive_engine()
    bound = {
        "settings": Bound(Settings, "Look"),
        "engine_settings": Bound(settings_class(name), f"Engine {name}"),
        "options": Bound(ModelOptions, "Model"),
    }
    return with_options(live, bound, {"engine": engine_names()})


def live(
    *,
    camera: Annotated[str, Parameter(group=FILES)] = "0",
    out: Annotated[str, Parameter(name=["--out", "-o"], group=FILES, show_default=False)] = "",
    port: Annotated[int | None, Parameter(group=FILES)] = None,
    raw: Annotated[str, Parameter(group=FILES, show_default=False)] = "",
    seconds: Annotated[float | None, Parameter(group=FILES)] = None,
    overwrite: Annotated[bool, Parameter(group=FILES, negative=(), show_default=False)] = False,
    json_lines: Annotated[bool, Parameter(name="--json", group=FILES, negative=(), show_default=False)] = False,
    style_options: Annotated[StyleOptions, Parameter(name="*")] = NOTHING,
    settings: Settings,
    steady: Annotated[float, Parameter(group=group("Look"))] = Steadiness().steady,
    engine: Annotated[str | None, Parameter(group=group("Engine"))] = None,
    engine_settings: EngineSettings,
    options: ModelOptions,
) -> int:
    """Repaint what a camera shows, as it shows it.

    Parameters
    ----------
    camera
        The number of a camera, a clip that is played as if it were one, or - for raw frames from standard input.
    out
        A file (.mp4, .mov, .mkv or .webm), a device of v4l2loopback, such as /dev/video9, or - for raw RGB frames to
        standard output.
    port
        Show the frames on a page of this machine, http://127.0.0.1:PORT; 0 takes a free one.
    raw
        What comes from standard input: WIDTHxHEIGHT@FPS, frames of 8 bits a channel, RGB, or with :rgba behind it RGBA.
    seconds
        Stop after so many seconds; else at the end of the clip, or with Ctrl-C.
    overwrite
        Replace a file that is there already.
    json_lines
        Print what came of it as a JSON object.
    steady
        How much of the previous frame is kept where motion is known, from 0 to 1; 0 paints each frame for itself.
    engine
        What paints; the instant engine if not given. Others are too slow for a camera.
    """
    from diffstyle.video.live.painting import check_interactive, paint_live

    steadiness = Steadiness(steady=steady)
    check_interactive(engine_settings.name)
    if engine is not None:
        settings_class(engine)  # an unknown name is an error
    style_options = style_options.named(engine_settings)
    check_honoured(settings, engine_settings, negative=style_options.negative_style is not None)
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is {seconds:g}: give a number above 0.")
    if not out and port is None:
        raise InputError("Say where the frames go: add -o FILE, -o - or --port PORT.")
    if out == PIPE and (json_lines or sys.stdout.isatty()):
        raise InputError("Standard output is for frames alone: send it to a file or a program, without --json.")
    with no_garbage_collection():
        from diffstyle.cli.asked import Asked
        from diffstyle.stylizer import Stylizer
        from diffstyle.video.clip_task import ClipTask
        from diffstyle.video.live.cameras import open_camera

        source = open_camera("-" if camera == PIPE else camera, raw)
        asked = Asked.of(style_options)
        task = ClipTask(
            asked.style,
            engine=engine_settings,
            negative_style=asked.negative_style,
            regions=asked.regions,
            mask=asked.mask,
            only=asked.only,
            without=asked.without,
            steadiness=steadiness,
            **values_of(settings),
        )
        stylizer = Stylizer.of(options)
    with stopping() as stop:
        outputs = _outputs(out, port, source.info.rate, overwrite=overwrite)
        report = paint_live(source, task, outputs, stylizer=stylizer, seconds=seconds, stop=stop.is_set)
    for note in report.notes:
        say(note)
    _tell(report, json_lines=json_lines)
    if report.unread:
        raise BrokenPipeError
    return 0


@contextmanager
def stopping() -> Generator[Event]:
    """An event that the first Ctrl-C, or a service manager, sets; a second Ctrl-C interrupts."""
    stop = Event()

    def set_once(number: int, _: Any) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, set_once) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outputs(out: str, port: int | None, rate: Any, *, overwrite: bool) -> list[LiveOutput]:
    from diffstyle.video.live.outputs import RawOutput, output_to

    found: list[LiveOutput] = []
    if out == PIPE:
        found.append(RawOutput(sys.stdout.buffer))
    elif out:
        found.append(output_to(out, rate, overwrite=overwrite))
    if port is not None:
        from diffstyle.serving.live_page import LivePage

        page = LivePage(port)
        say(f"the frames are at {page.address}; press Ctrl-C to stop.")
        found.append(page)
    return found


def _tell(report: LiveReport, *, json_lines: bool) -> None:
    """One line on what came of it."""
    milliseconds = round(report.latency * 1000)
    if json_lines:
        values = {
            "painted": report.painted,
            "dropped": report.dropped,
            "rate": round(report.rate, 2),
            "latency": round(report.latency, 4),
            "worst": round(max(report.latencies, default=0.0), 4),
        }
        print(json.dumps(values), flush=True)
        return
    say(
        f"{report.painted} frames painted, {report.dropped} dropped, {report.rate:.1f} frames a second, median latency"
        f" {milliseconds} ms."
    )
