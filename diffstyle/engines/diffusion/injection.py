"""What a render with `style_attention` needs: photo and style pictures inverted, and where the picture begins."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from cachetools import LRUCache
from torch import Tensor

from diffstyle.backbones.backbone import Backbone
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.diffusion.inversion import inverted
from diffstyle.engines.diffusion.padding import Padding
from diffstyle.engines.diffusion.self_attention import (
    Branches,
    Method,
    branched,
    self_attention_layers,
    with_statistics_of,
)
from diffstyle.engines.diffusion.settings import diffusion_settings
from diffstyle.engines.diffusion.style_pictures import style_pictures

KEPT = 8  # inverted pictures


@dataclass(slots=True)
class StyleAttention:
    """Renders of one backbone whose self-attention looks at the style's pictures; keeps what it has inverted."""

    backbone: Backbone
    _kept: LRUCache[tuple[Any, ...], Tensor] = field(default_factory=lambda: LRUCache(KEPT), init=False)

    @contextmanager
    def acting(
        self, task: ResolvedTask, levels: Sequence[int], padding: Padding, unstyled: dict[str, Any]
    ) -> Generator[None, None, None]:
        """Within, the pipeline's UNet denoises `task` at `levels`, highest first; `unstyled` are the UNet's arguments
        for one row without a style. The pipeline's own first noising is replaced by the photo's inversion (`inject`).
        """
        settings = diffusion_settings(task)
        if settings.style_attention == "own":
            yield
            return
        branches = self._branches(task, levels, padding, unstyled)
        layers = self_attention_layers(self.backbone.unet, settings.attention_blocks)
        if not layers:
            raise InputError(
                f"attention_blocks is {settings.attention_blocks!r}: the model has no self-attention there."
            )
        method = Method(
            kind=settings.style_attention,
            preserved=settings.query_preservation,
            temperature=settings.attention_temperature,
        )
        if settings.style_attention == "inject":
            _begin_from(self.backbone.pipeline.scheduler, beginning(branches))
        with branched(self.backbone.unet, branches, method, layers):
            yield

    def _branches(
        self, task: ResolvedTask, levels: Sequence[int], padding: Padding, unstyled: dict[str, Any]
    ) -> Branches:
        def invert(picture: Picture) -> Tensor:
            """(levels, c, h, w)."""
            key = (picture.digest(), padding, tuple(levels), self.backbone.dtype)
            if key not in self._kept:
                self._kept[key] = self._inverted(padding.add(picture.pixels), levels, unstyled)
            return self._kept[key]

        photo = invert(Picture(task.content.pixels))
        pictures, shares = style_pictures(task, by="style_attention")
        styles = torch.stack([invert(_covering(p, task.content.size)) for p in pictures], 1)
        side = int(photo.shape[-2]), int(photo.shape[-1])
        small = torch.nn.functional.adaptive_avg_pool2d(padding.add(shares)[None], side)[0].to(photo)
        return Branches(tuple(levels), photo, styles, small)

    def _inverted(self, pixels: Tensor, levels: Sequence[int], unstyled: dict[str, Any]) -> Tensor:
        """(levels, c, h, w) of a padded picture (3, H, W)."""
        scheduler = self.backbone.pipeline.scheduler

        def predict(latents: Tensor, t: Tensor) -> Tensor:
            return self.backbone.unet(latents.to(self.backbone.dtype), t, return_dict=False, **unstyled)[0]

        latents = self.backbone.encode(pixels[None])
        kind = str(scheduler.config.prediction_type)
        return inverted(predict, latents, levels, alphas=scheduler.alphas_cumprod, kind=kind)[:, 0]


def beginning(branches: Branches) -> Tensor:
    """(1, c, h, w): the photo's inverted latents with the statistics of the styles' (StyleID's AdaIN)."""
    photo = branches.photo[:1]
    start = torch.zeros_like(photo)
    for style, share in zip(branches.styles[0], branches.shares, strict=True):
        flat = with_statistics_of(style.flatten(1)[None], photo.flatten(2))
        start += share * flat.view_as(photo)
    return start


def _begin_from(scheduler: Any, start: Tensor) -> None:
    """Replace what `scheduler` adds noise to for the first time, which is where img2img begins; once."""

    def first(original: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        del noise, timesteps, scheduler.add_noise
        return start.to(original).expand_as(original)

    scheduler.add_noise = first


def _covering(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of a picture, as large as possible, at `size` (width, height)."""
    width, height = picture.size
    scale = max(size[0] / width, size[1] / height)
    wide = picture.resized((max(size[0], round(width * scale)), max(size[1], round(height * scale))))
    left, top = (wide.width - size[0]) // 2, (wide.height - size[1]) // 2
    return Picture(wide.pixels[:, top : top + size[1], left : left + size[0]].contiguous())


def unstyled_arguments(arguments: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The UNet's arguments for one row without words and without a style, from those of the pipeline; `size` is the
    padded picture's (height, width).
    """
    prompt: Tensor = arguments.get("negative_prompt_embeds", arguments["prompt_embeds"])
    added: dict[str, Any] = {}
    if "ip_adapter_image_embeds" in arguments:
        added["image_embeds"] = [torch.zeros_like(e[:1]) for e in arguments["ip_adapter_image_embeds"]]
    pooled = arguments.get("negative_pooled_prompt_embeds", arguments.get("pooled_prompt_embeds"))
    if pooled is not None:  # SDXL
        added["text_embeds"] = pooled[:1]
        added["time_ids"] = torch.tensor([[*size, 0, 0, *size]], device=pooled.device, dtype=pooled.dtype)
    masks = {k: v for k, v in arguments.items() if k == "cross_attention_kwargs"}
    return {"encoder_hidden_states": prompt[:1], **masks} | ({"added_cond_kwargs": added} if added else {})
