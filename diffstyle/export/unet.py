"""The starter's UNet as it is exported: with its style adapters, whose embedding, features and scales are inputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.export.starter_model import COLUMNS, REDUCTION, ROWS, SIZES, StarterModel, digest_of, starter_model
from diffstyle.runtimes.exportable import Exportable, Input, Side


class _Scale:
    """A scale that is a tensor, which diffusers may multiply by, and compare with 0 without reading its value."""

    def __init__(self, value: Tensor) -> None:
        self._value = value

    def __mul__(self, other: Tensor) -> Tensor:
        return self._value * other


class UNetExport(nn.Module):
    """`forward(latents, timestep, embedding, marks, scales, middle, *down)` is the prediction (1, c, h, w)."""

    prompt: Tensor

    def __init__(self, model: StarterModel) -> None:
        super().__init__()
        self.unet = model.unet
        self.register_buffer("prompt", model.prompt)
        self._processors = [p for p in model.unet.attn_processors.values() if hasattr(p, "to_k_ip")]

    def forward(
        self,
        latents: Tensor,
        timestep: Tensor,
        embedding: Tensor,
        marks: Tensor,
        scales: Tensor,
        middle: Tensor,
        *down: Tensor,
    ) -> Tensor:
        before = [p.scale for p in self._processors]
        for processor in self._processors:
            processor.scale = [_Scale(scale) for scale in scales.unbind()]
        try:
            return self.unet(
                latents,
                timestep,
                self.prompt,
                added_cond_kwargs={"image_embeds": [embedding[:, None], marks[:, None]]},
                down_block_additional_residuals=list(down),
                mid_block_additional_residual=middle,
                return_dict=False,
            )[0]
        finally:
            for processor, scale in zip(self._processors, before, strict=True):
                processor.scale = scale


def unet() -> Exportable:
    """The UNet with the adapters `starter` and `starter-marks`; what a ControlNet adds is an input, zeros for none."""
    model = starter_model()
    config, width = model.unet.config, model.embedding_width
    channels = int(config.in_channels)
    levels = added_levels(config)

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        latents, timestep = model.noisy(photo, number), model.timestep(number)
        generator = torch.Generator().manual_seed(number)
        embedding = F.normalize(torch.randn((1, width), generator=generator))
        marks = model.marks + 0.2 * torch.randn(model.marks.shape, generator=generator)
        with torch.no_grad():
            down, middle = model.controlnet(latents, timestep, model.prompt, photo, return_dict=False)
        scales = torch.tensor([(1.0, 1.0), (0.6, 0.0), (0.3, 0.8)][number % 3])
        return latents, timestep, embedding, marks, scales, middle, *down

    n, features = model.marks.shape[1:]
    deepest = levels[-1][0]
    sides = {2: Side("rows", deepest), 3: Side("columns", deepest)}
    added = tuple(
        Input(
            name=f"down{number}",
            meaning=f"(1, {wide}, {deepest // level} rows, {deepest // level} columns) of the ControlNet",
            sides=_at(deepest // level),
        )
        for number, (level, wide) in enumerate(levels)
    )
    return Exportable(
        name="unet",
        title="the UNet of diffstyle's starter with its style adapters",
        module=UNetExport(model),
        inputs=(
            Input(
                name="latents",
                meaning=f"(1, {channels}, {deepest} rows, {deepest} columns), a picture's sides over {REDUCTION}",
                sides=sides,
            ),
            Input(name="timestep", meaning="(1,) int64 from 0 to 999"),
            Input(name="embedding", meaning=f"(1, {width}) of the style, by the starter's encoder, of length 1"),
            Input(name="marks", meaning=f"(1, {n}, {features}) features of a picture of the style, likewise"),
            Input(name="scales", meaning="(2,) how much embedding and marks count, from 0 to 1"),
            Input(name="middle", meaning=f"(1, {levels[-1][1]}, rows, columns) of the ControlNet", sides=_at(1)),
            *added,
        ),
        outputs={"prediction": f"(1, {channels}, {deepest} rows, {deepest} columns) {_kind(model)}"},
        from_photo=from_photo,
        sizes=SIZES,
        digest=digest_of("unet"),
    )


def added_levels(config: Any) -> list[tuple[int, int]]:
    """Reduction and width of each map that a ControlNet adds on the way down."""
    widths = [int(w) for w in config.block_out_channels]
    layers = int(config.layers_per_block)
    found = [(1, widths[0])]
    for n, width in enumerate(widths):
        found += [(2**n, width)] * layers
        if n < len(widths) - 1:
            found.append((2 ** (n + 1), width))
    return found


def _at(multiple: int) -> dict[int, Side]:
    return {2: Side(ROWS.name, multiple), 3: Side(COLUMNS.name, multiple)}


def _kind(model: StarterModel) -> str:
    return str(model.backbone.pipeline.scheduler.config.prediction_type)
