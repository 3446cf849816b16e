"""A diffusers img2img pipeline ready to run, with or without ControlNets. Styles are not its concern."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffstyle.backbones.memory import SLOWER, arrange
from diffstyle.backbones.recognise import Architecture
from diffstyle.backbones.sampling import Sampling
from diffstyle.core.model_options import Attention, Conditioning, MemoryMode


@dataclass(frozen=True, slots=True)
class Control:
    """One ControlNet in a render: its input, its scale, and the part of the steps, from 0 to 1, in which it acts."""

    conditioning: Conditioning
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(slots=True)
class Backbone:
    """`pipeline` is diffusers' own, `folder` the diffusers folder it was loaded from, None for a single file.

    `constant` (1, tokens, width) is the prompt embedding where there is no text encoder; `preview_vae` decodes
    intermediate steps quickly. Not frozen: `relieve` and `in_dtype` change memory mode and dtype after a failure.
    """

    pipeline: Any
    architecture: Architecture
    weights: Mapping[str, str]
    device: torch.device
    dtype: torch.dtype
    folder: Path | None = None
    controls: tuple[Control, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    memory: MemoryMode = "fast"
    attention: Attention = "sdpa"
    constant: Tensor | None = None
    preview_vae: Any = None
    _changing: int = field(default=0, init=False, repr=False)

    @property
    def unet(self) -> Any:
        """The pipeline's UNet."""
        return self.pipeline.unet

    @property
    def has_words(self) -> bool:
        """Whether it has a text encoder, so that it reads prompts."""
        return any(getattr(self.pipeline, n, None) is not None for n in ("text_encoder", "text_encoder_2"))

    @property
    def multiple(self) -> int:
        """The number of pixels that the sides of a picture must be a multiple of."""
        return int(self.pipeline.vae_scale_factor)

    def encode(self, pictures: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Pictures (b, 3, H, W) in [0, 1] -> latents (b, c, h, w) float32: sampled by `generator`, or else the mode."""
        vae = self.pipeline.vae
        found = vae.encode((pictures * 2 - 1).to(self.device, self.dtype))
        if hasattr(found, "latents"):
            latents = found.latents
        else:
            latents = found.latent_dist.mode() if generator is None else found.latent_dist.sample(generator)
        return latents.float() * vae.config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (b, c, h, w) -> pictures (b, 3, H, W) float32, not clamped."""
        vae = self.pipeline.vae
        return vae.decode((latents / vae.config.scaling_factor).to(self.device, self.dtype)).sample.float() / 2 + 0.5

    @contextlib.contextmanager
    def changing(self) -> Generator[None]:
        """Modules of the pipeline may be changed inside: hooks are removed before and renewed after.

        Contexts nest; only the outermost one acts.
        """
        if not self._changing:
            self.pipeline.remove_all_hooks()
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1
            if not self._changing:
                self.arrange()

    def arrange(self) -> None:
        """Put the pipeline on its device, in its memory mode and with its attention."""
        arrange(self.pipeline, device=self.device, memory=self.memory, attention=self.attention)

    def relieve(self) -> bool:
        """Switch to the next lower memory mode; False if there is none."""
        lower = SLOWER.get(self.memory)
        if lower is None:
            return False
        self.memory = lower
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.arrange()
        return True

    def in_dtype(self, dtype: torch.dtype) -> None:
        """Convert every network to `dtype`."""
        with self.changing():
            self.pipeline.to(dtype=dtype)
            self.dtype = dtype
