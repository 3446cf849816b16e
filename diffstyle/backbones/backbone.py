"""A diffusers img2img pipeline ready to run, with or without ControlNets. It knows nothing of styles."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from diffstyle.backbones.memory import SLOWER, arrange
from diffstyle.backbones.recognise import Architecture
from diffstyle.core.model_options import Attention, MemoryMode, SchedulerName

Conditioning = Literal["canny", "soft-edge", "lineart", "tile", "depth"]


@dataclass(frozen=True, slots=True)
class Control:
    """One ControlNet's part in a render: what it is shown, how strongly, and between which shares of the steps."""

    conditioning: Conditioning
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a backbone is sampled with where a task does not say; the fields are those of `Settings`.

    `side`, if given: it paints no picture larger than `side` times `side` well. `margin`: nor so many pixels along the
    edges of a picture. `keeps_colours`: of what is painted from a preview only the lightness is taken, most where there
    is much to see; colours and calm stay the preview's, for its VAE is too small to hold them still.
    """

    scheduler: SchedulerName = "dpm++"
    steps: int = 25
    guidance: float = 5.0
    denoise: float = 0.6
    start: Literal["content", "preview"] = "content"
    side: int | None = None
    margin: int = 0
    keeps_colours: bool = False


@dataclass(slots=True)
class Backbone:
    """`pipeline` is diffusers' own; `constant` (1, tokens, width) is its prompt where there is no text encoder.

    Not frozen, for memory mode and dtype may have to change after a failure: `relieve`, `in_dtype`.
    """

    pipeline: Any
    architecture: Architecture
    weights: Mapping[str, str]
    device: torch.device
    dtype: torch.dtype
    controls: tuple[Control, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    memory: MemoryMode = "fast"
    attention: Attention = "sdpa"
    compiled: bool = False
    constant: Tensor | None = None
    preview_vae: Any = None
    _changing: int = field(default=0, init=False, repr=False)

    @property
    def unet(self) -> Any:
        return self.pipeline.unet

    @property
    def has_words(self) -> bool:
        """Whether a prompt means anything to it."""
        return any(getattr(self.pipeline, n, None) is not None for n in ("text_encoder", "text_encoder_2"))

    @property
    def multiple(self) -> int:
        """Sides of a picture must be a multiple of this."""
        return int(self.pipeline.vae_scale_factor)

    def encode(self, pictures: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents (b, c, h, w) float32 of pictures (b, 3, H, W) in [0, 1]: drawn by `generator`, or the likeliest."""
        vae = self.pipeline.vae
        found = vae.encode((pictures * 2 - 1).to(self.device, self.dtype))
        if hasattr(found, "latents"):
            latents = found.latents
        else:
            latents = found.latent_dist.mode() if generator is None else found.latent_dist.sample(generator)
        return latents.float() * vae.config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (b, 3, H, W) float32 of latents, not clamped."""
        vae = self.pipeline.vae
        return vae.decode((latents / vae.config.scaling_factor).to(self.device, self.dtype)).sample.float() / 2 + 0.5

    @contextlib.contextmanager
    def changing(self) -> Generator[None]:
        """Modules of the pipeline may be changed inside: hooks and compiled code are removed before, renewed after.

        Contexts nest; only the outermost one acts.
        """
        if not self._changing:
            self.pipeline.remove_all_hooks()
            self.unet._compiled_call_impl = None
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1
            if not self._changing:
                self.arrange()

    def arrange(self) -> None:
        """Put the pipeline on its device, in its memory mode and with its attention."""
        arrange(self.pipeline, device=self.device, memory=self.memory, attention=self.attention, compiled=self.compiled)

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
