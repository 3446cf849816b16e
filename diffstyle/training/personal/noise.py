"""A model's noise schedule, and what its UNet predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

SNR_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class Noise:
    """`alphas` (levels,) is the share of the picture that is left at each level; `prediction` as diffusers calls it."""

    alphas: Tensor
    prediction: str

    @classmethod
    def of(cls, scheduler: Any) -> Noise:
        return cls(scheduler.alphas_cumprod.float(), str(scheduler.config.prediction_type))

    def _parts(self, t: Tensor) -> tuple[Tensor, Tensor]:
        keep = self.alphas.to(t.device)[t].view(-1, 1, 1, 1)
        return keep.sqrt(), (1 - keep).sqrt()

    def noised(self, latents: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """(b, c, h, w) at levels t (b,)."""
        kept, added = self._parts(t)
        return kept * latents + added * noise

    def wanted(self, latents: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """What the UNet is to predict."""
        kept, added = self._parts(t)
        if self.prediction == "v_prediction":
            return kept * noise - added * latents
        return latents if self.prediction == "sample" else noise

    def clean(self, noisy: Tensor, predicted: Tensor, t: Tensor) -> Tensor:
        """The latents that a prediction comes to."""
        kept, added = self._parts(t)
        if self.prediction == "v_prediction":
            return kept * noisy - added * predicted
        return predicted if self.prediction == "sample" else (noisy - added * predicted) / kept

    def weight(self, t: Tensor) -> Tensor:
        """(b,) of the squared error, so that no level of noise owns the gradient (Hang et al. 2023)."""
        keep = self.alphas.to(t.device)[t]
        ratio = keep / (1 - keep)
        capped = ratio.clamp_max(SNR_LIMIT)
        if self.prediction == "v_prediction":
            return capped / (ratio + 1)
        return capped if self.prediction == "sample" else capped / ratio.clamp_min(1e-6)
