"""The recipe of the starter's diffusion model, in stages."""

from typing import Literal

StageName = Literal["vae", "unet", "distil", "polish"]
