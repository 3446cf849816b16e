"""The third stage of the starter's diffusion model: from the noised preview to the finished picture in one step.

The latents of the preview (sometimes of the photo) are noised, and the clean latents that the UNet predicts are
decoded. The losses compare the picture with the style and the photo through a perceptual teacher, as for the preview
network. Where the repainted photo is known, it takes the photo's place. A third of the steps denoise twice, as a
sampler does. The losses that hold the photo weigh more the stronger the ControlNet acts, so that `structure` has an
effect.
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
from diffstyle.engines.adain.engine import AdaINEngine, unflatten_batch
from diffstyle.engines.adain.network import StyleStatistics
from diffstyle.ops import losses
from diffstyle.training.data import to_unit
from diffstyle.training.diffusion import clean_latents, noise_of_velocity
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit
from diffstyle.training.starter.batches import RepaintingBatch, repainting_batch
from diffstyle.training.starter.conditioned_unet import ConditionedUNet
from diffstyle.training.starter.style_set import StyleSet

SLICED_LAYERS = ("relu1", "fire2", "fire3", "fire4")
ENCODER_SCALE = 160 / 256  # of a crop's side: the scale at which the style encoder sees pictures of 512 pixels


@dataclass(frozen=True, slots=True)
class Stage:
    """From the share `start` of the schedule on: `styles` styles on two photos each, crops of `size` pixels."""

    start: float
    size: int
    styles: int


@dataclass(frozen=True, slots=True)
class DistilRecipe:
    seed: int = 0
    stages: tuple[Stage, ...] = (Stage(0, 128, 4), Stage(0.3, 192, 3), Stage(0.65, 256, 2))
    learning_rate: float = 5e-4
    last_learning_rate: float = 1e-5
    factor: int = 1  # multiplies the styles of a stage, for larger devices
    decoder_rate: float = 0.3  # of the UNet's
    decoder_from: float = 0.25
    warmup_steps: int = 50
    ema: float = 0.997
    levels: tuple[int, int] = (10, 300)
    from_photo: float = 0.15
    caption_share: float = 0.35
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
        """Weight of the style losses, which grows at first."""
        return min(1.0, 0.3 + 7 * progress)


class DistilTrainer(Trainer[RepaintingBatch]):
    """Trains `net` and the decoder of `vae` together; the encoder stays as it is."""

    def __init__(
        self, net: ConditionedUNet, vae: Any, teacher: SqueezeNet, recipe: DistilRecipe, budget: Budget, run: Run
    ) -> None:
        self.recipe, self.device = recipe, torch.device(run.device)
        device = self.device
        self.encoder: nn.Module = vae.encoder.to(device).to(memory_format=torch.channels_last).requires_grad_(False)
        self.net, self.decoder = net, vae.decoder
        nets = nn.ModuleDict({"net": net, "decoder": vae.decoder})
        nets.to(device).to(memory_format=torch.channels_last)
        self.teacher = teacher.to(device).to(memory_format=torch.channels_last)
        self.preview = AdaINEngine.load(device=device).network
        self.reader = OpenClip.load(find(STARTER), device, torch.float32)
        groups = [{"params": list(m.parameters())} for m in (net, vae.decoder)]
        optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
        tensors = nets.state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=recipe.ema, largest_norm=4.0)

    @property
    def decoding(self) -> bool:
        """Whether the decoder moves too."""
        return self.progress >= self.recipe.decoder_from

    def rate(self) -> tuple[float, float]:
        r = self.recipe
        first, last = r.learning_rate, r.last_learning_rate
        rate = cosine_rate(self.step, self.progress, first=first, last=last, warmup=r.warmup_steps)
        return rate, rate * r.decoder_rate * self.decoding

    @torch.no_grad()
    def previewed(self, photos: Tensor, statistics: Tensor) -> Tensor:
        """The previews of photos (b, 3, h, w) in styles with statistics (n, s), b / n photos in each."""
        repeated = statistics.repeat_interleave(len(photos) // len(statistics), 0)
        found = StyleStatistics(*unflatten_batch(repeated))
        return self.preview.render(self.preview.encode(photos), found).float().clamp(0, 1)

    def repaint(self, batch: RepaintingBatch, start: Tensor, scale: Tensor, generator: torch.Generator) -> Tensor:
        """(b, 3, size, size): `start`, noised, denoised in one step or in two; `scale` (b,) is the ControlNet's."""
        r, net, scheduler = self.recipe, self.net, self.net.scheduler
        each = len(batch.photos) // len(batch.embeddings)
        jitter = r.embedding_noise * torch.randn(batch.embeddings.shape, generator=generator)
        embeddings = (batch.embeddings + jitter).repeat_interleave(each, 0).to(self.device)
        with torch.no_grad():
            latents = self.encoder(start * 2 - 1).float()
        low, high = r.levels
        share = torch.rand(len(latents), generator=generator).square()  # most of them low
        t = (low + (high - low) * share).long().to(self.device)
        noise = torch.randn(latents.shape, generator=generator).to(self.device)
        noisy = scheduler.add_noise(latents, noise, t)
        edges = batch.edges.to(self.device)
        velocity = net.velocity(noisy, t, embeddings, edges, scale).float()
        if self.step % 3 == 2:
            left = noise_of_velocity(scheduler, noisy, velocity, t).detach()
            clean = clean_latents(scheduler, noisy, velocity, t).detach()
            t = (t * (0.2 + 0.5 * float(torch.rand(1, generator=generator)))).long()
            noisy = scheduler.add_noise(clean, left, t)
            velocity = net.velocity(noisy, t, embeddings, edges, scale).float()
        return self.decode(clean_latents(scheduler, noisy, velocity, t))

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(latents).float() / 2 + 0.5

    def losses(self, batch: RepaintingBatch) -> dict[str, Tensor]:
        r = self.recipe
        self.decoder.requires_grad_(self.decoding)
        generator = torch.Generator().manual_seed(r.seed * 1_000_003 + self.step)
        photos, goals, styles = (to_unit(x.to(self.device)) for x in (batch.photos, batch.goals, batch.styles))
        count, each = len(photos), len(photos) // len(styles)
        drawn = torch.rand(3, count, generator=generator)
        scale = torch.where(drawn[0] < r.no_edges, 0.0, torch.where(drawn[0] < 0.6, 1.0, 0.25 + 1.75 * drawn[1]))
        scale = scale.to(self.device)
        with mixed_precision(self.device):
            preview = self.previewed(photos, batch.statistics.to(self.device))
            of_photo = (drawn[2] < r.from_photo).view(-1, 1, 1, 1).to(self.device)
            out = self.repaint(batch, torch.where(of_photo, photos, preview), scale, generator)
            # the teacher's stem has stride 2 and sees one phase only: shift the pictures, so that it sees both
            dy, dx = (int(v) for v in torch.randint(0, 2, (2,), generator=generator))
            pad = (dx, 1 - dx, dy, 1 - dy)
            features = self.teacher(F.pad(out, pad, mode="replicate"))
            with torch.no_grad():
                targets = self.teacher(F.pad(styles, pad, mode="replicate"))
                wanted = self.teacher(F.pad(goals, pad, mode="replicate"), CONTENT_LAYER)
            gram, moment, sliced = self._texture(features, targets, each, generator)
            likeness = self._likeness(out, batch.embeddings.repeat_interleave(each, 0).to(self.device))
        strict = torch.where(batch.paired.to(self.device), 1.5, 0.35 + 0.65 * scale)
        arrangement = torch.stack([losses.arrangement_loss(features[k], wanted[k]) for k in ARRANGEMENT_LAYERS])
        content = losses.relative_square(features[CONTENT_LAYER].float(), wanted[CONTENT_LAYER].float())
        paired = batch.paired.view(-1, 1, 1, 1).to(self.device)
        anchor = F.avg_pool2d(torch.where(paired, goals, preview) - out, 8).abs().mean((1, 2, 3))
        lattice = losses.lattice(out, photos) + losses.lattice(out, photos, period=4)
        share = r.style_share(self.progress)
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
        if self.decoding:
            terms["fidelity"] = r.fidelity_weight * self._reconstruction(
                torch.cat([goals[: r.factor], styles[: r.factor]])
            )
        return terms

    def _texture(
        self, features: dict[str, Tensor], targets: dict[str, Tensor], each: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gram, moment and sliced losses of features against those of the styles, each of which has `each` pictures."""
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
                    sliced.append(losses.sliced_loss(found, repeated, directions, places).mean())
        return torch.stack(gram).mean(), torch.stack(moment).mean(), torch.stack(sliced).mean()

    def _likeness(self, out: Tensor, embeddings: Tensor) -> Tensor:
        """1 less the cosine of the pictures' embeddings with those asked for, (b, d)."""
        side = round(out.shape[-1] * ENCODER_SCALE / 32) * 32
        small = F.interpolate(out.clamp(0, 1), size=(side, side), mode="bilinear", antialias=True)
        found = self.reader.model.encode_image(self.reader.normalised(small), normalize=True).float()
        return (1 - (found * embeddings).sum(1)).mean()

    def _reconstruction(self, pictures: Tensor) -> Tensor:
        """Reconstruction error of pictures that are not repainted."""
        with mixed_precision(self.device):
            with torch.no_grad():
                latents = self.encoder(pictures * 2 - 1).float()
            out = self.decode(latents)
        return F.l1_loss(out, pictures) + 4 * F.mse_loss(out, pictures)


def distil(
    styles: StyleSet,
    net: ConditionedUNet,
    vae: Any,
    teacher: SqueezeNet,
    recipe: DistilRecipe,
    run: Run,
    *,
    minutes: float,
) -> None:
    """Train `net` and the decoder of `vae`, going on from the run's distil.pt if it exists; both are left averaged."""
    trainer = DistilTrainer(net, vae, teacher, recipe, Budget(minutes), run)

    def make(step: int, progress: float) -> RepaintingBatch:
        rng = np.random.default_rng((recipe.seed, step))
        stage = recipe.stage(progress)
        count = stage.styles * recipe.factor
        return repainting_batch(
            styles, size=stage.size, count=count, each=2, caption_share=recipe.caption_share, rng=rng
        )

    fit(trainer, make, run, name="distil")
    trainer.load(trainer.averaged())
