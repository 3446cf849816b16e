"""The nodes that paint."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui
from torch import Tensor

from diffstyle import InputError, Picture, Settings, Style, Stylizer, Task
from diffstyle.core.settings import MAX_SEED, EngineSettings
from diffstyle.engines.registry import engine_names

from .images import image_of, masks_of, pictures_of
from .progress import Progress
from .sockets import AUTO, CATEGORY, EngineSocket, ModelSocket, StyleSocket, inputs_of, plain_tensors, values_from


def _inputs(*chosen: io.Input, without: tuple[str, ...] = ()) -> list[io.Input]:
    where = "Painted where it is white. One for all images, or one for each."
    return [
        ModelSocket.Input("model"),
        io.Image.Input("image", tooltip="A batch is painted one image after another, with seed, seed + 1 and so on."),
        StyleSocket.Input("style"),
        *chosen,
        *inputs_of(Settings, without=without),
        io.Mask.Input("mask", optional=True, tooltip=where),
    ]


def _tasks(image: Tensor, style: Style, mask: Tensor | None, given: dict[str, Any], **rest: Any) -> list[Task]:
    photos, settings = pictures_of(image), values_from(Settings, given)
    masks, seed = masks_of(mask, count=len(photos)), settings.pop("seed", Settings().seed)
    return [
        Task(photo, style, mask=masks[n], seed=(seed + n) % (MAX_SEED + 1), **settings, **rest)
        for n, photo in enumerate(photos)
    ]


class Stylise(io.ComfyNode):
    """`Stylizer.render`, with every setting that all engines share."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        who = "The engine; auto is the default for the model and the style."
        engine = io.Combo.Input("engine", options=[AUTO, *engine_names()], default=AUTO, tooltip=who)
        negative = StyleSocket.Input("negative_style", optional=True, tooltip="A style to move away from.")
        instead = "An engine with settings of its own, in place of engine."
        own = EngineSocket.Input("engine_settings", optional=True, tooltip=instead)
        return io.Schema(
            node_id="DiffstyleStylise",
            display_name="Stylise",
            category=CATEGORY,
            description="Repaints images in a style.",
            inputs=[*_inputs(engine), negative, own],
            outputs=[io.Image.Output("painted", display_name="IMAGE")],
        )

    @classmethod
    @plain_tensors
    def execute(
        cls,
        model: Stylizer,
        image: Tensor,
        style: Style,
        engine: str,
        mask: Tensor | None = None,
        negative_style: Style | None = None,
        engine_settings: EngineSettings | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Raise InputError for what the engine cannot honour."""
        if engine_settings is not None and engine not in (AUTO, engine_settings.name):
            raise InputError(
                f"The engine is {engine}, the settings are those of {engine_settings.name}: choose {AUTO}."
            )
        chosen = engine_settings or (None if engine == AUTO else engine)
        tasks = _tasks(image, style, mask, given, engine=chosen, negative_style=negative_style)
        progress = Progress(len(tasks))
        painted = [model.render(task, progress.of(n)).picture for n, task in enumerate(tasks)]
        return io.NodeOutput(image_of(painted))


class Preview(io.ComfyNode):
    """`Stylizer.preview`, shown under the node."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        return io.Schema(
            node_id="DiffstylePreview",
            display_name="Preview Style",
            category=CATEGORY,
            description="Shows images in a style at once, painted by the fastest engine.",
            inputs=_inputs(without=("structure", "seed")),
            outputs=[io.Image.Output("preview", display_name="IMAGE")],
            is_output_node=True,
        )

    @classmethod
    @plain_tensors
    def execute(
        cls, model: Stylizer, image: Tensor, style: Style, mask: Tensor | None = None, **given: Any
    ) -> io.NodeOutput:
        """Raise InputError for images or settings that cannot be used."""
        painted: list[Picture] = [model.preview(task).picture for task in _tasks(image, style, mask, given)]
        shown = image_of(painted)
        return io.NodeOutput(shown, ui=ui.PreviewImage(shown, cls=cls))
