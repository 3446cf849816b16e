"""The last stage of the starter's diffusion model: in one step from the noised preview to a picture in the style.

The latents of the preview's picture (sometimes the photo's own) are noised, the UNet's clean latents are decoded, and
the picture is judged as the preview network's were: by a perceptual teacher, against the style and the photo. Where the
repainted photo is known, it takes the photo's place. A third of the steps go twice, as a sampler does, and what holds
the photo weighs more the more the ControlNet acts, so that `structure` means something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.core.device import mixed_precision
from diffstyle.encoders.clip_model import OpenClip
from diffstyle.encoders.source import STARTER, find
from diffstyle.encoders.squeezenet import ARRANGEMENT_LAYERS, CONTENT_LAYER, STYLE_LAYERS, SqueezeNet
from diffstyle.engines.adain.engine import AdaINEngine, unflattened
from diffstyle.engines.adain.network import StyleStatistics
from diffstyle.ops import losses
from diffstyle.training.data import to_unit
from diffstyle.training.schedule import cosine_rate, descend, follow
from diffstyle.training.sitting import Run, Sitting, sit
from diffstyle.training.starter.looks import Looks
from diffstyle.training.starter.material import Repaints, repaints
from diffstyle.training.starter.painter import Painter

SLICED_LAYERS = ("relu1", "fire2", "fire3", "fire4")
SEEN = 160 / 256  # of a crop's side, as the style encoder sees pictures of 512


@dataclass(frozen=True, slots=True)
class Stage:
    """From share `start` of the schedule on: `styles` styles on two photos each, crops of `size`."""

    start: float
    size: int
    styles: int


@dataclass(frozen=True, slots=True)
class DistilRecipe:
    seed: int = 0
    stages: tuple[Stage, ...] = (Stage(0, 128, 4), Stage(0.3, 192, 3), Stage(0.65, 256, 2))
    learning_rate: float = 5e-4
    last_learning_rate: float = 1e-5
    factor: int = 1  # of the styles of a stage: what a larger device takes
    decoder_rate: float = 0.3  # of the UNet's
    decoder_from: float = 0.25
    warmup_steps: int = 50
    ema: float = 0.997
    levels: tuple[int, int] = (10, 300)
    from_photo: float = 0.15
    told_share: float = 0.35
    no_edges: float = 0.15
    embedding_noise: float = 0.02
    style_weight: float = 26.0
    moment_weight: float = 3.0
    sliced_weight: float = 20.0
    content_weight: float = 1.1
    arrangement_weight: float = 0.9
    anchor_weight: float = 4.0
    likeness_weight: float = 1.0
    variation_weight: float = 0.1
    flat_weight: float = 10.0
    lattice_weight: float = 150.0
    range_weight: float = 4.0
    fidelity_weight: float = 10.0

    def stage(self, progress: float) -> Stage:
        return [s for s in self.stages if s.start <= progress][-1]

    def style_share(self, progress: float) -> float:
        """The style's losses grow in over the first minutes."""
        return min(1.0, 0.3 + 7 * progress)


