"""What a model is beyond its architecture: how it predicts, for how many steps it was made, what cannot paint here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffstyle.backbones.recognise import Shapes
from diffstyle.backbones.sampling import Sampling
from diffstyle.core.errors import InputError

_INPUT = ("model.diffusion_model.input_blocks.0.0.weight", "conv_in.weight")
_PURPOSES = {5: "inpainting", 4: "editing by instructions (InstructPix2Pix)", 1: "painting from depth", 3: "upscaling"}
"""By how many channels more than the latent's a UNet takes."""
_REFINER_CONTEXT = 1280
_FEW_STEPS = re.compile(r"(turbo|lightning|(?<![a-z])(?:lcm|tcd)(?![a-z])|(?<![a-z])hyper[-_ ]?(?=sd|\d))", re.I)
FEW = Sampling("euler-a", 6, 1.0)
_LCM = Sampling("lcm", 6, 1.0)


@dataclass(frozen=True, slots=True)
class Variant:
    """`v_prediction` (Salimans & Ho 2022) and `zero_snr`, a zero terminal SNR (Lin et al. 2024), as a file states them;
    `sampling` of a model made for few steps, None for any other.
    """

    v_prediction: bool = False
    zero_snr: bool = False
    sampling: Sampling | None = None

    def apply(self, pipeline: Any) -> None:
        """Set the scheduler of a pipeline up for it, where the scheduler's own configuration does not say it."""
        changes = ({"prediction_type": "v_prediction"} if self.v_prediction else {}) | (
            {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"} if self.zero_snr else {}
        )
        if changes:
            pipeline.scheduler.register_to_config(**changes)


def variant_of_file(path: Path, shapes: Shapes, metadata: Mapping[str, str]) -> Variant:
    """The variant of a single file; InputError, saying what it is, for one that does not paint from words."""
    channels = next((shapes[k][1] for k in _INPUT if k in shapes and len(shapes[k]) == 4), 4)
    check_purpose(str(path), channels)
    context = {s[1] for k, s in shapes.items() if k.endswith("attn2.to_k.weight") and len(s) == 2}
    if context == {_REFINER_CONTEXT}:
        raise InputError(
            f"Cannot use {path}: it is the refiner of SDXL, which only finishes pictures; give SDXL itself."
        )
    said = {k.lower(): v.lower() for k, v in metadata.items()}
    v = "v_pred" in shapes or said.get("modelspec.prediction_type", "").startswith("v") or _is_true(said, "ss_v_param")
    zero = "ztsnr" in shapes or _is_true(said, "ss_zero_terminal_snr")
    titles = (path.stem, said.get("modelspec.title", ""), said.get("modelspec.architecture", ""))
    return Variant(v, zero, few_steps(*titles))


def check_purpose(name: str, channels: int, latent: int = 4) -> None:
    """InputError for a UNet that takes other than the `latent` channels of its VAE, saying what it is made for."""
    if channels != latent:
        purpose = _PURPOSES.get(channels - latent, f"something else: it takes {channels} channels")
        raise InputError(f"Cannot use {name}: it is made for {purpose}, give a model made for text to image.")


def check_folder_purpose(folder: Path, index: Mapping[str, Any]) -> None:
    """InputError for a diffusers folder whose index says that it is a refiner, or made for something else."""
    kind = str(index.get("_class_name", ""))
    if index.get("requires_aesthetics_score") and (index.get("text_encoder") or [None])[0] is None:
        raise _refiner(folder)
    for word in ("Inpaint", "InstructPix2Pix", "Depth2Img", "Upscale", "3", "Flux", "Cascade", "PixArt"):
        if word in kind.replace("StableDiffusion", ""):
            raise InputError(f"Cannot use {folder}: it is of the kind {kind}, give one made for text to image.")


def few_steps(*titles: str) -> Sampling | None:
    """How a model made for few steps is sampled, found out from its names; None for any other."""
    found = next((m for m in map(_FEW_STEPS.search, titles) if m is not None), None)
    if found is None:
        return None
    return _LCM if found[1].lower() == "lcm" else FEW


def _refiner(path: Path) -> InputError:
    return InputError(f"Cannot use {path}: it is the refiner of SDXL, which only finishes pictures; give SDXL itself.")


def _is_true(said: Mapping[str, str], key: str) -> bool:
    return any(k.startswith(key) and v in ("true", "1") for k, v in said.items())
