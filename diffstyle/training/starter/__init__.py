"""The starter's diffusion model, trained in stages."""

from typing import Literal

StageName = Literal["vae", "repaint", "polish"]
