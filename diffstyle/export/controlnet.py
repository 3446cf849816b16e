"""The starter's ControlNet as it is exported: what it adds to the UNet's maps."""

from __future__ import annotations

from torch import Tensor, nn

from diffstyle.export.starter_model import COLUMNS, REDUCTION, ROWS, SIZES, StarterModel, digest_of, starter_model
from diffstyle.export.unet import added_levels
from diffstyle.runtimes.exportable import Exportable, Input, Side


class ControlNetExport(nn.Module):
    """`forward(latents, timestep, hint, scale)` is what is added to the UNet's middle and on its way down."""

    prompt: Tensor

    def __init__(self, model: StarterModel) -> None:
        super().__init__()
        self.controlnet = model.controlnet
        self.register_buffer("prompt", model.prompt)

    def forward(self, latents: Tensor, timestep: Tensor, hint: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        down, middle = self.controlnet(latents, timestep, self.prompt, hint, return_dict=False)
        return middle * scale, *[each * scale for each in down]


def controlnet() -> Exportable:
    """The ControlNet, which is shown what `Control.conditioning` of the starter names."""
    model = starter_model()
    channels = int(model.controlnet.config.in_channels)
    levels = added_levels(model.controlnet.config)
    deepest = levels[-1][0]

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        scale = photo.new_tensor([(1.0, 0.5, 0.0)[number % 3]])
        return model.noisy(photo, number), model.timestep(number), photo, scale

    def sides(multiple: int) -> dict[int, Side]:
        return {2: Side(ROWS.name, multiple), 3: Side(COLUMNS.name, multiple)}

    meanings = {"middle": f"(1, {levels[-1][1]}, rows, columns)"}
    for number, (level, wide) in enumerate(levels):
        meanings[f"down{number}"] = f"(1, {wide}, {deepest // level} rows, {deepest // level} columns)"
    shown = model.backbone.controls[0].conditioning
    return Exportable(
        name="controlnet",
        title="the ControlNet of diffstyle's starter",
        module=ControlNetExport(model),
        inputs=(
            Input(
                name="latents",
                meaning=f"(1, {channels}, {deepest} rows, {deepest} columns), a picture's sides over {REDUCTION}",
                sides=sides(deepest),
            ),
            Input(name="timestep", meaning="(1,) int64 from 0 to 999"),
            Input(
                name="hint",
                meaning=f"(1, 3, {REDUCTION * deepest} rows, {REDUCTION * deepest} columns) {shown}, from 0 to 1",
                sides=sides(REDUCTION * deepest),
            ),
            Input(name="scale", meaning="(1,) how much it counts, from 0 to 1"),
        ),
        outputs=meanings,
        from_photo=from_photo,
        sizes=SIZES,
        digest=digest_of("controlnet"),
    )