class DistilTrainer(Run):
    def __init__(
        self, painter: Painter, vae: Any, teacher: SqueezeNet, recipe: DistilRecipe, device: torch.device
    ) -> None:
        self.recipe = recipe
        self.encoder: nn.Module = vae.encoder.to(device).to(memory_format=torch.channels_last).requires_grad_(False)
        nets = nn.ModuleDict({"painter": painter, "decoder": vae.decoder})
        nets.to(device).to(memory_format=torch.channels_last)
        self.painter = painter
        self.teacher = teacher.to(device).to(memory_format=torch.channels_last)
        self.preview = AdaINEngine.load(device=device).network
        self.reader = OpenClip.load(find(STARTER), device, torch.float32)
        groups = [{"params": list(m.parameters())} for m in (painter, vae.decoder)]
        optimiser = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
        super().__init__(nets, optimiser, device)
        self.decoder: nn.Module = vae.decoder

    @torch.no_grad()
    def previewed(self, photos: Tensor, statistics: Tensor) -> Tensor:
        """The preview of each photo in its style: statistics (n, s) serve an equal number of photos each."""
        repeated = statistics.repeat_interleave(len(photos) // len(statistics), 0)
        found = StyleStatistics(*unflattened(repeated))
        return self.preview.render(self.preview.encode(photos), found).float().clamp(0, 1)

    def repaint(self, batch: Repaints, start: Tensor, hold: Tensor, generator: torch.Generator) -> Tensor:
        """(b, 3, size, size): from noised `start` in one step, or in two."""
        r, painter = self.recipe, self.painter
        each = len(batch.photos) // len(batch.embeddings)
        jitter = r.embedding_noise * torch.randn(batch.embeddings.shape, generator=generator)
        told = (batch.embeddings + jitter).repeat_interleave(each, 0).to(self.device)
        with torch.no_grad():
            latents = self.encoder(start * 2 - 1).float()
        low, high = r.levels
        share = torch.rand(len(latents), generator=generator).square()  # most of them low
        t = (low + (high - low) * share).long().to(self.device)
        noise = torch.randn(latents.shape, generator=generator).to(self.device)
        noisy = painter.noised(latents, noise, t)
        edges = batch.edges.to(self.device)
        velocity = painter.velocity(noisy, t, told, edges, hold).float()
        if self.step % 3 == 2:
            keep = painter.alphas[t].view(-1, 1, 1, 1)
            rest = (keep.sqrt() * velocity + (1 - keep).sqrt() * noisy).detach()
            found = painter.clean(noisy, t, velocity).detach()
            t = (t * (0.2 + 0.5 * float(torch.rand(1, generator=generator)))).long()
            noisy = painter.noised(found, rest, t)
            velocity = painter.velocity(noisy, t, told, edges, hold).float()
        return self.decode(painter.clean(noisy, t, velocity))

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(latents).float() / 2 + 0.5

    def losses(self, batch: Repaints, progress: float) -> dict[str, Tensor]:
        r = self.recipe
        generator = torch.Generator().manual_seed(r.seed * 1_000_003 + self.step)
        photos, goals, styles = (to_unit(x.to(self.device)) for x in (batch.photos, batch.goals, batch.styles))
        count, each = len(photos), len(photos) // len(styles)
        drawn = torch.rand(3, count, generator=generator)
        hold = torch.where(drawn[0] < r.no_edges, 0.0, torch.where(drawn[0] < 0.6, 1.0, 0.25 + 1.75 * drawn[1]))
        hold = hold.to(self.device)
        with mixed_precision(self.device):
            preview = self.previewed(photos, batch.statistics.to(self.device))
            of_photo = (drawn[2] < r.from_photo).view(-1, 1, 1, 1).to(self.device)
            out = self.repaint(batch, torch.where(of_photo, photos, preview), hold, generator)
            # the teacher's stem has stride 2 and would be blind to one phase: let it see both
            dy, dx = (int(v) for v in torch.randint(0, 2, (2,), generator=generator))
            pad = (dx, 1 - dx, dy, 1 - dy)
            features = self.teacher(F.pad(out, pad, mode="replicate"))
            with torch.no_grad():
                targets = self.teacher(F.pad(styles, pad, mode="replicate"))
                wanted = self.teacher(F.pad(goals, pad, mode="replicate"), CONTENT_LAYER)
            gram, moment, sliced = self._texture(features, targets, each, generator)
            likeness = self._likeness(out, batch.embeddings.repeat_interleave(each, 0).to(self.device))
        strict = torch.where(batch.paired.to(self.device), 1.5, 0.35 + 0.65 * hold)
        arrangement = torch.stack([losses.arrangement_loss(features[k], wanted[k]) for k in ARRANGEMENT_LAYERS])
        content = losses.relative_square(features[CONTENT_LAYER].float(), wanted[CONTENT_LAYER].float())
        paired = batch.paired.view(-1, 1, 1, 1).to(self.device)
        anchor = F.avg_pool2d(torch.where(paired, goals, preview) - out, 8).abs().mean((1, 2, 3))
        lattice = losses.lattice(out, photos) + losses.lattice(out, photos, period=4)
        share = r.style_share(progress)
        terms = {
            "style": share * r.style_weight * gram,
            "moment": share * r.moment_weight * moment,
            "sliced": share * r.sliced_weight * sliced,
            "content": r.content_weight * (strict * content).mean(),
            "arrangement": r.arrangement_weight * (strict * arrangement.mean(0)).mean(),
            "anchor": r.anchor_weight * anchor.mean(),
            "likeness": r.likeness_weight * likeness,
            "variation": r.variation_weight * losses.total_variation(out).mean(),
            "flat": r.flat_weight * losses.flat_variation(out, goals).mean(),
            "lattice": r.lattice_weight * lattice.mean(),
            "range": r.range_weight * (out - out.clamp(0, 1)).abs().mean(),
        }
        if progress >= r.decoder_from:
            terms["fidelity"] = r.fidelity_weight * self._infidelity(torch.cat([goals[: r.factor], styles[: r.factor]]))
        return terms

    def _texture(
        self, features: dict[str, Tensor], targets: dict[str, Tensor], each: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gram matrices, moments and projections of the pictures against those of their styles."""
        gram: list[Tensor] = []
        moment: list[Tensor] = []
        sliced: list[Tensor] = []
        for layer in STYLE_LAYERS:
            found, target = features[layer], targets[layer]
            gram.append(losses.gram_loss(found, losses.gram(target).repeat_interleave(each, 0)).mean())
            mean, std = (m.repeat_interleave(each, 0) for m in losses.moments(target))
            moment.append(losses.moment_loss(found, mean, std).mean())
            if layer in SLICED_LAYERS:
                c, positions = found.shape[1], found.shape[2] * found.shape[3]
                directions = F.normalize(torch.randn(c, 32, generator=generator), dim=0).to(self.device)
                places = torch.randperm(positions, generator=generator)[:2048].to(self.device)
                repeated = target.repeat_interleave(each, 0)
                with torch.autocast(self.device.type, enabled=False):
                    sliced.append(losses.sliced_wasserstein(found, repeated, directions, places).mean())
        return torch.stack(gram).mean(), torch.stack(moment).mean(), torch.stack(sliced).mean()

    def _likeness(self, out: Tensor, embeddings: Tensor) -> Tensor:
        """How far the style encoder finds the pictures from what was asked for."""
        side = round(out.shape[-1] * SEEN / 32) * 32
        seen = F.interpolate(out.clamp(0, 1), size=(side, side), mode="bilinear", antialias=True)
        found = self.reader.model.encode_image(self.reader.normalised(seen), normalize=True).float()
        return (1 - (found * embeddings).sum(1)).mean()

    def _infidelity(self, pictures: Tensor) -> Tensor:
        """What the decoder loses of pictures that are not repainted."""
        with mixed_precision(self.device):
            with torch.no_grad():
                latents = self.encoder(pictures * 2 - 1).float()
            out = self.decode(latents)
        return F.l1_loss(out, pictures) + 4 * F.mse_loss(out, pictures)

    def advance(self, batch: Repaints, progress: float) -> dict[str, float]:
        r = self.recipe
        decoding = progress >= r.decoder_from
        self.decoder.requires_grad_(decoding)
        terms = self.losses(batch, progress)
        rate = cosine_rate(self.step, progress, first=r.learning_rate, last=r.last_learning_rate, warmup=r.warmup_steps)
        rates = (rate, rate * r.decoder_rate * decoding)
        norm = descend(terms, self.nets.parameters(), self.optimiser, rate=rates, largest_norm=4.0)
        follow(self.average, self.nets.state_dict(), self.step, r.ema)
        self.step += 1
        return {k: float(v.detach()) for k, v in terms.items()} | {"norm": norm}


def distil(
    looks: Looks,
    painter: Painter,
    vae: Any,
    teacher: SqueezeNet,
    recipe: DistilRecipe,
    sitting: Sitting,
) -> tuple[Painter, Any]:
    """Train, going on from `distil.pt` of the sitting; the averaged networks, and the VAE with its new decoder."""
    trainer = DistilTrainer(painter, vae, teacher, recipe, torch.device(sitting.device))

    def make(step: int, progress: float) -> Repaints:
        rng = np.random.default_rng((recipe.seed, step))
        stage = recipe.stage(progress)
        styles = stage.styles * recipe.factor
        return repaints(looks, size=stage.size, styles=styles, each=2, told_share=recipe.told_share, rng=rng)

    sit(trainer, make, sitting, name="distil")
    trainer.nets.load_state_dict(trainer.average)
    return painter, vae
