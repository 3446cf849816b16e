"""diffstyle as a block of Modular Diffusers, which composes with other blocks."""

from __future__ import annotations

from typing import Any, cast

from diffusers.configuration_utils import (
    ConfigMixin,
    FrozenDict,
    register_to_config,  # pyright: ignore[reportUnknownVariableType]
)
from diffusers.modular_pipelines.modular_pipeline import ModularPipelineBlocks, PipelineState
from diffusers.modular_pipelines.modular_pipeline_utils import ComponentSpec, InputParam, OutputParam

from diffstyle import Settings, Stylizer, Task
from diffstyle.core.fields import fields_of
from diffstyle.core.model_options import Attention, MemoryMode, ModelOptions

from .painting import paint, pictures_of, style_of

_PLAIN = ModelOptions()


class DiffstyleModel(ConfigMixin):
    """The options of `Stylizer.load`; the networks are loaded when they are first needed."""

    config_name = "diffstyle_model.json"

    @register_to_config
    def __init__(
        self,
        model: str = _PLAIN.model,
        adapter: tuple[str, ...] = _PLAIN.adapter,
        controlnet: tuple[str, ...] = _PLAIN.controlnet,
        lora: tuple[str, ...] = _PLAIN.lora,
        encoder: str | None = _PLAIN.encoder,
        device: str | None = _PLAIN.device,
        dtype: str | None = _PLAIN.dtype,
        memory: MemoryMode = _PLAIN.memory,
        attention: Attention = _PLAIN.attention,
    ) -> None:
        self._options = ModelOptions(
            model=model,
            adapter=tuple(adapter),
            controlnet=tuple(controlnet),
            lora=tuple(lora),
            encoder=encoder,
            device=device,
            dtype=dtype,
            memory=memory,
            attention=attention,
        )
        self._stylizer: Stylizer | None = None

    @property
    def stylizer(self) -> Stylizer:
        """The loaded model. Raises InputError for one that is missing, damaged, or does not fit its adapters."""
        if self._stylizer is None:
            self._stylizer = Stylizer.of(self._options)
        return self._stylizer


class StylizeBlock(ModularPipelineBlocks):
    """Repaints the photos of a pipeline's state in a style and puts them back as `images`.

    `reads` names the value that holds the photos, such as `images` behind a block that decodes. `prefix` stands before
    the names of all inputs that only this block has, so that `strength` and `mask` of other blocks are not taken for
    its own.
    """

    def __init__(self, reads: str = "image", prefix: str = "") -> None:
        super().__init__()
        self.reads, self.prefix = reads, prefix

    @property
    def description(self) -> str:
        """What the block does, for its documentation."""
        return "Repaints photos in a style described in words, shown with pictures, or blended from several."

    @property
    def expected_components(self) -> list[ComponentSpec]:
        """The model: the starter, unless `update_components(diffstyle=DiffstyleModel(...))` replaces it."""
        config = FrozenDict({"model": _PLAIN.model})
        made = "from_config"
        return [ComponentSpec("diffstyle", DiffstyleModel, "The model.", config, default_creation_method=made)]

    @property
    def inputs(self) -> list[InputParam]:
        """The photos, the style, and what `diffstyle.Task` takes beside them."""
        own = [
            InputParam(f"{self.prefix}{info.name}", info.kind, info.default, description=info.help)
            for info in fields_of(Settings)
        ]
        return [
            InputParam(self.reads, required=True, description="The photos: files, PIL images, arrays or tensors."),
            InputParam("style", required=True, description="A Style, words, a style's name, a picture, or a file."),
            *own,
            InputParam(f"{self.prefix}engine", description="An engine's name or settings; the model's own if None."),
            InputParam(f"{self.prefix}negative_style", description="A style to move away from."),
            InputParam(f"{self.prefix}mask", description="Where to paint: white, and grey for partly."),
            InputParam("generator", description="One torch.Generator, or one for each photo, instead of a seed."),
            InputParam("output_type", str, "pil", description="The format of the images: pil, np or pt."),
        ]

    @property
    def intermediate_outputs(self) -> list[OutputParam]:
        """The repainted photos."""
        return [OutputParam("images", description="The repainted photos, in the format of `output_type`.")]

    def __call__(self, components: Any, state: PipelineState) -> tuple[Any, PipelineState]:
        """Paint. Raises InputError for what cannot be used."""
        values: dict[str, Any] = cast("Any", self.get_block_state(state)).as_dict()
        own = {info.name: values[f"{self.prefix}{info.name}"] for info in fields_of(Settings)}
        engine, negative, mask = (values[f"{self.prefix}{name}"] for name in ("engine", "negative_style", "mask"))
        photos = pictures_of(values[self.reads])
        task = Task(
            photos[0],
            style_of(values["style"]),
            engine=engine,
            negative_style=None if negative is None else style_of(negative),
            **own,
        )
        images = paint(
            components.diffstyle.stylizer,
            task,
            photos,
            masks=[] if mask is None else pictures_of(mask),
            generator=values["generator"],
            output_type=values["output_type"],
        )
        cast("Any", state).set("images", images)
        return components, state
