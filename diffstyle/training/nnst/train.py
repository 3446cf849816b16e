"""The training of the painter's decoder: `python -m diffstyle.training nnst DATA`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.device import fast_dtype
from diffstyle.encoders.features import EfficientNetLite0, channels_last_
from diffstyle.engines.nnst.decoder import Decoder
from diffstyle.formats.safetensors import write_safetensors
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit
from diffstyle.training.nnst.material import Batch, Material
from diffstyle.training.nnst.objective import losses, make_batch
from diffstyle.training.nnst.sheet import write_sheet
from diffstyle.training.nnst.statistics import measure

RATE, WARMUP, EMA = 1.2e-3, 100, 0.998


class DecoderTrainer(Trainer[Batch]):
    """Trains `decoder` on crops of photos and paintings; the features `net` are frozen."""

    def __init__(self, decoder: Decoder, net: EfficientNetLite0, budget: Budget) -> None:
        self.decoder, self.net = decoder, net
        optimizer = torch.optim.AdamW(decoder.parameters(), RATE, betas=(0.9, 0.98), weight_decay=1e-4)
        tensors = decoder.state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=EMA, largest_norm=1.0)

    def rate(self) -> float:
        return cosine_rate(self.step, self.progress, first=RATE, last=0.01 * RATE, warmup=WARMUP)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        return losses(self.decoder, self.net, batch, second=self.step % 2 == 1)


def train_decoder(data: Path, out: Path, *, minutes: float, seed: int = 0) -> Path:
    """Train for `minutes` on the clean train split of `data`, going on from `out/nnst.pt` if it exists.

    Writes the averaged weights to `out/decoder.safetensors` and a sample sheet beside them at each checkpoint.
    """
    torch.manual_seed(seed)
    material = Material.prepare(data, out / "material")
    net = EfficientNetLite0.load(dtype=fast_dtype(torch.device("cpu")))
    decoder = Decoder()
    channels_last_(decoder)
    measure(decoder, net, material, seed=seed)
    trainer = DecoderTrainer(decoder, net, Budget(minutes))
    path = out / "decoder.safetensors"

    def save() -> None:
        weights = {name: tensor.half() for name, tensor in trainer.averaged().items()}
        write_safetensors(path, weights, {"step": str(trainer.step), "seed": str(seed)})
        with trainer.average_in_place():
            write_sheet(out / "sheet.png", decoder, net, material)

    def make(step: int, progress: float) -> Batch:
        return make_batch(material, progress, np.random.default_rng((seed, step)))

    fit(trainer, make, Run(out), name="nnst", on_save=save)
    return path
