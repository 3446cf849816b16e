"""The starter's diffusion model in float32, as its networks are exported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor

from diffstyle.assets.manifest import verified
from diffstyle.backbones.backbone import Backbone
from diffstyle.core.model_options import ModelOptions
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.diffusion.load import STARTER_DIFFUSION, load_diffusion
from diffstyle.runtimes.exportable import Side

SIZES = ((64, 96), (80, 112), (128, 96))
REDUCTION = 4  # pixels of a picture a side of one latent
ROWS, COLUMNS = Side("rows"), Side("columns")  # at the UNet's deepest level: a sixteenth of the picture


@dataclass(frozen=True, slots=True, eq=False)
class StarterModel:
    """The model's `backbone` with its style adapters attached, `prompt` (1, tokens, width), which stands for words, and
    `marks` (1, n, width): features of no picture, in the shape that the second adapter reads.
    """

    backbone: Backbone
    prompt: Tensor
    marks: Tensor
    embedding_width: int

    @property
    def unet(self) -> Any:
        return self.backbone.unet

    @property
    def controlnet(self) -> Any:
        return self.backbone.pipeline.controlnet

    @property
    def vae(self) -> Any:
        return self.backbone.pipeline.vae

    def noisy(self, photo: Tensor, number: int) -> Tensor:
        """(1, c, h / 4, w / 4): a photo's latents with noise, in float32."""
        with torch.no_grad():
            latents = self.backbone.encode(photo)
        generator = torch.Generator().manual_seed(number)
        return 0.7 * latents + 0.7 * torch.randn(latents.shape, generator=generator)

    def timestep(self, number: int) -> Tensor:
        """(1,): one of the levels of noise."""
        return torch.tensor([(621, 401, 181)[number % 3]])


@lru_cache(maxsize=1)
def starter_model() -> StarterModel:
    """The starter's model; loaded once, for several exports."""
    encoder, cpu = StyleEncoder.load(), torch.device("cpu")
    engine = load_diffusion(
        ModelOptions(), device=cpu, dtype=torch.float32, preview=None, painter=None, starter=encoder
    )
    backbone = engine.backbone
    backbone.arrange()
    for module in (backbone.unet, backbone.pipeline.controlnet, backbone.pipeline.vae):
        module.eval().requires_grad_(False)
    marks = encoder.features(None).float()
    prompt = cast("Tensor", backbone.constant).float()
    return StarterModel(backbone, prompt, marks.reshape(1, -1, marks.shape[-1]), engine.adapters[0][0].width)


def digest_of(part: str) -> str:
    """The sha256 of the weights of one of its networks: unet, controlnet or vae."""
    return verified(f"{STARTER_DIFFUSION}/{part}/diffusion_pytorch_model.safetensors")[1]
