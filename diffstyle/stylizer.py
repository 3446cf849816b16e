"""`Stylizer`: loads a model once and renders any number of tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Concatenate, ParamSpec

import torch

from diffstyle.assets.hub import STARTER, starter_adapters
from diffstyle.assets.zoo import adapter_info
from diffstyle.controls.colour import Colour
from diffstyle.controls.enlarge import Enlarge
from diffstyle.controls.faces import KeepFaces
from diffstyle.controls.mask import Masked
from diffstyle.controls.prepare import Prepare
from diffstyle.controls.resize import Resize
from diffstyle.controls.smooth import Smooth
from diffstyle.controls.stroke import Stroke
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.device import enough_memory, fast_dtype, find_device, named_dtype
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Attention, MemoryMode, ModelOptions, Runtime
from diffstyle.core.picture import Picture
from diffstyle.core.settings import MAX_SIDE, EngineSettings, Settings
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.base import Engine, EngineHost, OnStep, PreviewEngine, TextureEngine
from diffstyle.engines.drafts import StarterDrafter
from diffstyle.engines.registry import (
    default_engine_of,
    engine_settings,
    interactive_engine,
    load_engine,
    load_preview,
    load_textures,
    settings_class,
)
from diffstyle.formats.result import Result

_PLAIN = ModelOptions()
P = ParamSpec("P")


def _with_arguments_of(
    make: Callable[P, Task],
) -> Callable[[Callable[[Stylizer, Task], Result]], Callable[Concatenate[Stylizer, P], Result]]:
    """Turn a method that takes a `Task` into one that takes the arguments of `make` (which builds the task) and has its
    signature, so that they are declared once.
    """

    def decorate(method: Callable[[Stylizer, Task], Result]) -> Callable[Concatenate[Stylizer, P], Result]:
        @wraps(method)
        def call(self: Stylizer, *args: P.args, **kwargs: P.kwargs) -> Result:
            return method(self, make(*args, **kwargs))

        shown = signature(make)
        own = Parameter("self", Parameter.POSITIONAL_ONLY)
        parameters = [own, *shown.parameters.values()]
        vars(call)["__signature__"] = shown.replace(parameters=parameters, return_annotation=Result)
        return call

    return decorate


class Stylizer:
    """The engines of one model, ready to render. Not thread-safe: give each thread its own. Only `render` may be called
    from several threads, with resolved tasks for an engine whose capabilities are `reentrant`.
    """

    def __init__(self, options: ModelOptions, host: EngineHost, preview: PreviewEngine) -> None:
        """Use `load` or `of` instead."""
        self.options, self.encoder = options, host.encoder
        self._host, self._preview = host, preview
        self._active = options  # with the personal adapters that are in use
        self._engines: dict[str, Wrapper] = {}
        self._textures: TextureEngine | None = None

    @classmethod
    def load(
        cls,
        model: str | Path = _PLAIN.model,
        *,
        adapter: Sequence[str | Path] = _PLAIN.adapter,
        controlnet: Sequence[str | Path] = _PLAIN.controlnet,
        lora: Sequence[str | Path] = _PLAIN.lora,
        encoder: str | Path | None = _PLAIN.encoder,
        device: str | None = _PLAIN.device,
        dtype: torch.dtype | str | None = _PLAIN.dtype,
        memory: MemoryMode = _PLAIN.memory,
        attention: Attention = _PLAIN.attention,
        runtime: Runtime = _PLAIN.runtime,
    ) -> Stylizer:
        """Load `model`; the options are those of `ModelOptions`. The device is CUDA or MPS where there is one, else the
        CPU; the dtype is what is fastest there.

        Raises InputError for what is missing, damaged, or does not fit together. Nothing is downloaded.
        """
        for name, given in (("adapter", adapter), ("controlnet", controlnet), ("lora", lora)):
            if isinstance(given, (str, Path)):
                raise InputError(f"{name} is {str(given)!r}: give a list, [{str(given)!r}].")
        return cls.of(
            ModelOptions(
                model=str(model),
                adapter=tuple(str(a) for a in adapter),
                controlnet=tuple(str(c) for c in controlnet),
                lora=tuple(str(x) for x in lora),
                encoder=None if encoder is None else str(encoder),
                device=device,
                dtype=str(dtype).removeprefix("torch.") if dtype is not None else None,
                memory=memory,
                attention=attention,
                runtime=runtime,
            )
        )

    @classmethod
    def of(cls, options: ModelOptions, *, mixed: bool = False) -> Stylizer:
        """Load the model that `options` describe.

        With `mixed`, engines that have no export for the runtime paint by torch instead of being refused: for programs
        whose users choose the engine of each picture.

        Unless they are the defaults, its default engine is loaded now, so that errors appear at once; other engines
        when they first paint.
        """
        device = find_device(options.device)
        dtype = fast_dtype(device) if options.dtype is None else named_dtype(options.dtype)
        with enough_memory(f"load the model {options.name}", device=device, dtype=dtype, memory=options.memory):
            encoder = StyleEncoder.load()
            host = EngineHost(options=options, device=device, dtype=dtype, encoder=encoder, preview=None, mixed=mixed)
            preview = load_preview(host)
        host = replace(host, preview=Masked(preview))
        stylizer = cls(options, replace(host, painter=StarterDrafter(host)), preview)
        if replace(options.shareable(), runtime=_PLAIN.runtime) != _PLAIN:
            stylizer.engine()
        return stylizer

    @_with_arguments_of(Task)
    def stylize(self, task: Task) -> Result:
        """Repaint `content` in `style`; the arguments are the fields of `Task`, whose defaults are those of `Settings`.

        `mask` limits the painting to where it is white. `regions` are pairs of a mask and a style of its own. The
        result moves away from `negative_style`. Masks are files, arrays, PIL images or pictures, greyscale or
        transparent, and are resized to the photo. To follow the progress, use `render`.
        """
        return self.render(task)

    def prepare(self, task: Task) -> ResolvedTask:
        """`task` with every default filled in and every style measured: what `render` takes and a recipe keeps."""
        self.use_adapters(task.styles)
        settings = self.settings_for(task)
        return self.engine(settings.name).prepare(replace(task, engine=settings))

    def render(self, task: Task | ResolvedTask, on_step: OnStep | None = None) -> Result:
        """Carry out a task. The result's task holds the style as measured, so that it needs no reference pictures.

        Raises Cancelled when `on_step` returns False.
        """
        started = time.perf_counter()
        resolved = self.prepare(task) if isinstance(task, Task) else task
        prepared = time.perf_counter()
        engine = self.engine(resolved.engine.name)
        picture = engine.render(resolved, on_step)
        seconds = {"prepare": prepared - started, "render": time.perf_counter() - prepared}
        options = self.options_of(resolved.engine.name)
        return Result(picture, resolved, seconds, dict(engine.weights_of(resolved)), dict(engine.runtime), options)

    def preview(self, task: Task) -> Result:
        """Render `task` with the interactive engine, in a fraction of a second.

        Its own engine is ignored; `structure` and `negative_style` are left out where the interactive engine cannot
        honour them.
        """
        settings = engine_settings(interactive_engine())
        return self.render(_supported_part(task, settings))

    def draft(self, task: Task) -> Result | None:
        """A draft by the task's own engine or the default one, in a fraction of a second; None if it makes none."""
        settings = self.settings_for(task).draft()
        return None if settings is None else self.render(replace(task, engine=settings))

    def texture(
        self,
        style: Style,
        *,
        size: tuple[int, int] = (1024, 1024),
        seed: int = 0,
        tileable: bool = False,
        on_step: OnStep | None = None,
    ) -> Picture:
        """A picture of `size` (width, height) of nothing but the style's marks.

        One that is `tileable` continues across its edges. Raises Cancelled when `on_step` returns False, InputError for
        sides outside 64 to 8192 pixels.
        """
        if not all(64 <= side <= MAX_SIDE for side in size):
            raise InputError(f"The size is {size[0]}x{size[1]}: give sides from 64 to {MAX_SIDE}.")
        if self._textures is None:
            self._textures = load_textures(self._host)
        width, height = size
        return self._textures.texture(style, width=width, height=height, seed=seed, tileable=tileable, on_step=on_step)

    def settings_for(self, task: Task) -> EngineSettings:
        """The settings that paint a task: its own, or the defaults of the engine that paints such styles with this
        model when nobody says which.
        """
        if task.engine is not None:
            return engine_settings(task.engine)
        return engine_settings(default_engine_of(self._active, prompts=[style.prompts for style in task.styles]))

    def engine_settings(self, engine: EngineSettings | str | None = None) -> EngineSettings:
        """The settings of an engine: as they are given, an engine's defaults by its name, or those of the engine that
        paints with this model when nobody says which.
        """
        return engine_settings(self.default_engine if engine is None else engine)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._host.device

    @property
    def default_engine(self) -> str:
        """The name of the engine that paints when nobody says which, with the personal adapters in use."""
        return default_engine_of(self._active)

    def engine(self, name: str | None = None) -> Engine:
        """The engine called `name`, or the model's default, with its controls; loaded when it is first asked for."""
        name = self.default_engine if name is None else name
        if name not in self._engines:
            options = self._active if settings_class(name).capabilities.adapters else self.options
            host = replace(self._host, options=options)
            with enough_memory(
                f"load the model {options.name}", device=host.device, dtype=host.dtype, memory=options.memory
            ):
                interactive = name == interactive_engine()
                engine = self._preview if interactive else load_engine(name, host)
            self._engines[name] = controlled(engine, self._preview)
        return self._engines[name]

    def options_of(self, engine: str) -> ModelOptions:
        """The options that the engine of that name is loaded with: what a recipe keeps."""
        if self.options.runtime in (_PLAIN.runtime, "torch") or "runtime" in self.engine(engine).runtime:
            return self.options
        return replace(self.options, runtime=_PLAIN.runtime)  # torch, on a mixed host

    def forget(self) -> None:
        """Drop what engines keep of the last photos for another render of the same ones."""
        for engine in self._engines.values():
            engine.forget()

    def use_adapters(self, styles: Sequence[Style]) -> None:
        """Load the personal adapters that `styles` reference and those given to `load`; unload all others.

        `prepare` calls it; an engine that loads adapters is loaded again when they change.
        """
        weights: dict[str, float] = {}
        for style in styles:
            for name, weight in style.adapters.items():
                weights[name] = max(weight, weights.get(name, 0.0))
        options = with_adapters(self.options, weights)
        if options != self._active:
            self._active = options
            for name in [n for n in self._engines if settings_class(n).capabilities.adapters]:
                self._engines.pop(name)

    def measure(self, style: Style) -> Style:
        """`style` with all that the model's default engine and the preview need of it: what `Style.save` can write."""
        return self._preview.measure(self.engine().measure(style))


