"""The stages of the starter's diffusion model, from a folder of shards to the folder that ships."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.load import CONSTANT
from diffstyle.backbones.sampling import SAMPLING, Sampling
from diffstyle.core.errors import InputError
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.encoders.source import STARTER
from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.engines.diffusion.policy import StylePolicy
from diffstyle.formats.atomic import sha256
from diffstyle.formats.safetensors import write_safetensors
from diffstyle.training.data import read_shards
from diffstyle.training.loop import Run, load_checkpoint
from diffstyle.training.starter import StageName
from diffstyle.training.starter.conditioned_unet import ConditionedUNet
from diffstyle.training.starter.denoise import DenoiseRecipe, train_denoiser
from diffstyle.training.starter.distil import DistilRecipe, distil
from diffstyle.training.starter.networks import CROSS, new_scheduler, new_vae
from diffstyle.training.starter.style_set import make_style_set
from diffstyle.training.starter.vae import POLISH, VaeRecipe, fidelity, train_vae


def train_stage(
    stage: StageName, data: Path, out: Path, *, minutes: float, device: str, groups: int, factor: int = 1
) -> Path:
    """Train one stage, going on where its last session ended, with `factor` times the batches that suit a CPU.

    Returns the file or folder it writes. Raises InputError if the stage before it has not been trained.
    """
    teacher = SqueezeNet.load(data / "perceptual" / "squeezenet1_0.safetensors")
    styles = make_style_set(data, out, groups=groups, seed=0)
    run = Run.for_device(device, out)
    if stage in ("vae", "polish"):
        vae, recipe = (new_vae(0), VaeRecipe()) if stage == "vae" else (_distilled_vae(out), POLISH)
        art = [styles.pool.pixels[int(n)] for n in (*styles.art, *styles.rendered[::4])]
        pixels = [s.pixels for s in styles.photos] + art
        train_vae(vae, pixels, teacher, replace(recipe, factor=factor), run, minutes=minutes, name=stage)
        for kind in ("photo", "art"):
            psnr = fidelity(vae.cpu(), read_shards(data, f"{kind}-clean-*", "dev"))
            print(f"PSNR at 256 pixels on the dev split, {kind}: {psnr:.2f} dB")
        return out / "vae.pt" if stage == "vae" else pack(out)
    vae = new_vae(0)
    vae.load_state_dict(_averaged(out, "vae"))
    if stage == "unet":
        train_denoiser(styles, vae, DenoiseRecipe(factor=factor), run, minutes=minutes)
        return out / "unet.pt"
    net = ConditionedUNet(0, styles.embeddings.shape[1])
    net.load_state_dict(_averaged(out, "unet"))
    distil(styles, net, vae, teacher, DistilRecipe(factor=factor), run, minutes=minutes)
    return pack(out)


def pack(out: Path) -> Path:
    """Write the averaged networks: `out/diffusion`, a diffusers folder, and `out/adapter`, its tokens adapter."""
    averaged = _averaged(out, "distil")
    encoder = StyleEncoder.load()
    net = ConditionedUNet(0, encoder.dim)
    net.load_state_dict(_part(averaged, "net"))
    vae = _distilled_vae(out)
    if (out / "polish.pt").exists():
        vae.load_state_dict(_averaged(out, "polish"))
    folder = out / "diffusion"
    for name, part in (("unet", net.plain_unet()), ("controlnet", net.plain_controlnet()), ("vae", vae)):
        part.half().save_pretrained(folder / name)
    new_scheduler().save_pretrained(folder / "scheduler")
    write_safetensors(folder / CONSTANT, {"prompt_embeds": torch.zeros(1, 1, CROSS)})
    (folder / "model_index.json").write_text(json.dumps(INDEX, indent=2) + "\n", "utf-8")
    if not (folder / SAMPLING).exists():
        (folder / SAMPLING).write_text(json.dumps(asdict(SAMPLED) | asdict(POLICY), indent=2) + "\n", "utf-8")
    write_adapter(net.adapter(encoder.space), out / "adapter")
    return folder


def write_adapter(adapter: TokensAdapter, folder: Path) -> None:
    """Write adapter.safetensors in IP-Adapter layout, and adapter.toml with its name, kind, space and sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    path = adapter.half().save(folder / "adapter.safetensors")
    values = {
        "name": adapter.name,
        "kind": "tokens",
        "backbone": STARTER,
        "space": adapter.space,
        "source": "trained by this project: python -m diffstyle.training starter --stage distil",
        "licence": "Apache-2.0",
        "sha256": sha256(path),
    }
    (folder / "adapter.toml").write_text("".join(f'{k} = "{v}"\n' for k, v in values.items()), "utf-8")


INDEX: dict[str, Any] = {
    "_class_name": "StableDiffusionImg2ImgPipeline",
    "_diffusers_version": "0.42.0",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": [None, None],
    "tokenizer": [None, None],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderTiny"],
}
SAMPLED = Sampling("ddim", steps=1, guidance=1.0, side=768, margin=32)
POLICY = StylePolicy(denoise=0.003, start="preview", keeps_colours=True)


def _averaged(out: Path, stage: StageName) -> dict[str, torch.Tensor]:
    state = load_checkpoint(out / f"{stage}.pt")
    if state is None:
        raise InputError(f"{out} holds no {stage}.pt: train --stage {stage} first.")
    return state["average"]


def _distilled_vae(out: Path) -> Any:
    """The VAE of stage `vae` with the decoder of stage `distil`."""
    vae = new_vae(0)
    vae.load_state_dict(_averaged(out, "vae"))
    vae.decoder.load_state_dict(_part(_averaged(out, "distil"), "decoder"))
    return vae


def _part(state: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
