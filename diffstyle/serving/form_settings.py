"""Settings as fields of a form: read from text, and described for OpenAPI. They are declared in their dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffstyle.core.errors import InputError
from diffstyle.core.fields import FieldInfo, fields_of
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings, Settings
from diffstyle.engines.registry import default_engine_of, engine_from, engine_names, owners, settings_class
from diffstyle.serving.api_errors import ApiError, invalid
from diffstyle.serving.form_body import Form

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_JSON_TYPES: Mapping[type, str] = {int: "integer", float: "number", bool: "boolean", str: "string"}


def read_settings(form: Form, *, leave: Sequence[str] = ()) -> Settings:
    """The shared settings in a form, but for those to `leave`. Raises ApiError for a value that is not allowed."""
    return Settings(**_values(form, [info for info in fields_of(Settings) if info.name not in leave], Settings))


def read_engine(
    form: Form, options: ModelOptions, prompts: Sequence[Sequence[str]], *, taken: Sequence[str]
) -> EngineSettings | None:
    """The engine in a form and its own settings; None if the form names neither.

    Settings without an engine are for the one that paints styles of those `prompts`. A setting of a name that the
    form has `taken` for something else is called ENGINE.NAME. Raises ApiError for an engine, a setting or a value that
    there is not.
    """
    taken = ("engine", *(info.name for info in fields_of(Settings)), *taken)
    given = form.text("engine")
    engine = given or default_engine_of(options, prompts=prompts)
    try:
        cls = settings_class(engine)
    except InputError as error:
        raise invalid(error, "engine") from error
    prefixed = {info.name: f"{engine}.{info.name}" for info in fields_of(cls)}
    values: dict[str, Any] = {}
    for info in fields_of(cls):
        for field in (info.name, prefixed[info.name]):
            if field in form.texts and (field not in taken or field != info.name):
                values[info.name] = _value(info, form.text(field), cls, field)
    for field in form.texts:
        if field not in taken and field not in prefixed and field not in prefixed.values():
            raise _foreign(engine, field)
    if not given and not values:
        return None
    try:
        return engine_from(engine, values)
    except InputError as error:
        raise invalid(error) from error


def setting_schemas(taken: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The JSON schema of every setting by the name of its field, those of the engines too."""
    found = {info.name: schema_of(info) for info in fields_of(Settings) if info.name not in taken}
    found["engine"] = {
        "type": "string",
        "enum": list(engine_names()),
        "description": "What paints; the style chooses if not given.",
    }
    for engine in engine_names():
        for info in fields_of(settings_class(engine)):
            name = f"{engine}.{info.name}" if info.name in (*taken, *found) else info.name
            described = schema_of(info)
            found[name] = described | {"description": f"Engine {engine}: {described['description']}"}
    return found


def schema_of(info: FieldInfo) -> dict[str, Any]:
    """The JSON schema of one setting: type, range, choices, default and help."""
    schema: dict[str, Any] = {"type": _JSON_TYPES[info.kind], "description": " ".join(info.help.split())}
    if info.default is not None:
        schema["default"] = info.default
    if info.choices:
        schema["enum"] = list(info.choices)
    if info.bounds is not None:
        schema["minimum"], schema["maximum"] = info.bounds
    if info.max_length is not None:
        schema["maxLength"] = info.max_length
    return schema


def _values(form: Form, infos: Sequence[FieldInfo], cls: type) -> dict[str, Any]:
    return {info.name: _value(info, form.text(info.name), cls, info.name) for info in infos if info.name in form.texts}


def _value(info: FieldInfo, text: str, cls: type, field: str) -> Any:
    """The value that `text` stands for; ApiError, which names the `field`, if `cls` refuses it."""
    value: Any = text
    if info.optional and not text.strip():
        return None
    if info.kind is bool and text.strip().lower() in (*_TRUE, *_FALSE):
        value = text.strip().lower() in _TRUE
    elif info.kind in (int, float):
        value = _number(info.kind, text)
    try:
        return getattr(cls(**{info.name: value}), info.name)
    except InputError as error:
        raise invalid(error, field) from error


def _number(kind: type, text: str) -> Any:
    """As a number, or as it is, for the settings to refuse. A whole number keeps all its digits."""
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        return text


def _foreign(engine: str, field: str) -> ApiError:
    found = owners(field.rpartition(".")[2])
    if found:
        said = f"The engine {engine} has no setting {field}: it belongs to {' and '.join(found)}."
        return ApiError(400, said, param=field, code="unsupported_parameter")
    return ApiError(
        400, f"There is no field {field[:60]}: /docs lists them.", param=field[:60], code="unknown_parameter"
    )