def with_adapters(options: ModelOptions, weights: dict[str, float]) -> ModelOptions:
    """`options` with personal adapters added, given as weights by name.

    A LoRA keeps its weight. The weights of tokens adapters are scaled to a sum of 1 and replace `options.adapter`.
    """
    kinds = {name: adapter_info(name).kind for name in sorted(weights)}
    tokens, loras = ([n for n, k in kinds.items() if k == kind] for kind in ("tokens", "lora"))
    total = sum(weights[n] for n in tokens)
    adapter = tuple(f"{n}:{weights[n] / total:.4g}" for n in tokens)
    if adapter and options.model == STARTER and not options.adapter:
        adapter += starter_adapters()[1:]  # a personal one takes the place of the pooled one
    lora = tuple(f"{n}:{weights[n]:.4g}" for n in loras)
    return replace(options, adapter=adapter or options.adapter, lora=(*options.lora, *lora))


def controlled(engine: Engine, preview: PreviewEngine) -> Wrapper:
    """`engine` with its controls. In this order: the photo is resized and enhanced; the engine paints it, at the size
    that gives the strokes and that it paints well; the painting is smoothed, its faces are kept, it is coloured and
    masked.
    """
    sized = Stroke(Enlarge(engine, detail=Masked(preview)))
    return Resize(Masked(Colour(KeepFaces(Smooth(Prepare(sized))), preview=preview)))


def _supported_part(task: Task, settings: EngineSettings) -> Task:
    """`task` for the engine of `settings`, without `negative_style` and `structure` where it does not support them."""
    can = settings.capabilities
    return replace(
        task,
        engine=settings,
        negative_style=task.negative_style if can.negative else None,
        structure=task.structure if can.structure else Settings().structure,
    )
