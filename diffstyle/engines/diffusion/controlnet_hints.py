"""What ControlNets are shown of the content: edges, lines, tiles, depth. (3, H, W) float32 in [0, 1] each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.assets.hub import known_models, where
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Conditioning
from diffstyle.core.quiet import quiet
from diffstyle.formats.atomic import fingerprint
from diffstyle.ops.luma import luma

Floats = npt.NDArray[np.float32]
TONE_SIGMAS = (3.0, 10.0)  # pixels


def condition(pixels: Tensor, conditioning: Conditioning) -> Tensor:
    """`pixels` (3, H, W) as a ControlNet for `conditioning` wants to see them.

    Raises InputError for depth without the weights of a depth model.
    """
    return DRAWN[conditioning](pixels)


def canny(pixels: Tensor) -> Tensor:
    """White one-pixel edges on black (Canny 1986): thresholds 100 and 200 of 255, as the ControlNets were trained."""
    from skimage import feature

    grey = _luma(pixels)
    found = feature.canny(grey, sigma=0.6, low_threshold=100 / 255, high_threshold=200 / 255)  # pyright: ignore
    return _three(np.asarray(found, np.float32))


def soft_edge(pixels: Tensor) -> Tensor:
    """Bright where brightness or colour changes, over two scales: in the place of HED's contours (Xie and Tu 2015),
    without its network.
    """
    batch = pixels[None]
    found = torch.zeros_like(batch[:, :1])
    for sigma in (1.0, 2.5):
        smooth = _blurred(batch, sigma)
        across = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
        x = across[..., 1:-1, 2:] - across[..., 1:-1, :-2]
        y = across[..., 2:, 1:-1] - across[..., :-2, 1:-1]
        strength = (x.square() + y.square()).sum(1, keepdim=True).sqrt() * sigma
        found = torch.maximum(found, strength)
    bright = found / torch.quantile(found.flatten()[:: max(1, found.numel() // 100_000)], 0.98).clamp_min(0.08)
    return bright.clamp(0, 1)[0].pow(0.8).expand(3, -1, -1).contiguous()


def edges_and_tones(pixels: Tensor) -> Tensor:
    """Soft edges, brightness without detail, and brightness without shapes: what the starter's ControlNet sees."""
    bright = luma(pixels)[None]
    tones = [_blurred(bright, sigma)[0] for sigma in TONE_SIGMAS]
    return torch.cat([soft_edge(pixels)[:1], *tones]).clamp(0, 1)


def lineart(pixels: Tensor) -> Tensor:
    """White lines where it is darker than around: a difference of Gaussians (XDoG, Winnemöller et al. 2012)."""
    grey = torch.from_numpy(_luma(pixels))[None, None]
    darker = _blurred(grey, 1.6) - _blurred(grey, 1.0)
    ink = torch.tanh(60 * (darker - 0.006).clamp_min(0))
    return ink[0].expand(3, -1, -1).contiguous()


def tile(pixels: Tensor) -> Tensor:
    """The picture itself, blurred to an eighth of its detail: the ControlNet gives the detail back."""
    h, w = pixels.shape[1:]
    small = F.interpolate(pixels[None], size=(max(1, h // 8), max(1, w // 8)), mode="area")
    return F.interpolate(small, size=(h, w), mode="bicubic", align_corners=False)[0].clamp(0, 1)


def depth(pixels: Tensor) -> Tensor:
    """Near is bright: through transformers' depth estimation, with the weights of `diffstyle models pull depth`."""
    folder = where(known_models()["depth"])
    if folder is None:
        raise InputError(
            "Depth conditioning needs a depth model: `diffstyle models pull depth` fetches it, or use soft-edge."
        )
    return depth_of(pixels, folder)


def depth_weights() -> dict[str, str]:
    """Fingerprints of the depth model's files, by name; nothing where it is not here."""
    folder = where(known_models()["depth"])
    return {} if folder is None else {f"depth {p.name}": fingerprint(p) for p in sorted(folder.glob("*.safetensors"))}


def depth_of(pixels: Tensor, folder: Path) -> Tensor:
    """Depth by the transformers model in `folder`."""
    from PIL import Image

    image = Image.fromarray((pixels.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())
    found = cast("Tensor", _estimator(folder)(image)["predicted_depth"]).float()
    found = found.reshape(1, 1, *found.shape[-2:])
    found = F.interpolate(found, size=tuple(pixels.shape[1:]), mode="bicubic", align_corners=False)[0]
    low, high = found.amin(), found.amax()
    return ((found - low) / (high - low).clamp_min(1e-6)).clamp(0, 1).expand(3, -1, -1).contiguous()


@lru_cache(maxsize=1)
def _estimator(folder: Path) -> Any:
    import transformers

    untyped: Any = transformers
    with quiet():
        return untyped.pipeline("depth-estimation", model=str(folder), device="cpu")


DRAWN: Mapping[Conditioning, Callable[[Tensor], Tensor]] = {
    "canny": canny,
    "soft-edge": soft_edge,
    "edges-and-tones": edges_and_tones,
    "lineart": lineart,
    "tile": tile,
    "depth": depth,
}


def _luma(pixels: Tensor) -> Floats:
    """(H, W) of (3, H, W)."""
    return luma(pixels)[0].numpy().astype(np.float32)


def _blurred(batch: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (b, c, h, w), the edge repeated."""
    radius = int(np.ceil(3 * sigma))
    x = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-x.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1).expand(batch.shape[1], 1, 1, -1)
    wide = F.conv2d(F.pad(batch, (radius, radius, 0, 0), mode="replicate"), kernel, groups=batch.shape[1])
    tall = F.pad(wide, (0, 0, radius, radius), mode="replicate")
    return F.conv2d(tall, kernel.mT, groups=batch.shape[1])


def _three(field: Floats) -> Tensor:
    return torch.from_numpy(field)[None].expand(3, -1, -1).contiguous()
