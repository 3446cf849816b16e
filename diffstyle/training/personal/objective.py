"""What a personal adapter is trained for.

A model that refines the preview in a step or two is trained as it paints: photos are previewed, refined, decoded, and
held against the hand's strokes, for its VAE is quick. Any other model learns to denoise the hand's pictures, as it was
trained itself. Neither needs a perceptual network that does not ship.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.adapters.strokes import SCALES
from diffstyle.encoders.clip_model import OpenClip
from diffstyle.encoders.source import STARTER, find
from diffstyle.engines.adain.engine import unflattened
from diffstyle.engines.adain.network import PreviewNetwork, StyleStatistics
from diffstyle.engines.diffusion.colours import in_colours_of
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.ops import losses
from diffstyle.training.personal.material import EACH, Material, Shown, Strokes
from diffstyle.training.personal.noise import Noise
from diffstyle.training.starter.material import edges_of

TINTS = 16
TEXTURE, COLOUR, ARRANGEMENT, STRUCTURE, RANGE = 20.0, 4.0, 4.0, 40.0, 4.0
SLACK = 0.07  # of edge correlation that may be lost against the style as it was before
CALIBRATED = 4  # batches
BEGINNINGS = 16  # batches of photos
LEVELS = (5, 60)  # of a thousand, around those that a preview is refined from

B = TypeVar("B")


class Objective(Protocol[B]):
    """Losses by name of a batch; `generator` decides all that is drawn."""

    def batch(self, rng: np.random.Generator) -> B: ...

    def __call__(self, batch: B, generator: torch.Generator) -> dict[str, Tensor]: ...


class StrokeLoss(nn.Module):
    """How far painted photos are from the hand: its strokes and its colours, with the photo's shapes in place."""

    def __init__(self, reader: OpenClip) -> None:
        super().__init__()
        self._reader = reader

    def forward(self, out: Tensor, batch: Strokes, was: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`was` (b,): the edge correlation that the photos had in the style before it was trained."""
        styles = batch.strokes.repeat_interleave(EACH, 0)
        texture = losses.stroke_distance(out, batch.photos, styles, generator, scales=SCALES)
        tints = F.normalize(torch.randn(TINTS, 3, generator=generator))[..., None, None].to(out.device)
        with torch.no_grad():
            wanted = self._stages(batch.photos)
        arrangement = [losses.arrangement_loss(a, b) for a, b in zip(self._stages(out), wanted, strict=True)]
        lost = (was - SLACK - losses.edge_correlation(out, batch.photos)).clamp_min(0)
        return {
            "texture": TEXTURE * texture.mean(),
            "colour": COLOUR * losses.patch_wasserstein(out, styles, tints, stride=3).mean(),
            "arrangement": ARRANGEMENT * torch.stack(arrangement).mean(),
            "structure": STRUCTURE * lost.mean(),
            "range": RANGE * (out - out.clamp(0, 1)).abs().mean(),
        }

    def _stages(self, pictures: Tensor) -> list[Tensor]:
        """The first two stages of the style encoder, which ships; (b, c, h/4, w/4) and (b, c, h/8, w/8)."""
        visual: Any = self._reader.model.visual
        x = visual.trunk.stem((pictures - self._reader.mean) / self._reader.std)
        first = visual.trunk.s1(x)
        return [first, visual.trunk.s2(first)]


class Preview:
    """Photos in the preview network, in statistics (s,) that are the same for all."""

    def __init__(self, network: PreviewNetwork) -> None:
        self.network = network

    def __call__(self, photos: Tensor, statistics: Tensor) -> Tensor:
        flat = unflattened(statistics[None].expand(len(photos), -1))
        return self.network.render(self.network.encode(photos), StyleStatistics(*flat)).float()


Carry = Callable[[Tensor, Tensor], Tensor]  # previews (b, 3, h, w) of photos (b, 3, h, w), to those with strokes


@dataclass(frozen=True, slots=True)
class Begun:
    """Photos (b, 3, s, s) with their edges (b, 1, s, s), what painting begins from (b, 3, s, s) and its latents, and
    the edge correlation (b,) that the previews had in the style as it was measured.
    """

    photos: Tensor
    edges: Tensor
    start: Tensor
    latents: Tensor
    was: Tensor


class Beginnings:
    """Photos as the model begins to paint them, previews with strokes carried: a few batches, each made once, when it
    is first wanted, for making one anew would take a third of every step.
    """

    def __init__(
        self,
        engine: DiffusionEngine,
        preview: Preview,
        carry: Carry,
        material: Material,
        before: Tensor,
        now: Tensor,
        *,
        size: int,
        count: int,
    ) -> None:
        """`before` and `now` are the preview's statistics of the hand, measured and tuned; `count` photos a batch."""
        self._backbone = engine.backbone
        self._preview, self._carry, self._material = preview, carry, material
        self._before, self._now = before, now
        self._size, self._count = size, count
        self._made: dict[int, Begun] = {}

    def __getitem__(self, n: int) -> Begun:
        """Batch `n`, of BEGINNINGS."""
        if n not in self._made:
            self._made[n] = self._begun(n, self._now)
        return self._made[n]

    def untuned(self, n: int) -> Begun:
        """Batch `n` in the style as it was measured."""
        return self._begun(n, self._before)

    @torch.no_grad()
    def _begun(self, n: int, statistics: Tensor) -> Begun:
        photos = self._material.plain(size=self._size, count=self._count, rng=np.random.default_rng((5, n)))
        with torch.autocast(self._backbone.device.type, enabled=False):  # the same whoever wants it first
            before, now = (self._preview(photos, s).clamp(0, 1) for s in (self._before, statistics))
            start = self._carry(now.cpu(), photos).to(self._backbone.device)  # strokes are carried on the CPU
            was = losses.edge_correlation(before, photos)
            return Begun(photos, edges_of(photos), start, self._backbone.encode(start), was)


@dataclass(frozen=True, slots=True)
class Painting:
    """Photos that are begun, and the strokes that they are to be painted in."""

    begun: Begun
    strokes: Strokes


class PaintStrokes(nn.Module):
    """From the noised preview of a photo, strokes carried to it, to the hand's own, as the model paints."""

    def __init__(
        self, engine: DiffusionEngine, beginnings: Beginnings, material: Material, *, size: int, count: int
    ) -> None:
        super().__init__()
        self.unet: nn.Module = engine.backbone.unet
        self._engine, self._beginnings, self._material = engine, beginnings, material
        self._size, self._count = size, count
        self._noise = Noise.of(engine.backbone.pipeline.scheduler)
        self._loss = StrokeLoss(OpenClip.load(find(STARTER), engine.backbone.device, torch.float32))
        self._refining = self._calibrated()

    def on(self, material: Material) -> PaintStrokes:
        """The same on other pictures of the hand."""
        other = copy(self)
        other._material = material
        return other

    def batch(self, rng: np.random.Generator) -> Painting:
        return self._painting(self._beginnings[int(rng.integers(BEGINNINGS))], rng)

    def forward(self, batch: Painting, generator: torch.Generator) -> dict[str, Tensor]:
        out = self._painted(batch, generator)
        with torch.autocast(self._engine.backbone.device.type, enabled=False):
            return self._loss(out, batch.strokes, batch.begun.was - self._refining, generator)

    def _painting(self, begun: Begun, rng: np.random.Generator) -> Painting:
        strokes = self._material.strokes(size=self._size, count=self._count, rng=rng, photos=begun.photos)
        return Painting(begun, strokes)

    @torch.no_grad()
    def _calibrated(self) -> float:
        """How much edge correlation refining a preview costs, before anything is trained."""
        lost: list[Tensor] = []
        for n in range(CALIBRATED):
            batch = self._painting(self._beginnings.untuned(n), np.random.default_rng((4, n)))
            refined = self._painted(batch, torch.Generator().manual_seed(n))
            lost.append((batch.begun.was - losses.edge_correlation(refined, batch.begun.photos)).mean())
        return float(torch.stack(lost).mean())

    def _painted(self, batch: Painting, generator: torch.Generator) -> Tensor:
        """(b, 3, s, s): what was begun, refined in a step."""
        backbone, begun = self._engine.backbone, batch.begun
        device, count = backbone.device, len(begun.photos)
        with torch.no_grad():
            t = torch.randint(*LEVELS, (count,), generator=generator).to(device)
            noise = torch.randn(begun.latents.shape, generator=generator).to(device)
            noisy = self._noise.noised(begun.latents, noise, t)
            prompt: Tensor = self._engine.prompt("", "", guided=False)["prompt_embeds"].expand(count, -1, -1)
            held = self._held(noisy, t, prompt, begun.edges)
        told = {"image_embeds": [batch.strokes.told[:, None].to(device, backbone.dtype)]}
        predicted = self.unet(noisy.to(backbone.dtype), t, prompt, added_cond_kwargs=told, return_dict=False, **held)[
            0
        ].float()
        out = backbone.decode(self._noise.clean(noisy, predicted, t))
        return in_colours_of(begun.start, out) if self._engine.policy.keeps_colours else out

    def _held(self, noisy: Tensor, t: Tensor, prompt: Tensor, edges: Tensor) -> dict[str, Any]:
        """What the ControlNet adds, where there is one that was shown edges."""
        net = getattr(self._engine.backbone.pipeline, "controlnet", None)
        if net is None or [c.conditioning for c in self._engine.backbone.controls] != ["soft-edge"]:
            return {}
        shown = edges.expand(-1, 3, -1, -1).to(noisy.device, self._engine.backbone.dtype)
        down, middle = net(noisy.to(shown.dtype), t, prompt, shown, return_dict=False)
        return {"down_block_additional_residuals": list(down), "mid_block_additional_residual": middle}


class Denoise(nn.Module):
    """The hand's pictures and plain photos from their noise, told a style and sometimes what they show."""

    def __init__(self, engine: DiffusionEngine, material: Material, *, size: int, count: int) -> None:
        super().__init__()
        self.unet: nn.Module = engine.backbone.unet
        self._engine, self._material = engine, material
        self._size, self._count = size, count
        self._noise = Noise.of(engine.backbone.pipeline.scheduler)

    def on(self, material: Material) -> Denoise:
        """The same on other pictures of the hand."""
        return Denoise(self._engine, material, size=self._size, count=self._count)

    def batch(self, rng: np.random.Generator) -> Shown:
        multiple = 8 * self._engine.backbone.multiple
        return self._material.shown(size=self._size, count=self._count, multiple=multiple, rng=rng)

    def forward(self, batch: Shown, generator: torch.Generator) -> dict[str, Tensor]:
        backbone = self._engine.backbone
        device, dtype = backbone.device, backbone.dtype
        count = len(batch.pictures)
        with torch.no_grad():
            latents = backbone.encode(batch.pictures.to(device), generator=generator)
            t = torch.randint(len(self._noise.alphas), (count,), generator=generator).to(device)
            noise = torch.randn(latents.shape, generator=generator).to(device)
            conditions = self._conditions(batch)
        predicted = self.unet(self._noise.noised(latents, noise, t).to(dtype), t, return_dict=False, **conditions)[
            0
        ].float()
        error = (predicted - self._noise.wanted(latents, noise, t)).square().mean((1, 2, 3))
        return {"denoising": (error * self._noise.weight(t)).mean()}

    def _conditions(self, batch: Shown) -> dict[str, Any]:
        """Words, styles and sizes as the UNet takes them."""
        backbone = self._engine.backbone
        said = [self._engine.prompt(caption, "", guided=False) for caption in batch.captions]
        found: dict[str, Any] = {"encoder_hidden_states": torch.cat([s["prompt_embeds"] for s in said])}
        added: dict[str, Any] = {}
        if self._engine.adapters:
            norm = self._engine.adapters[0][0].norm or 1.0
            added["image_embeds"] = [(batch.told[:, None] * norm).to(backbone.device, backbone.dtype)]
        if "pooled_prompt_embeds" in said[0]:
            height, width = batch.pictures.shape[-2:]
            sizes = torch.tensor([[height, width, 0, 0, height, width]], device=backbone.device, dtype=backbone.dtype)
            added["text_embeds"] = torch.cat([s["pooled_prompt_embeds"] for s in said])
            added["time_ids"] = sizes.expand(len(said), -1)
        return found | ({"added_cond_kwargs": added} if added else {})
