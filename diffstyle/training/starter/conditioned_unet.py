"""The starter's UNet with what conditions it: a tokens adapter for the style and a ControlNet for edges."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.training.starter.networks import CROSS, new_controlnet, new_scheduler, new_unet


class ConditionedUNet(nn.Module):
    """Predicts the velocity of noisy latents, given style embeddings and edge maps; untrained at first."""

    def __init__(self, seed: int, dim: int) -> None:
        super().__init__()
        self.unet: Any = new_unet(seed)
        adapter = TokensAdapter.random(self.unet, width=dim, space="", seed=seed)
        state = {"image_proj": dict(adapter.image_proj), "ip_adapter": dict(adapter.ip_adapter)}
        self.unet._load_ip_adapter_weights([state], low_cpu_mem_usage=False)
        self.unet.train().requires_grad_(True)
        self.controlnet: Any = new_controlnet(seed + 1)
        self.scheduler: Any = new_scheduler()
        self.register_buffer("prompt", torch.zeros(1, 1, CROSS), persistent=False)

    def velocity(self, noisy: Tensor, t: Tensor, embeddings: Tensor, edges: Tensor, scale: Tensor) -> Tensor:
        """(b, c, h, w): the predicted velocity (Salimans and Ho 2022) of latents `noisy` at levels t (b,).

        Embeddings are (b, d), `edges` (b, 1, 4h, 4w); `scale` (b,) multiplies what the ControlNet adds.
        """
        prompt = cast("Tensor", self.prompt).expand(len(noisy), -1, -1)
        down, middle = self.controlnet(noisy, t, prompt, edges.expand(-1, 3, -1, -1), return_dict=False)
        weight = scale.view(-1, 1, 1, 1)
        return self.unet(
            noisy,
            t,
            prompt,
            added_cond_kwargs={"image_embeds": [embeddings[:, None]]},
            down_block_additional_residuals=[d * weight for d in down],
            mid_block_additional_residual=middle * weight,
            return_dict=False,
        )[0]

    def adapter(self, space: str) -> TokensAdapter:
        """The tokens adapter with its present weights."""
        return TokensAdapter.of(self.unet, name="starter", space=space, norm=1.0)

    def plain_unet(self) -> Any:
        """A UNet with the same weights, without the adapter."""
        unet = new_unet(0)
        own = unet.state_dict().keys()
        unet.load_state_dict({k: v.cpu() for k, v in self.unet.state_dict().items() if k in own})
        return unet

    def plain_controlnet(self) -> Any:
        """A ControlNet with the same weights."""
        net = new_controlnet(0)
        net.load_state_dict({k: v.cpu() for k, v in self.controlnet.state_dict().items()})
        return net
