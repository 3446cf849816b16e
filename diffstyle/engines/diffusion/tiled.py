"""A pipeline that denoises large latents in tiles: one noise field, every step blended (MultiDiffusion, Bar-Tal 2023).

Each step of the UNet, and of the ControlNets with it, is taken tile by tile and the predictions are averaged over the
overlaps, so that tiles never drift apart. A departure from the paper: edges fade linearly, which needs less overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from diffstyle.engines.diffusion.patched import replaced
from diffstyle.engines.diffusion.tiles import Tiles, Window

VAE_PIXELS = 2**22  # above, the VAE works in tiles too
VAE_SIDE, VAE_OVERLAP = 1024, 128  # pixels; diffusers' own tiles fail at edges with a tiny VAE


@dataclass(frozen=True, slots=True)
class _Postponed:
    """A call of ControlNets on the whole, to be made for the window in which its result is used."""

    call: Callable[..., tuple[Any, Any]]
    sample: Tensor
    rest: tuple[Any, ...]
    named: dict[str, Any]

    def at(self, window: Window) -> tuple[Any, Any]:
        shown = cast("Tensor | list[Tensor]", self.named["controlnet_cond"])
        part = [self._part(s, window) for s in shown] if isinstance(shown, list) else self._part(shown, window)
        return self.call(window.of(self.sample), *self.rest, **{**self.named, "controlnet_cond": part})

    def _part(self, shown: Tensor, window: Window) -> Tensor:
        return window.of(shown, shown.shape[-1] // self.sample.shape[-1])


@contextmanager
def tiled(pipeline: Any, tiles: Tiles, *, scale: int, on_tile: Callable[[int], None]) -> Generator[None, None, None]:
    """Within, `pipeline` denoises latents in `tiles`, which count in latents, each of `scale` pixels; `on_tile` is told
    how many of a step's tiles are done, and may raise. One tile is the pipeline as it is. Very large pictures are
    encoded and decoded in tiles too.
    """
    if tiles.count == 1:
        yield
        return
    unet, controlnet, vae = pipeline.unet, getattr(pipeline, "controlnet", None), pipeline.vae
    with ExitStack() as stack:
        stack.enter_context(replaced(unet, "forward", _in_tiles(unet.forward, tiles, scale, on_tile)))
        if controlnet is not None:
            stack.enter_context(replaced(controlnet, "forward", _postponed(controlnet.forward)))
        if tiles.height * tiles.width * scale**2 > VAE_PIXELS:
            parts = Tiles(tiles.height, tiles.width, VAE_SIDE // scale, VAE_OVERLAP // scale)
            for network, sides in ((vae.encoder, (scale, 1)), (vae.decoder, (1, scale))):
                stack.enter_context(replaced(network, "forward", _coded_in_tiles(network.forward, parts, *sides)))
        yield


def _in_tiles(
    forward: Callable[..., Any], tiles: Tiles, scale: int, on_tile: Callable[[int], None]
) -> Callable[..., tuple[Tensor]]:
    def whole(sample: Tensor, *rest: Any, **named: Any) -> tuple[Tensor]:
        total = torch.zeros(sample.shape, device=sample.device)
        weights = torch.zeros(sample.shape[2:], device=sample.device)
        control = named.pop("down_block_additional_residuals", None)
        for done, window in enumerate(tiles, 1):
            own = {**named, "cross_attention_kwargs": _cropped(named.get("cross_attention_kwargs"), window, scale)}
            if isinstance(control, _Postponed):
                down, middle = control.at(window)
                own |= {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
            found = cast("Tensor", forward(window.of(sample), *rest, **{**own, "return_dict": False})[0])
            weight = tiles.weight(window).to(sample.device)
            window.of(total).addcmul_(found.float(), weight)
            window.of(weights).add_(weight)
            on_tile(done)
        return ((total / weights).to(sample.dtype),)

    return whole


def _coded_in_tiles(forward: Callable[..., Tensor], tiles: Tiles, seen: int, made: int) -> Callable[..., Tensor]:
    """A VAE's half: from (b, c, h, w) times `seen` to (b, c', h, w) times `made`."""

    def whole(x: Tensor, *rest: Any, **named: Any) -> Tensor:
        total, weights = torch.zeros(1), torch.zeros(tiles.height * made, tiles.width * made, device=x.device)
        for n, window in enumerate(tiles):
            found = forward(window.of(x, seen), *rest, **named)
            if n == 0:
                total = torch.zeros((*found.shape[:2], *weights.shape), device=x.device)
            weight = tiles.weight(window, made).to(x.device)
            window.of(total, made).addcmul_(found.float(), weight)
            window.of(weights, made).add_(weight)
        return total.div_(weights).to(x.dtype)

    return whole


def _postponed(forward: Callable[..., Any]) -> Callable[..., tuple[_Postponed, None]]:
    def later(sample: Tensor, *rest: Any, **named: Any) -> tuple[_Postponed, None]:
        return _Postponed(forward, sample, rest, named), None

    return later


def _cropped(kwargs: dict[str, Any] | None, window: Window, scale: int) -> dict[str, Any] | None:
    """The part of the adapters' masks that a window sees."""
    if not kwargs or "ip_adapter_masks" not in kwargs:
        return kwargs
    return {**kwargs, "ip_adapter_masks": [window.of(m, scale) for m in kwargs["ip_adapter_masks"]]}
