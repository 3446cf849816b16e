"""The networks of the starter's diffusion folder, in the classes of diffusers, untrained."""

from __future__ import annotations

from typing import Any

import diffusers as untyped
import torch
from torch import nn

diffusers: Any = untyped  # which exports its classes lazily
VAE_WIDTH, LATENTS, FACTOR = 32, 8, 4
BLOCKS = (48, 96, 160)
HEADS = (2, 3, 5)  # of each level
CROSS = 256
MARK_TOKENS = 16  # of the adapter that reads features


def new_vae(seed: int) -> Any:
    """AutoencoderTiny with a quarter of the side and eight channels; only its decoder works at full resolution."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vae = diffusers.AutoencoderTiny(
            encoder_block_out_channels=(VAE_WIDTH,) * 3,
            decoder_block_out_channels=(VAE_WIDTH,) * 3,
            num_encoder_blocks=(0, 1, 4),
            num_decoder_blocks=(5, 3, 1),
            latent_channels=LATENTS,
            act_fn="relu",
            scaling_factor=1.0,
        )
        for module in vae.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for block in (m for m in vae.modules() if type(m).__name__ == "AutoencoderTinyBlock"):
            block.conv[-1].weight.data.mul_(0.1)  # residual branches begin small
    return vae


def new_unet(seed: int) -> Any:
    """A UNet with the style in its two coarser levels: attention over the finest would cost more than all the rest."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return diffusers.UNet2DConditionModel(
            sample_size=64,
            in_channels=LATENTS,
            out_channels=LATENTS,
            block_out_channels=BLOCKS,
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=CROSS,
            attention_head_dim=HEADS,
            norm_num_groups=16,
        )


def new_controlnet(seed: int) -> Any:
    """A ControlNet without attention: edges need none."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return diffusers.ControlNetModel(
            in_channels=LATENTS,
            block_out_channels=BLOCKS,
            layers_per_block=1,
            down_block_types=("DownBlock2D",) * 3,
            mid_block_type="UNetMidBlock2D",
            cross_attention_dim=CROSS,
            attention_head_dim=HEADS,
            norm_num_groups=16,
            conditioning_embedding_out_channels=(16, 32, 48),
        )


def new_scheduler() -> Any:
    """Stable Diffusion's noise, down to none of the picture at its end (Lin et al. 2023); the UNet predicts v."""
    return diffusers.DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        rescale_betas_zero_snr=True,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )
