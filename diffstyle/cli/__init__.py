"""The `diffstyle` command: a thin skin over the Python API."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError, UnknownOptionError

from diffstyle._version import __version__
from diffstyle.core.errors import InputError, explain

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # what writing to a full device raises
STYLIZE = "Repaint one photo, or many."
BATCH = "Repaint many photos, on this machine or on a Ray cluster."
VIDEO = "Repaint one clip, or many."
LIVE = "Repaint what a camera shows, as it shows it."
_OF_AN_ENGINE = {"stylize": STYLIZE, "batch": BATCH, "video": VIDEO, "live": LIVE}  # with the options of one
BATCH_USAGE = "Usage: diffstyle batch IN... OUT [OPTIONS]"

app = App(
    name="diffstyle",
    help="Repaint any photo in a style described in words, shown with pictures, or blended from several.",
    version=__version__,
    suppress_keyboard_interrupt=False,  # main says what became of the picture
)
app.command("diffstyle.cli.stylize:stylize", help=STYLIZE)
app.command("diffstyle.cli.batch:batch", help=BATCH, usage=BATCH_USAGE)
app.command("diffstyle.cli.video:video", help=VIDEO)
app.command("diffstyle.cli.live:live", help=LIVE)
app.command("diffstyle.cli.replay:replay", help="Make a picture or a clip again from the recipe inside it.")
app.command("diffstyle.cli.serve:serve", help="Serve renders over HTTP, as OpenAI's clients ask for them.")
app.command("diffstyle.cli.evaluate:evaluate", help="Measure stylised pictures, and compare methods.")
app.command("diffstyle.cli.tune:tune", help="Find settings for a photo and a style by figures.")
studies = App(name="study", help="Blind studies: ask people which of two results is better.")
studies.command("diffstyle.cli.study:make", help="Make the page of a study from folders of results.")
studies.command("diffstyle.cli.study:serve", help="Serve a study, and collect its answers.")
studies.command("diffstyle.cli.study:report", help="Say what the answers say: wins, scores, agreement.")
app.command(studies)
app.command("diffstyle.cli.texture:texture", help="Make a texture of nothing but a style's marks.")
styles = App(name="style", help="The styles that come with diffstyle, and your own.")
styles.command("diffstyle.cli.gallery:list_styles", name="list", help="Name media and styles, by group.")
styles.command("diffstyle.cli.gallery:gallery", help="Paint a photo in every medium and named style, as a sheet.")
styles.command("diffstyle.cli.style:show", help="Say what a style is made of, and what is near it.")
styles.command("diffstyle.cli.style:make", help="Keep a style, or a blend, in a small file.")
styles.command("diffstyle.cli.style:mix", help="Blend styles by weight into a file.")
styles.command("diffstyle.cli.style:path", help="Paint a photo along the way from one style to another.")
styles.command("diffstyle.cli.style:nearest", help="Name the styles nearest to words, a picture or a file.")
app.command(styles)
app.command("diffstyle.cli.train:train", help="Train a style adapter of your own on a handful of pictures.")
app.command("diffstyle.cli.distil:distil", help="Teach styles to a small network that paints in real time.")
students = App(name="student", help="The students on this machine, including your own.")
students.command("diffstyle.cli.student:list_students", name="list", help="Name every student, with its styles.")
app.command(students)
adapters = App(name="adapters", help="The style adapters on this machine, including your own.")
adapters.command("diffstyle.cli.adapters:list_adapters", name="list", help="Name every style adapter.")
adapters.command("diffstyle.cli.adapters:create", help="Make a style of your own from pictures, without training.")
adapters.command("diffstyle.cli.adapters:show", name="info", help="Say what an adapter is, and how good.")
adapters.command("diffstyle.cli.adapters:export", help="Write an adapter for other programs.")
adapters.command("diffstyle.cli.adapters:remove", help="Delete an adapter of yours.")
app.command(adapters)
app.command("diffstyle.cli.export:export", help="Write a network for other programs: ONNX, OpenVINO and others.")
models = App(name="models", help="Public diffusion models: list, find, download and verify them.")
models.command("diffstyle.cli.models:list_models", name="list", help="Name every model that diffstyle knows.")
models.command("diffstyle.cli.models:pull", help="Download a model, and check it.")
models.command("diffstyle.cli.models:verify", help="Check that what is on this machine is whole.")
models.command("diffstyle.cli.models:where_is", name="where", help="Say in which folder a model is.")
app.command(models)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exit code 2: bad input; 1: some of several pictures failed; 130: interrupted."""
    words = _with_pipes([_with_home(word) for word in (sys.argv[1:] if arguments is None else arguments)])
    try:
        if words and words[0] in _OF_AN_ENGINE:
            _use_engine_options(words)
        elif not words or words[0].startswith("-") or words[0] not in list(app):
            _add_commands_of_others()
        code = app(words, exit_on_error=False, print_error=False)
        sys.stdout.flush()  # a reader that has gone is noticed here, and not while Python ends
    except UnknownOptionError as error:
        print(f"diffstyle: {_unknown_option(error)}", file=sys.stderr)
        code = 2
    except CycloptsError as error:
        print(f"diffstyle: {str(error).strip().rstrip('.')}. See diffstyle --help.", file=sys.stderr)
        code = 2
    except InputError as error:
        print(f"diffstyle: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("diffstyle: interrupted, nothing half written.", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has enough
        _drop_output()
        code = 1
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
            _drop_output()
            print(f"diffstyle: {explain(error, 'write the output')}", file=sys.stderr)
            sys.exit(1)
        print(f"diffstyle: {_unexpected(error)}", file=sys.stderr)
        code = 1
    sys.exit(code)


def _drop_output() -> None:
    """Write what is still to be written nowhere: Python tries again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_home(word: str) -> str:
    """--option=~/file with the home folder in place of ~, which shells leave alone behind a =."""
    name, sign, value = word.partition("=")
    return f"{name}={Path(value).expanduser()}" if sign and name.startswith("--") and value[:2] == "~/" else word


def _with_pipes(words: Sequence[str]) -> list[str]:
    """Words of `video` and `live` with ./- for -, which alone looks like the beginning of an option."""
    return ["./-" if word == "-" and words[0] in ("video", "live") else word for word in words]


def _unexpected(error: Exception) -> str:
    """A sentence on an error that nobody foresaw. Its traceback is kept in a file, for a report."""
    import traceback

    from diffstyle.formats.atomic import cache_folder

    where = cache_folder() / "error.log"
    said = f"unexpected error, {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if os.environ.get("DIFFSTYLE_DEBUG"):
        traceback.print_exception(error)
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError:
        return f"{said}. Please report it."
    return f"{said}. Please report it, with {where}."


def _use_engine_options(words: Sequence[str]) -> None:
    """Give a command that paints the options of the engine that is asked for."""
    from importlib import import_module

    name, text = words[0], _OF_AN_ENGINE[words[0]]
    command = import_module(f"diffstyle.cli.{name}").command
    del app[name]
    usage = BATCH_USAGE if name == "batch" else None
    app.command(command(words[1:]), name=name, help=text, usage=usage)


def _add_commands_of_others() -> None:
    """Add the commands that other packages bring; the web page is one. They are listed by `diffstyle --help`."""
    from importlib.metadata import entry_points

    for entry in entry_points(group="diffstyle.commands"):
        app.command(entry.load(), name=entry.name)


def _unknown_option(error: UnknownOptionError) -> str:
    from diffstyle.engines.registry import owners

    option = (error.token.keyword or error.token.value) if error.token else ""
    engines = owners(option.lstrip("-").partition("=")[0].replace("-", "_"))
    if engines:
        return f"{option} is an option of the engine {' and '.join(engines)}: add --engine {engines[0]}."
    return f"{str(error).strip().rstrip('.')}. See diffstyle --help."
