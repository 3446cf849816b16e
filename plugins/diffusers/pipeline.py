"""diffstyle as a diffusers pipeline, for `DiffusionPipeline.from_pretrained(..., custom_pipeline=...)`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline, ImagePipelineOutput

from diffstyle import InputError, Settings, Style, Stylizer, Task
from diffstyle.assets.manifest import weights_folder
from diffstyle.core.device import fast_dtype, find_device
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import Colours, EngineSettings
from diffstyle.engines.base import Step

from .painting import GeneratorLike, ImageLike, Images, OutputType, StyleLike, paint, pictures_of, style_of

OnStepEnd: TypeAlias = Callable[["DiffstylePipeline", int, int, Mapping[str, Any]], "Mapping[str, Any] | None"]
_DEFAULT, _PLAIN = Settings(), ModelOptions()


def _model_of(name: str) -> str:
    """The name of the starter for the folder of its diffusion model: the other engines belong to it, too."""
    return _PLAIN.model if Path(name).resolve() == (weights_folder() / "starter" / "diffusion").resolve() else name


class DiffstylePipeline(DiffusionPipeline):
    """Repaints photos in a style; its model is the folder or hub id that `from_pretrained` was given.

    The networks are loaded by `Stylizer.load` when they are first needed, and the keyword arguments are its options.
    They can be passed to `from_pretrained`, too. `from_pretrained` does not tell a custom pipeline its `dtype`: use
    `to(dtype=...)`.
    """

    def __init__(
        self,
        stylizer: Stylizer | None = None,
        adapter: list[str] | tuple[str, ...] = _PLAIN.adapter,
        controlnet: list[str] | tuple[str, ...] = _PLAIN.controlnet,
        lora: list[str] | tuple[str, ...] = _PLAIN.lora,
        encoder: str | Path | None = _PLAIN.encoder,
        memory: str = _PLAIN.memory,
        attention: str = _PLAIN.attention,
    ) -> None:
        super().__init__()
        self._stylizer, self._given = stylizer, stylizer is not None
        self._device: torch.device | None = None
        self._dtype: torch.dtype | None = None
        self._interrupt = False
        self.register_to_config(
            adapter=[str(a) for a in adapter],
            controlnet=[str(c) for c in controlnet],
            lora=[str(x) for x in lora],
            encoder=None if encoder is None else str(encoder),
            memory=memory,
            attention=attention,
        )

    @property
    def stylizer(self) -> Stylizer:
        """The loaded model. Raises InputError for one that is missing, damaged, or does not fit its adapters."""
        if self._stylizer is None:
            options = {name: self.config[name] for name in ("adapter", "controlnet", "lora", "encoder")}
            self._stylizer = Stylizer.load(
                _model_of(self.config.get("_name_or_path", _PLAIN.model)),
                **options,
                memory=self.config["memory"],
                attention=self.config["attention"],
                device=None if self._device is None else str(self._device),
                dtype=self._dtype,
            )
        return self._stylizer

    def to(self, *args: Any, **kwargs: Any) -> DiffstylePipeline:
        """Choose device and dtype, as `DiffusionPipeline.to` does; a model in memory is loaded again."""
        for value in (*args, kwargs.get("device"), kwargs.get("dtype")):
            if isinstance(value, torch.dtype):
                self._dtype = value
            elif value is not None:
                self._device = torch.device(value)
        if self._given:
            raise InputError(
                "This pipeline was given a loaded Stylizer: load that one for the device, and pass it again."
            )
        self._stylizer = None
        return self

    @property
    def device(self) -> torch.device:
        """Where the model is, or will be loaded."""
        return self._device or find_device(None)

    @property
    def dtype(self) -> torch.dtype:
        """What the model computes in, or will be loaded in."""
        return self._dtype or fast_dtype(self.device)

    @property
    def interrupt(self) -> bool:
        """Whether the current call stops after the current step."""
        return self._interrupt

    def save_pretrained(self, save_directory: str | os.PathLike[str], *_: Any, **__: Any) -> None:
        """Not supported: the pipeline has no weights of its own."""
        raise InputError(
            f"Nothing to save in {save_directory}: load the model's own folder with this custom_pipeline again."
        )

    @torch.no_grad()
    def __call__(
        self,
        image: ImageLike | Sequence[ImageLike],
        style: StyleLike | Sequence[StyleLike],
        *,
        strength: float = _DEFAULT.strength,
        structure: float = _DEFAULT.structure,
        size: int | None = _DEFAULT.size,
        stroke: float | None = _DEFAULT.stroke,
        seed: int = _DEFAULT.seed,
        colour: Colours = _DEFAULT.colour,
        colour_weight: float = _DEFAULT.colour_weight,
        contrast: float = _DEFAULT.contrast,
        sharpness: float = _DEFAULT.sharpness,
        smooth: float = _DEFAULT.smooth,
        keep_faces: float = _DEFAULT.keep_faces,
        feather: float = _DEFAULT.feather,
        engine: EngineSettings | str | None = None,
        negative_style: StyleLike | Sequence[StyleLike] | None = None,
        mask: ImageLike | Sequence[ImageLike] | None = None,
        regions: Sequence[tuple[Any, Style]] = (),
        generator: GeneratorLike | None = None,
        output_type: OutputType = "pil",
        return_dict: bool = True,
        callback_on_step_end: OnStepEnd | None = None,
    ) -> ImagePipelineOutput | tuple[Images]:
        """Repaint one photo or several in `style`.

        `diffstyle.Settings` describes the settings and `diffstyle.Task` the rest; equal seeds give equal pictures,
        alone or in a batch. `generator` takes the place of `seed`. `callback_on_step_end` is called with the pipeline,
        the number of the step from 0, how many are left of this photo, and `image_index` and `preview` in a dict; to
        stop, set `pipe._interrupt = True` in it.

        Raises `diffstyle.Cancelled` when interrupted, `diffstyle.InputError` for what cannot be used.
        """
        photos, self._interrupt = pictures_of(image), False
        task = Task(
            photos[0],
            style_of(style),
            strength=strength,
            structure=structure,
            size=size,
            stroke=stroke,
            seed=seed,
            colour=colour,
            colour_weight=colour_weight,
            contrast=contrast,
            sharpness=sharpness,
            smooth=smooth,
            keep_faces=keep_faces,
            feather=feather,
            engine=engine,
            negative_style=None if negative_style is None else style_of(negative_style),
            regions=regions,
        )
        bar: Any = cast("Any", self).progress_bar(total=len(photos))
        with bar:

            def on_step(index: int, step: Step) -> bool:
                bar.total, bar.n = step.total * len(photos), step.total * index + step.done
                bar.refresh()
                if callback_on_step_end is not None and step.done > 0:
                    values = {"image_index": index, "preview": step.preview}
                    callback_on_step_end(self, step.done - 1, step.total - step.done, values)
                return not self._interrupt

            images = paint(
                self.stylizer,
                task,
                photos,
                masks=[] if mask is None else pictures_of(mask),
                generator=generator,
                output_type=output_type,
                on_step=on_step,
            )
        return ImagePipelineOutput(images=cast("Any", images)) if return_dict else (images,)
