"""What the API says of its parameters and answers: type, range, default, and a sentence for each."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from gradio.components.api_component import Api
from gradio_client import utils as client_utils

from diffstyle import Settings
from diffstyle.core.fields import FieldInfo, fields_of
from diffstyle.engines.registry import engine_names, settings_class
from diffstyle.video.settings import Steadiness

FILE = "file"
Upload = Annotated[dict[str, Any], FILE]  # what gradio_client's handle_file makes, and what it downloads
_URL = "https://example.com/photo.jpg"
_EXAMPLE = {"path": _URL, "url": _URL, "orig_name": "photo.jpg", "meta": {"_type": "gradio.FileData"}}
_TEXT: Mapping[str, Any] = {"type": "string"}
_FILE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "title": "Picture",
    "properties": {
        "path": _TEXT,
        "url": _TEXT,
        "orig_name": _TEXT,
        "meta": {"type": "object", "properties": {"_type": {"const": "gradio.FileData"}}},
    },
    "required": ["path", "meta"],
}
_WORDS: Mapping[str, str] = {
    "photo": "The photo to paint: handle_file(PATH or URL).",
    "clip": "The clip to paint: handle_file(PATH or URL).",
    "start_at": "Where in the clip to begin: seconds, or minutes:seconds.",
    "end_at": "Where in the clip to end, given like start_at.",
    "picture": "A picture that diffstyle saved, with its recipe inside: handle_file(PATH or URL).",
    "pictures": "Pictures of the style, each handle_file(PATH or URL).",
    "style": "Words or names of styles, each with an optional :WEIGHT, such as van-gogh-irises:0.5.",
    "mask": "A picture that is white or opaque where to paint: handle_file(PATH or URL).",
    "inside": "Words or the name of the style where the mask is.",
    "elsewhere": "Words or the name of the style around it; the photo stays unchanged there if not given.",
    "start": "Words or the name of the first style.",
    "end": "Words or the name of the last style.",
    "n": "How many pictures, from 2 to 16.",
    "k": "How many styles.",
    "engine": "What renders; the style chooses if not given.",
    "only": "The part of the photo that is painted.",
    "depth": "Bits per channel of the PNG: 8 or 16.",
    "name": "What the adapter, or the student, is called.",
    "photos": "Photos to learn from, each handle_file(PATH or URL); bundled ones if there are none.",
    "network": "The size of the student: tiny, small or base.",
    "minutes": "How long to train.",
    "steps": "How many steps to train, instead of minutes.",
    "overwrite": "Replace an adapter of that name.",
    "a": "The number of a render of this client, from 1.",
    "b": "The number of the other one.",
    "choice": "Which is better: a, b or same.",
}


def _value(value: Any, schema: dict[str, Any], label: str, example: Any) -> Api:
    """A value of the API that says what kind it is and has an example.

    Not a subclass: for those Gradio writes a stub file beside the module.
    """
    made = Api(value, schema, label)
    config = made.get_config

    def get_config(cls: type[Any] | None = None) -> dict[str, Any]:
        return {**config(cls), "name": _kind(schema)}

    methods = {"get_config": get_config, "get_block_name": lambda: "api"}  # the page draws nothing for that name
    methods |= {"example_payload": lambda: example, "example_value": lambda: example}
    for name, method in methods.items():
        setattr(made, name, method)
    return made


def schema_of(hint: Any) -> dict[str, Any]:
    """The JSON schema of a type: a file is one wherever `Upload` is, also in a list."""
    if get_origin(hint) is Annotated and FILE in get_args(hint):
        return dict(_FILE_SCHEMA)
    if get_origin(hint) is list and get_args(hint):
        return {"type": "array", "items": schema_of(get_args(hint)[0])}
    if type(None) in get_args(hint):  # the default says that it may be None
        return schema_of(Union[tuple(h for h in get_args(hint) if h is not type(None))])  # noqa: UP007 - a value
    untyped: Any = client_utils
    return dict(untyped.python_type_to_json_schema(hint))


def parameter(name: str, hint: Any, default: Any, fields: Mapping[str, FieldInfo]) -> Api:
    """What the API says of a parameter; of a setting, that is what its field says."""
    schema, info = schema_of(hint), fields.get(name)
    default = None if default is inspect.Parameter.empty else default
    words = _WORDS.get(name, "") if info is None else _sentence(info)
    if info is not None and info.bounds is not None:
        _bound(schema, *info.bounds)
    label = name.replace("_", " ").capitalize()
    return _value(default, schema | {"additional_description": words}, label, _example(hint, default, info))


def answer(hint: Any, n: int, count: int) -> Api:
    """What the API says of the `n`th of `count` values that come back."""
    kind = "Picture" if FILE in get_args(hint) else "Pictures" if _lists_files(hint) else "Value"
    return _value(None, schema_of(hint), kind if count == 1 else f"{kind} {n + 1}", None)


def setting_fields() -> dict[str, FieldInfo]:
    """The fields of all settings, those of the engines too; a range that they differ about is left out by name."""
    own: dict[str, list[FieldInfo]] = {}
    for engine in engine_names():
        for info in fields_of(settings_class(engine)):
            own.setdefault(info.name, []).append(info)
    agreed = {name: infos[0] for name, infos in own.items() if _agree(infos)}
    return agreed | {info.name: info for info in (*fields_of(Settings), *fields_of(Steadiness))}


def _agree(infos: Sequence[FieldInfo]) -> bool:
    return len({(info.kind, info.bounds, info.choices) for info in infos}) == 1


def _sentence(info: FieldInfo) -> str:
    words = " ".join(info.help.split())
    if info.bounds is None:
        return words
    low, high = (str(v) if isinstance(v, int) else f"{v:g}" for v in info.bounds)
    span = f"from {low} to {high}"
    return words if span in words else f"{words} {span.capitalize()}."


def _bound(schema: dict[str, Any], low: float, high: float) -> None:
    """Write the range into the numbers of a schema."""
    if schema.get("type") in ("integer", "number"):
        schema |= {"minimum": low, "maximum": high}


def _kind(schema: Mapping[str, Any]) -> str:
    """The kind of value, by the names of the components of Gradio."""
    if schema.get("title") == _FILE_SCHEMA["title"]:
        return "image"
    if schema.get("items", {}).get("title") == _FILE_SCHEMA["title"]:
        return "gallery"
    if "enum" in schema:
        return "dropdown"
    ranged = "slider" if "maximum" in schema else "number"
    kinds = {"string": "textbox", "boolean": "checkbox", "integer": ranged, "number": ranged}
    return kinds.get(str(schema.get("type")), "json")


def _lists_files(hint: Any) -> bool:
    return get_origin(hint) is list and FILE in get_args(get_args(hint)[0])


def _example(hint: Any, default: Any, info: FieldInfo | None) -> Any:
    if FILE in get_args(hint):
        return dict(_EXAMPLE)
    if _lists_files(hint):
        return []
    if default is not None or info is not None:
        return default
    return ["van-gogh-irises"] if get_origin(hint) is list else "van-gogh-irises"
