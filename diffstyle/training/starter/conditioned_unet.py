"""The starter's UNet with what conditions it: two tokens adapters for the style and a ControlNet for the photo."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.training.starter.networks import CROSS, MARK_TOKENS, new_controlnet, new_scheduler, new_unet


class ConditionedUNet(nn.Module):
    """Predicts the velocity of noisy latents, given style embeddings and features, and hints of the photo; untrained at
    first.

    Embeddings are `dim` wide, features `width`.
    """

    def __init__(self, seed: int, dim: int, width: int) -> None:
        super().__init__()
        self.unet: Any = new_unet(seed)
        pooled = TokensAdapter.random(self.unet, width=dim, space="", seed=seed)
        marks = TokensAdapter.random_plus(self.unet, width=width, space="", tokens=MARK_TOKENS, seed=seed)
        self._attach(pooled, marks)
        self.controlnet: Any = new_controlnet(seed + 1)
        self.scheduler: Any = new_scheduler()
        self.register_buffer("prompt", torch.zeros(1, 1, CROSS), persistent=False)

    def _attach(self, pooled: TokensAdapter, marks: TokensAdapter) -> None:
        self.unet._load_ip_adapter_weights([pooled.state_dict(), marks.state_dict()], low_cpu_mem_usage=False)
        self.unet.train().requires_grad_(True)

    def velocity(
        self, noisy: Tensor, t: Tensor, embeddings: Tensor, features: Tensor, hints: Tensor, scale: Tensor
    ) -> Tensor:
        """(b, c, h, w): the predicted velocity (Salimans and Ho 2022) of latents `noisy` at levels t (b,).

        Embeddings are (b, d), features (b, n, width), `hints` (b, 3, 4h, 4w); `scale` (b,) multiplies what the
        ControlNet adds.
        """
        prompt = cast("Tensor", self.prompt).expand(len(noisy), -1, -1)
        down, middle = self.controlnet(noisy, t, prompt, hints, return_dict=False)
        weight = scale.view(-1, 1, 1, 1)
        return self.unet(
            noisy,
            t,
            prompt,
            added_cond_kwargs={"image_embeds": [embeddings[:, None], features[:, None]]},
            down_block_additional_residuals=[d * weight for d in down],
            mid_block_additional_residual=middle * weight,
            return_dict=False,
        )[0]

    def pooled_adapter(self, space: str) -> TokensAdapter:
        """The tokens adapter that reads embeddings, with its present weights."""
        return TokensAdapter.of(self.unet, name="starter", space=space, norm=1.0)

    def marks_adapter(self, space: str) -> TokensAdapter:
        """The tokens adapter that reads features, with its present weights."""
        return TokensAdapter.of(self.unet, name="starter-marks", space=space, norm=0.0, index=1)

    def plain_unet(self) -> Any:
        """A UNet with the same weights, without the adapters."""
        unet = new_unet(0)
        own = unet.state_dict().keys()
        unet.load_state_dict({k: v.cpu() for k, v in self.unet.state_dict().items() if k in own})
        return unet

    def plain_controlnet(self) -> Any:
        """A ControlNet with the same weights."""
        net = new_controlnet(0)
        net.load_state_dict({k: v.cpu() for k, v in self.controlnet.state_dict().items()})
        return net

    def start_from(self, unet: Any, controlnet: Any, pooled: TokensAdapter) -> None:
        """Take over the weights of earlier networks; the marks adapter begins by adding nothing."""
        marks = self.marks_adapter("")
        self.unet.load_state_dict(unet.state_dict(), strict=False)
        self.controlnet.load_state_dict(controlnet.state_dict())
        silent = {k: v * 0 if "to_v_ip" in k else v for k, v in marks.ip_adapter.items()}
        state = {"image_proj": dict(marks.image_proj), "ip_adapter": silent}
        floats = {part: {k: v.float() for k, v in values.items()} for part, values in pooled.state_dict().items()}
        self.unet._load_ip_adapter_weights([floats, state], low_cpu_mem_usage=False)
        self.unet.train().requires_grad_(True)
