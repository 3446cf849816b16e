"""Publishing methods as API endpoints, with settings as keyword parameters of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Literal, Optional, cast, get_args, get_origin, get_type_hints

import gradio as gr
from gradio.context import get_blocks_context
from pydantic import TypeAdapter, ValidationError

from diffstyle import InputError, Settings
from diffstyle.core.fields import FieldInfo, fields_of
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.registry import engine_from, engine_names, settings_class
from diffstyle_ui.app.api_types import answer, parameter, setting_fields
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.settings_form import EVERYTHING, ONLY, RenderSettings

Queue = Literal["preview", "render", "train", "lookup"]
_PARALLEL = 4  # look-ups at a time


def publish(method: Callable[..., Any], *, queue: Queue | None) -> None:
    """Add `method` to the API under its own name; requests wait in `queue`, or not at all."""
    hints, fields = _hints(method), setting_fields()
    given = [p for p in inspect.signature(method).parameters.values() if hints.get(p.name) is not gr.Request]
    returned = hints["return"]
    answers = list(get_args(returned)) if get_origin(returned) is tuple else [returned]
    blocks = get_blocks_context()
    assert blocks is not None, "endpoints are published while the page is built"
    # as gr.api does, which knows neither files nor ranges
    cast("Any", blocks).set_event_trigger(
        [],
        user_errors(_checked(method)),
        [parameter(p.name, hints[p.name], p.default, fields) for p in given],
        [answer(hint, n, len(answers)) for n, hint in enumerate(answers)],
        preprocess=False,
        postprocess=False,
        scroll_to_output=False,
        show_progress="hidden",
        api_name=method.__name__,
        api_description=inspect.getdoc(method),
        queue=queue is not None,
        concurrency_limit=_PARALLEL if queue == "lookup" else 1,
        concurrency_id=queue,
        api_visibility="public",
    )


def _checked(method: Callable[..., Any]) -> Callable[..., Any]:
    """`method` that refuses values of other types than its parameters have, in one sentence: clients send anything."""
    shown, hints = inspect.signature(method), _hints(method)
    adapters: dict[str, TypeAdapter[Any]] = {
        name: TypeAdapter(hints[name]) for name in shown.parameters if name in hints and hints[name] is not gr.Request
    }

    @wraps(method)
    def call(*values: Any) -> Any:
        for name, value in zip(shown.parameters, values, strict=False):
            try:
                if name in adapters and value is not None:  # what is missing is reported by name
                    adapters[name].validate_python(value)
            except ValidationError as error:
                if error.errors()[0]["type"] == "literal_error":
                    continue  # the settings themselves name the choices
                given = repr(value)[:60]
                raise InputError(f"{name} is {given}: {error.errors()[0]['msg'].lower()}.") from None
        return method(*values)

    return call


def _hints(method: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(method, include_extras=True)
    except (NameError, TypeError):  # annotations that are values already
        return dict(method.__annotations__)


def with_settings(method: Callable[..., Any], default_engine: str) -> Callable[..., Any]:
    """`method` with keyword parameters in place of its last one, `settings`, which takes RenderSettings.

    They are the shared settings, `depth`, `only`, `engine`, and every engine's own settings, with the defaults of the
    settings classes. `default_engine` renders where `engine` is None.
    """
    hints = get_type_hints(method, include_extras=True)
    kept = [p for p in inspect.signature(method).parameters.values() if p.name != "settings"]
    kept = [p.replace(default=[], annotation=hints[p.name]) if p.name == "pictures" else p for p in kept]
    own = engine_fields()
    added = [
        *(_parameter(info.name, info.default, _type_of(info)) for info in fields_of(Settings)),
        _parameter("depth", RenderSettings(Settings()).depth, int),
        _parameter("only", EVERYTHING, Literal[(EVERYTHING, *ONLY)]),  # pyright: ignore[reportInvalidTypeForm]
        _parameter("engine", None, Optional[Literal[engine_names()]]),  # noqa: UP045 - a value  # pyright: ignore[reportInvalidTypeForm]
        *(_parameter(name, default, kind) for name, (default, kind) in own.items()),
    ]

    def call(*values: Any) -> Any:
        named = dict(zip([p.name for p in added], values[len(kept) :], strict=False))
        return method(*values[: len(kept)], settings=_render_settings(named, default_engine))

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    call.__annotations__ = {p.name: hints[p.name] for p in kept} | {p.name: p.annotation for p in added}
    call.__annotations__["return"] = hints["return"]
    vars(call)["__signature__"] = inspect.Signature([*kept, *added], return_annotation=hints["return"])
    return call


def engine_fields() -> dict[str, tuple[Any, Any]]:
    """Default and type of every engine's own settings by name.

    Where engines differ about a setting of one name, the default is None, which stands for each engine's own, and the
    type is Any.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for engine in engine_names():
        for info in fields_of(settings_class(engine)):
            described = (info.default, _type_of(info))
            found[info.name] = described if found.get(info.name, described) == described else (None, Any)
    return found


def _render_settings(named: Mapping[str, Any], default_engine: str) -> RenderSettings:
    """Raises InputError for a value that is not allowed, and for a setting that the engine does not have."""
    shared = {info.name: named[info.name] for info in fields_of(Settings)}
    return RenderSettings(Settings(**shared), _engine(named, default_engine), int(named["depth"]), str(named["only"]))


def _engine(named: Mapping[str, Any], default_engine: str) -> EngineSettings | None:
    """Clients send all parameters; those that differ from their default were given. None where neither an engine nor a
    setting of one was.
    """
    given = {n: named[n] for n, (default, _) in engine_fields().items() if named[n] != default}
    if not given and named["engine"] is None:
        return None
    return engine_from(default_engine if named["engine"] is None else str(named["engine"]), given)


def _parameter(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)


def _type_of(info: FieldInfo) -> Any:
    kind: Any = Literal[info.choices] if info.choices else info.kind  # pyright: ignore[reportInvalidTypeForm]
    kind = tuple[kind, ...] if info.several else kind
    return Optional[kind] if info.optional else kind  # noqa: UP045 - a value, not an annotation
