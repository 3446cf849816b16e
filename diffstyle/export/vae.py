"""The starter's latent encoder and decoder as they are exported."""

from __future__ import annotations

from torch import Tensor, nn

from diffstyle.export.starter_model import COLUMNS, REDUCTION, ROWS, SIZES, StarterModel, digest_of, starter_model
from diffstyle.runtimes.exportable import Exportable, Input, Side


class EncoderExport(nn.Module):
    """`forward(picture)` are latents, as `Backbone.encode` gives them."""

    def __init__(self, model: StarterModel) -> None:
        super().__init__()
        self.vae = model.vae

    def forward(self, picture: Tensor) -> Tensor:
        return self.vae.encode(picture * 2 - 1).latents * self.vae.config.scaling_factor


class DecoderExport(nn.Module):
    """`forward(latents)` is a picture, as `Backbone.decode` gives it."""

    def __init__(self, model: StarterModel) -> None:
        super().__init__()
        self.vae = model.vae

    def forward(self, latents: Tensor) -> Tensor:
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample / 2 + 0.5


def encoder() -> Exportable:
    """Pictures to latents."""
    model = starter_model()
    sides = {2: Side(ROWS.name, REDUCTION), 3: Side(COLUMNS.name, REDUCTION)}
    shape = f"(1, 3, {REDUCTION} rows, {REDUCTION} columns)"
    return Exportable(
        name="vae-encoder",
        title="the latent encoder of diffstyle's starter",
        module=EncoderExport(model),
        inputs=(Input(name="picture", meaning=f"{shape} sRGB from 0 to 1", sides=sides),),
        outputs={"latents": f"(1, {_channels(model)}, rows, columns)"},
        from_photo=lambda photo, _: (photo,),
        sizes=SIZES,
        digest=digest_of("vae"),
        quantisable=True,
    )


def decoder() -> Exportable:
    """Latents to pictures."""
    model = starter_model()

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        del number
        return (model.backbone.encode(photo),)

    return Exportable(
        name="vae-decoder",
        title="the latent decoder of diffstyle's starter",
        module=DecoderExport(model),
        inputs=(Input(name="latents", meaning=f"(1, {_channels(model)}, rows, columns)", sides={2: ROWS, 3: COLUMNS}),),
        outputs={"picture": f"(1, 3, {REDUCTION} rows, {REDUCTION} columns) sRGB, to be clipped to 0 and 1"},
        from_photo=from_photo,
        sizes=SIZES,
        digest=digest_of("vae"),
        quantisable=True,
    )


def _channels(model: StarterModel) -> int:
    return int(model.vae.config.latent_channels)
