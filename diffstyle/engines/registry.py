"""The engines there are. A new one is a folder in `engines/` and one line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from diffstyle.assets.hub import STARTER, default_engine
from diffstyle.core.errors import InputError
from diffstyle.core.fields import fields_of
from diffstyle.core.model_options import ModelOptions, Runtime
from diffstyle.core.settings import EngineSettings

if TYPE_CHECKING:
    from diffstyle.engines.base import Engine, EngineHost, PreviewEngine, TextureEngine


@dataclass(frozen=True, slots=True)
class Entry:
    """An engine: its `name`, and where to find its settings class (which imports no torch) and its loading function
    (which takes an `EngineHost`), each as "module:attribute".
    """

    name: str
    settings: str
    load: str


ENGINES: tuple[Entry, ...] = (
    Entry("nnst", "diffstyle.engines.nnst.settings:Nnst", "diffstyle.engines.nnst.engine:load"),
    Entry("adain", "diffstyle.engines.adain.settings:Adain", "diffstyle.engines.adain.engine:load"),
    Entry("media", "diffstyle.engines.media.settings:Media", "diffstyle.engines.media.engine:load"),
    Entry("gatys", "diffstyle.engines.gatys.settings:Gatys", "diffstyle.engines.gatys.engine:load"),
    Entry("gaussian", "diffstyle.engines.gaussian.settings:Gaussian", "diffstyle.engines.gaussian.engine:load"),
    Entry("strotss", "diffstyle.engines.strotss.settings:Strotss", "diffstyle.engines.strotss.engine:load"),
    Entry(
        "feedforward", "diffstyle.engines.feedforward.settings:Feedforward", "diffstyle.engines.feedforward.engine:load"
    ),
    Entry("diffusion", "diffstyle.engines.diffusion.settings:Diffusion", "diffstyle.engines.diffusion.load:load"),
)


def engine_names() -> tuple[str, ...]:
    """The name of every engine, in the order of the registry."""
    return tuple(entry.name for entry in ENGINES)


def settings_class(name: str) -> type[EngineSettings]:
    """The settings of the engine called `name`; InputError if there is none."""
    return _attribute(_entry(name).settings)


def load_engine(name: str, host: EngineHost) -> Engine:
    """The engine called `name`, loaded; InputError if it has no export for the runtime that was asked for, unless the
    host is `mixed`.
    """
    options = runnable(host.options, name)
    if options != host.options and not host.mixed:
        asked = host.options.runtime
        raise InputError(
            f"The engine {name} has no export that runtime={asked} could run: give runtime=torch, or the engine"
            f" {' or '.join(exported(asked))}."
        )
    return _attribute(_entry(name).load)(replace(host, options=options))


def runnable(options: ModelOptions, name: str) -> ModelOptions:
    """`options` as the engine of that name can honour them: without a runtime that it has no export for."""
    can = options.runtime in ("auto", "torch") or name in exported(options.runtime)
    return options if can else replace(options, runtime=ModelOptions().runtime)


def exported(runtime: Runtime) -> tuple[str, ...]:
    """The names of the engines that have an export for `runtime`."""
    return tuple(n for n in engine_names() if runtime in settings_class(n).capabilities.runtimes)


def import_engine(name: str) -> None:
    """Import the code of the engine called `name`, which can take seconds; InputError if there is none."""
    _attribute(_entry(name).load)


def load_preview(host: EngineHost) -> PreviewEngine:
    """The interactive engine, loaded."""
    return cast("PreviewEngine", load_engine(interactive_engine(), host))


def load_textures(host: EngineHost) -> TextureEngine:
    """The first engine that makes textures, loaded."""
    name = next(n for n in engine_names() if settings_class(n).capabilities.textures)
    return cast("TextureEngine", load_engine(name, host))


def interactive_engine() -> str:
    """The name of the first engine that is quick enough to follow a slider."""
    return next(n for n in engine_names() if settings_class(n).capabilities.interactive)


def student_engine() -> str:
    """The name of the first engine that paints with students: networks for the styles that they were trained on."""
    return next(n for n in engine_names() if settings_class(n).capabilities.own_styles)


def engine_for_adapters(name: str, kinds: set[str]) -> str:
    """`name` if that engine loads adapters of all `kinds`, else the first engine that does; `name` again if none does,
    so that loading it explains what is missing.
    """
    if kinds <= set(settings_class(name).capabilities.adapters):
        return name
    return next((n for n in engine_names() if kinds <= set(settings_class(n).capabilities.adapters)), name)


def default_engine_of(
    options: ModelOptions, kinds: Set[str] = frozenset(), prompts: Sequence[Sequence[str]] = ()
) -> str:
    """The engine that paints with a model when nobody says which: the one the model names, or the first that loads the
    adapters, LoRAs and ControlNets that were asked for, and adapters of `kinds` besides.

    With the starter and none of these, it is the first engine that suits the words of all styles, `prompts`, one
    for each reference of each style, if one does. Other models read words themselves.
    """
    given = (("tokens", options.adapter), ("lora", options.lora), ("controlnet", options.controlnet))
    wanted = {kind for kind, names in given if names} | set(kinds)
    if options.model == STARTER and prompts and not wanted:
        suited = next((n for n in engine_names() if settings_class(n).suits(prompts)), None)
        if suited is not None:
            return suited
    return engine_for_adapters(default_engine(options.model), wanted)


def engine_settings(engine: EngineSettings | str) -> EngineSettings:
    """The settings themselves, or the defaults of the engine of that name."""
    return settings_class(engine)() if isinstance(engine, str) else engine


def engine_from(name: str, values: Mapping[str, Any]) -> EngineSettings:
    """The settings of the engine called `name` from plain `values`; InputError for a setting that it does not have."""
    cls = settings_class(name)
    known = {info.name for info in fields_of(cls)}
    for other in values:
        if other not in known:
            raise InputError(_not_a_setting(name, other))
    return cls(**values)


def owners(setting: str) -> tuple[str, ...]:
    """The names of the engines that have a setting of this name of their own."""
    return tuple(n for n in engine_names() if setting in {i.name for i in fields_of(settings_class(n))})


def _not_a_setting(name: str, setting: str) -> str:
    found = owners(setting)
    where = f"it belongs to {' and '.join(found)}" if found else "no engine has it"
    return f"The engine {name} has no setting {setting}: {where}."


def _entry(name: str) -> Entry:
    found = next((entry for entry in ENGINES if entry.name == name), None)
    if found is None:
        raise InputError(f"engine is {name!r}: give one of {', '.join(engine_names())}.")
    return found


def _attribute(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
