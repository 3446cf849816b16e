"""UNet, ControlNet and tokens adapter of the starter as one trainable module."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.training.starter.networks import CROSS, new_controlnet, new_scheduler, new_unet


class Painter(nn.Module):
    """Predicts the clean latents of noisy ones, told a style embedding and shown the photo's edges."""

    alphas: Tensor

    def __init__(self, seed: int, dim: int) -> None:
        super().__init__()
        self.unet: Any = new_unet(seed)
        adapter = TokensAdapter.random(self.unet, width=dim, space="", seed=seed)
        self.unet._load_ip_adapter_weights([adapter.state_dict()], low_cpu_mem_usage=False)
        self.unet.train().requires_grad_(True)
        self.controlnet: Any = new_controlnet(seed + 1)
        self.register_buffer("alphas", new_scheduler().alphas_cumprod.clone(), persistent=False)
        self.register_buffer("prompt", torch.zeros(1, 1, CROSS), persistent=False)

    def noised(self, latents: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """(b, c, h, w) at noise levels t (b,)."""
        keep = self.alphas[t].view(-1, 1, 1, 1)
        return keep.sqrt() * latents + (1 - keep).sqrt() * noise

    def velocity(self, noisy: Tensor, t: Tensor, embeddings: Tensor, edges: Tensor, hold: Tensor) -> Tensor:
        """What the UNet predicts (Salimans and Ho 2022), shown `edges` (b, 1, 4h, 4w); `hold` (b,) is how strongly the
        ControlNet acts.
        """
        prompt = cast("Tensor", self.prompt).expand(len(noisy), -1, -1)
        down, middle = self.controlnet(noisy, t, prompt, edges.expand(-1, 3, -1, -1), return_dict=False)
        weight = hold.view(-1, 1, 1, 1)
        return self.unet(
            noisy,
            t,
            prompt,
            added_cond_kwargs={"image_embeds": [embeddings[:, None]]},
            down_block_additional_residuals=[d * weight for d in down],
            mid_block_additional_residual=middle * weight,
            return_dict=False,
        )[0]

    def clean(self, noisy: Tensor, t: Tensor, velocity: Tensor) -> Tensor:
        """The latents that a prediction comes to."""
        keep = self.alphas[t].view(-1, 1, 1, 1)
        return keep.sqrt() * noisy - (1 - keep).sqrt() * velocity

    def adapter(self, space: str) -> TokensAdapter:
        """The tokens adapter as it is now."""
        return TokensAdapter.of(self.unet, name="starter", space=space, norm=1.0)

    def plain_unet(self) -> Any:
        """The UNet without the adapter."""
        unet = new_unet(0)
        own = unet.state_dict().keys()
        unet.load_state_dict({k: v.cpu() for k, v in self.unet.state_dict().items() if k in own})
        return unet

    def plain_controlnet(self) -> Any:
        net = new_controlnet(0)
        net.load_state_dict({k: v.cpu() for k, v in self.controlnet.state_dict().items()})
        return net
