"""Loads once, renders many."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from diffstyle.adapters.strokes import Strokes
from diffstyle.assets.zoo import adapter_info
from diffstyle.controls.colour import Colour
from diffstyle.controls.enlarge import Enlarge
from diffstyle.controls.mask import Masked
from diffstyle.controls.prepare import Prepare
from diffstyle.controls.resize import Resize
from diffstyle.controls.smooth import Smooth
from diffstyle.controls.stroke import Stroke
from diffstyle.controls.texture import Texture
from diffstyle.controls.wrapper import with_content
from diffstyle.core.device import enough_memory, fast_dtype, find_device
from diffstyle.core.errors import InputError
from diffstyle.core.mask import Mask, MaskLike, RegionLike, region
from diffstyle.core.model_options import Attention, MemoryMode, ModelOptions
from diffstyle.core.picture import Picture, PictureLike
from diffstyle.core.style import Style
from diffstyle.core.task import Blend, Colours, EngineName, Result, SchedulerName, Settings, Start, Task, styles
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine, OnStep

_DEFAULT = Settings()
_PLAIN = ModelOptions()
Loader = Callable[[ModelOptions], Engine]


class Stylizer:
    """The engines of one model, ready to render. Not thread-safe: give each thread its own."""

    def __init__(self, engines: Mapping[EngineName, Loader], encoder: StyleEncoder, options: ModelOptions) -> None:
        """`engines` are loaded when they first paint; `encoder` reads styles in words for the preview."""
        self._loaders, self.encoder, self.options, self._worn = dict(engines), encoder, options, options
        self._engines: dict[EngineName, Engine] = {}
        self._strokes = Strokes()

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
        enough = partial(
            enough_memory, f"load the model {options.name}", device=where, dtype=dtype, memory=options.memory
        )
        with enough():
            starter = StyleEncoder.load()
            adain = AdaINEngine.load(device=where, dtype=options.torch_dtype)
            preview = Masked(adain)
            stroked = Texture(adain, rounds=8, noise=0.1)

        def diffusion(options: ModelOptions) -> Engine:
            from diffstyle.engines.diffusion.load import load_diffusion

            with enough():
                engine = load_diffusion(options, device=where, dtype=dtype, preview=Masked(stroked), starter=starter)
            side = engine.backbone.sampling.side
            painter = Texture(engine, rounds=3)  # it began with strokes
            return controlled(painter if side is None else Enlarge(painter, side=side, detail=preview), adain)

        stylizer = cls({"adain": lambda _: controlled(stroked, adain), "diffusion": diffusion}, starter, options)
        if options.shareable() != _PLAIN:  # what was named is looked at at once
            stylizer.engine("diffusion")
        return stylizer

    def stylize(
        self,
        content: PictureLike,
        style: Style,
        *,
        negative_style: Style | None = None,
        mask: MaskLike | None = None,
        regions: Sequence[RegionLike] = (),
        strength: float = _DEFAULT.strength,
        size: int | None = _DEFAULT.size,
        seed: int = _DEFAULT.seed,
        feather: float = _DEFAULT.feather,
        engine: EngineName = _DEFAULT.engine,
        colour: Colours = _DEFAULT.colour,
        colour_weight: float = _DEFAULT.colour_weight,
        contrast: float = _DEFAULT.contrast,
        sharpness: float = _DEFAULT.sharpness,
        smooth: float = _DEFAULT.smooth,
        stroke: float | None = _DEFAULT.stroke,
        tile: int | None = _DEFAULT.tile,
        overlap: int = _DEFAULT.overlap,
        depth: int = _DEFAULT.depth,
        structure: float = _DEFAULT.structure,
        texture: float | None = _DEFAULT.texture,
        denoise: float | None = _DEFAULT.denoise,
        start: Start | None = _DEFAULT.start,
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
        """Repaint `content` in `style`, and away from `negative_style`; the settings are those of `Settings`.

        Only where `mask` is white, if there is one, and in other styles in `regions`, pairs of a mask and a style.
        Masks are files, arrays, PIL images or pictures, in greys or with transparency; of another size than the photo
        they are resized.
        """
        settings = Settings(
            strength=strength,
            size=size,
            seed=seed,
            feather=feather,
            engine=engine,
            colour=colour,
            colour_weight=colour_weight,
            contrast=contrast,
            sharpness=sharpness,
            smooth=smooth,
            stroke=stroke,
            tile=tile,
            overlap=overlap,
            depth=depth,
            structure=structure,
            texture=texture,
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
        task = Task.of(
            Picture.of(content),
            style,
            settings,
            negative_style=negative_style,
            mask=None if mask is None else Mask.of(mask),
            regions=tuple(region(r) for r in regions),
        )
        return self.render(task, on_step)

    def render(self, task: Task, on_step: OnStep | None = None) -> Result:
        """Carry out a task. The result's task holds the style as measured, so that it needs no reference pictures."""
        if task.engine != "adain":
            self.wear(styles(task))
        engine = self.engine(task.engine)
        begun = time.perf_counter()
        task = engine.settled(task)
        task = with_content(task, task.content, lambda mask: mask.fitted(task.content))

        def measured_style(style: Style) -> Style:
            return self.measure(style, task.engine, start=task.start, colour=task.colour, texture=task.texture)

        regions = tuple(replace(r, style=measured_style(r.style)) for r in task.regions)
        task = replace(task, style=measured_style(task.style), regions=regions)
        if task.negative_style is not None and task.engine != "adain":
            task = replace(task, negative_style=self.measure(task.negative_style, texture=0))
        measured = time.perf_counter()
        picture = engine.render(task, on_step)
        seconds = {"measure": measured - begun, "render": time.perf_counter() - measured}
        return Result(picture, task, seconds, dict(engine.weights), dict(engine.runtime), self.options)

    def engine(self, name: EngineName = _DEFAULT.engine) -> Engine:
        """The engine called `name`, with its controls."""
        if name not in self._engines:
            self._engines[name] = self._loaders[name](self._worn)
        return self._engines[name]

    def wear(self, styles: Sequence[Style]) -> None:
        """Have the personal adapters that `styles` bring along at hand, and no others than were asked for in `load`.

        `render` does so by itself; a model is loaded anew when they change.
        """
        shares: dict[str, float] = {}
        for style in styles:
            for name, share in style.adapters.items():
                shares[name] = max(share, shares.get(name, 0.0))
        options = worn(self.options, shares)
        if options != self._worn:
            self._worn = options
            self._engines.pop("diffusion", None)

    def measure(
        self,
        style: Style,
        engine: EngineName = _DEFAULT.engine,
        *,
        start: Start | None = None,
        colour: Colours = _DEFAULT.colour,
        texture: float | None = _DEFAULT.texture,
    ) -> Style:
        """`style` with all that `engine` needs of it inside: what `Style.save` can write.

        That is what the preview needs too, where diffusion begins from it: if `start` says so, or else by itself; and
        where `colour` asks for the style's colours, which its statistics tell; and its strokes, if they are carried.
        """
        painter = self.engine(engine)
        if (painter.settled(_DEFAULT).texture if texture is None else texture) != 0:
            style = self._strokes.measure(self.encoder.encode(style, partial=True))
        if engine != "adain":
            style = painter.measure(style)
            begins = start or painter.settled(_DEFAULT).start
            previewed = begins == "preview" or colour in ("match", "palette")
            return self.measure(style, "adain") if previewed else style
        if any(r.prompt and r.picture is None and painter.space not in r.statistics for r in style.references):
            style = self.encoder.encode(style, partial=True)
        return painter.measure(style)


def worn(options: ModelOptions, shares: Mapping[str, float]) -> ModelOptions:
    """`options` with personal adapters of the zoo by their share of a style: a LoRA acts by its share; tokens adapters
    share what acts, for each of them knows other styles too.
    """
    kinds = {name: adapter_info(name).kind for name in sorted(shares)}
    tokens, loras = ([n for n, k in kinds.items() if k == kind] for kind in ("tokens", "lora"))
    total = sum(shares[n] for n in tokens)
    adapter = tuple(f"{n}:{shares[n] / total:.4g}" for n in tokens)
    lora = tuple(f"{n}:{shares[n]:.4g}" for n in loras)
    return replace(options, adapter=adapter or options.adapter, lora=(*options.lora, *lora))


def controlled(engine: Engine, preview: AdaINEngine) -> Engine:
    """`engine` with its controls: the photo is resized, prepared, painted with strokes of a size, smoothed, coloured,
    and the painting shown where a mask lets it.
    """
    return Resize(Masked(Colour(Smooth(Prepare(Stroke(engine))), preview=preview)))
