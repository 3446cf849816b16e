"""Loads once, renders many."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from diffstyle.controls.resize import Resize
from diffstyle.device import enough_memory, fast_dtype, find_device
from diffstyle.encoder import StyleEncoder
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine, OnStep
from diffstyle.errors import InputError
from diffstyle.model_options import Attention, MemoryMode, ModelOptions
from diffstyle.picture import Picture, PictureLike
from diffstyle.style import Style
from diffstyle.task import Blend, EngineName, Result, SchedulerName, Settings, Start, Task

_DEFAULT = Settings()
_PLAIN = ModelOptions()


class Stylizer:
    """The engines of one model, ready to render. Not thread-safe: give each thread its own."""

    def __init__(
        self, engines: Mapping[EngineName, Engine], encoders: Mapping[EngineName, StyleEncoder], options: ModelOptions
    ) -> None:
        self._engines, self._encoders, self.options = dict(engines), dict(encoders), options

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
        compile: bool = _PLAIN.compile,  # noqa: A002 - torch's own name for it
    ) -> Stylizer:
        """Load `model`; the options are those of `ModelOptions`. The device is CUDA or MPS where there is one, else the
        CPU; the dtype what is fastest there.

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
                lora=tuple(str(path) for path in lora),
                encoder=None if encoder is None else str(encoder),
                device=device,
                dtype=str(dtype).removeprefix("torch.") if dtype is not None else None,
                memory=memory,
                attention=attention,
                compile=compile,
            )
        )

    @classmethod
    def of(cls, options: ModelOptions) -> Stylizer:
        """As `load`, from options in one piece."""
        where = find_device(options.device)
        dtype = options.torch_dtype or fast_dtype(where)
        with enough_memory(f"load the model {options.name}", device=where, dtype=dtype, memory=options.memory):
            return cls._of(options, where, dtype)

    @classmethod
    def _of(cls, options: ModelOptions, where: torch.device, dtype: torch.dtype) -> Stylizer:
        starter = StyleEncoder.load()
        preview = AdaINEngine.load(device=where, dtype=options.torch_dtype)
        if options.model == _PLAIN.model and (options.adapter or options.controlnet or options.lora or options.encoder):
            raise InputError(
                "Adapters, ControlNets, LoRAs and encoders are of a diffusion model: name one as model, `diffstyle"
                " models list` knows some."
            )
        engines: dict[EngineName, Engine] = {"adain": Resize(preview)}
        encoders: dict[EngineName, StyleEncoder] = {"adain": starter}
        if options.model != _PLAIN.model:
            from diffstyle.engines.diffusion.load import load_diffusion

            engine = load_diffusion(options, device=where, dtype=dtype, preview=preview, starter=starter)
            engines["diffusion"] = Resize(engine)
            encoders["diffusion"] = engine.encoder or starter
        return cls(engines, encoders, options)

    def stylize(
        self,
        content: PictureLike,
        style: Style,
        *,
        negative_style: Style | None = None,
        strength: float = _DEFAULT.strength,
        size: int | None = _DEFAULT.size,
        seed: int = _DEFAULT.seed,
        engine: EngineName | None = _DEFAULT.engine,
        structure: float = _DEFAULT.structure,
        denoise: float = _DEFAULT.denoise,
        start: Start = _DEFAULT.start,
        style_scale: float = _DEFAULT.style_scale,
        style_start: float = _DEFAULT.style_start,
        style_end: float = _DEFAULT.style_end,
        blocks: str = _DEFAULT.blocks,
        blend: Blend = _DEFAULT.blend,
        steps: int | None = _DEFAULT.steps,
        guidance: float | None = _DEFAULT.guidance,
        scheduler: SchedulerName | None = _DEFAULT.scheduler,
        prompt: str = _DEFAULT.prompt,
        negative: str = _DEFAULT.negative,
        on_step: OnStep | None = None,
    ) -> Result:
        """Repaint `content` in `style`, and away from `negative_style`; the settings are those of `Settings`."""
        settings = Settings(
            strength=strength,
            size=size,
            seed=seed,
            engine=engine,
            structure=structure,
            denoise=denoise,
            start=start,
            style_scale=style_scale,
            style_start=style_start,
            style_end=style_end,
            blocks=blocks,
            blend=blend,
            steps=steps,
            guidance=guidance,
            scheduler=scheduler,
            prompt=prompt,
            negative=negative,
        )
        return self.render(Task.of(Picture.of(content), style, settings, negative_style=negative_style), on_step)

    def render(self, task: Task, on_step: OnStep | None = None) -> Result:
        """Carry out a task. The result's task holds the style as measured, so that it needs no reference pictures."""
        name = task.engine or self.best
        engine = self.engine(name)
        begun = time.perf_counter()
        task = engine.settled(replace(task, engine=name))
        task = replace(task, style=self.measure(task.style, name, start=task.start))
        if task.negative_style is not None and name != "adain":
            task = replace(task, negative_style=self.measure(task.negative_style, name))
        measured = time.perf_counter()
        picture = engine.render(task, on_step)
        seconds = {"measure": measured - begun, "render": time.perf_counter() - measured}
        return Result(picture, task, seconds, dict(engine.weights), dict(engine.runtime), self.options)

    @property
    def best(self) -> EngineName:
        """The engine that paints where a task names none."""
        return "diffusion" if "diffusion" in self._engines else "adain"

    def engine(self, name: EngineName | None = None) -> Engine:
        """The engine called `name`, with its controls; the best one if none is named."""
        name = name or self.best
        if name not in self._engines:
            raise InputError(
                f"The model {self.options.name} has no engine {name}: name another model, `diffstyle models list` knows"
                " some."
            )
        return self._engines[name]

    @property
    def encoder(self) -> StyleEncoder:
        """What reads styles in words for the preview; loaded when the first one comes."""
        return self._encoders["adain"]

    def measure(self, style: Style, engine: EngineName | None = None, *, start: Start = "content") -> Style:
        """`style` with all that `engine` needs of it inside: what `Style.save` can write."""
        name = engine or self.best
        painter = self.engine(name)
        if name != "adain":
            style = painter.measure(style)
            return self.measure(style, "adain") if start == "preview" else style
        if any(r.prompt and r.picture is None and painter.space not in r.statistics for r in style.references):
            style = self.encoder.encode(style, partial=True)
        return painter.measure(style)
