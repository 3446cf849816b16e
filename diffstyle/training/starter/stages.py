"""The stages of the starter's diffusion model, from shards of pictures and of pairs to the folder that ships."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import diffusers as untyped
import torch

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.manifest import verified_folder
from diffstyle.assets.zoo import adapter_folders
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
from diffstyle.training.pairs.dataset import read_pairs
from diffstyle.training.starter import StageName
from diffstyle.training.starter.conditioned_unet import ConditionedUNet
from diffstyle.training.starter.networks import CROSS, new_scheduler, new_vae
from diffstyle.training.starter.repaint import RepaintRecipe, train_repainter
from diffstyle.training.starter.vae import POLISH, VaeRecipe, fidelity, train_vae

diffusers: Any = untyped  # which exports its classes lazily
SHIPPED = "starter/diffusion"


def train_stage(
    stage: StageName, data: Path, out: Path, *, minutes: float, device: str, pairs: Path, factor: int = 1
) -> Path:
    """Train one stage, going on where its last session ended, with `factor` times the batches that suit a CPU.

    `polish` and `repaint` begin with the VAE of this run or, without one, with the one that ships; `repaint` also with
    the UNet, ControlNet and adapter that ship. Returns the file or folder it writes.
    """
    run = Run.for_device(device, out)
    if stage == "repaint":
        _repaint(pairs, run, minutes=minutes, factor=factor)
        return pack(out)
    teacher = SqueezeNet.load(data / "perceptual" / "squeezenet1_0.safetensors")
    vae, recipe = (new_vae(0), VaeRecipe()) if stage == "vae" else (_vae(out), POLISH)
    pixels = [s.pixels for kind in ("photo", "art") for s in read_shards(data, f"{kind}-clean-*", "train")]
    train_vae(vae, pixels, teacher, replace(recipe, factor=factor), run, minutes=minutes, name=stage)
    for kind in ("photo", "art"):
        psnr = fidelity(vae.cpu(), read_shards(data, f"{kind}-clean-*", "dev"))
        print(f"PSNR at 256 pixels on the dev split, {kind}: {psnr:.2f} dB")
    return out / f"{stage}.pt"


def _repaint(pairs: Path, run: Run, *, minutes: float, factor: int) -> None:
    assert run.out is not None
    encoder = StyleEncoder.load()
    nothing = encoder.features(None)
    net = ConditionedUNet(0, encoder.dim, nothing.shape[1])
    if load_checkpoint(run.out / "repaint.pt") is None:
        folder = verified_folder(SHIPPED)
        net.start_from(
            diffusers.UNet2DConditionModel.from_pretrained(folder / "unet"),
            diffusers.ControlNetModel.from_pretrained(folder / "controlnet"),
            TokensAdapter.load(adapter_folders()[STARTER] / "adapter.safetensors"),
        )
    recipe = RepaintRecipe().times(factor)
    train_repainter(read_pairs(pairs, _vae(run.out), encoder), net, nothing, recipe, run, minutes=minutes)


def pack(out: Path) -> Path:
    """Write the averaged networks: `out/diffusion`, a diffusers folder, and its tokens adapters `out/adapter` and
    `out/adapter-marks`.
    """
    averaged = _averaged(out, "repaint")
    encoder = StyleEncoder.load()
    net = ConditionedUNet(0, encoder.dim, encoder.features(None).shape[1])
    net.load_state_dict(averaged)
    folder = out / "diffusion"
    for name, part in (("unet", net.plain_unet()), ("controlnet", net.plain_controlnet()), ("vae", _vae(out))):
        part.half().save_pretrained(folder / name)
    new_scheduler().save_pretrained(folder / "scheduler")
    write_safetensors(folder / CONSTANT, {"prompt_embeds": torch.zeros(1, 1, CROSS)})
    (folder / "model_index.json").write_text(json.dumps(INDEX, indent=2) + "\n", "utf-8")
    if not (folder / SAMPLING).exists():
        (folder / SAMPLING).write_text(json.dumps(asdict(SAMPLED) | asdict(POLICY), indent=2) + "\n", "utf-8")
    write_adapter(net.pooled_adapter(encoder.space), out / "adapter")
    write_adapter(net.marks_adapter(encoder.space), out / "adapter-marks")
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
        "source": "trained by this project: python -m diffstyle.training starter --stage repaint",
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
SAMPLED = Sampling("ddim", steps=4, guidance=1.0, side=768, margin=32, conditioning="edges-and-tones")
POLICY = StylePolicy({"painter": 0.3}, start="painter", keeps_colours=True, keeps_detail=0.9)


def _averaged(out: Path, stage: StageName) -> dict[str, torch.Tensor]:
    state = load_checkpoint(out / f"{stage}.pt")
    if state is None:
        raise InputError(f"{out} holds no {stage}.pt: train --stage {stage} first.")
    return state["average"]


def _vae(out: Path) -> Any:
    """The VAE of this run, the polished one if there is one, or the one that ships."""
    stages: tuple[StageName, ...] = ("polish", "vae")
    for stage in stages:
        if (out / f"{stage}.pt").exists():
            vae = new_vae(0)
            vae.load_state_dict(_averaged(out, stage))
            return vae
    return diffusers.AutoencoderTiny.from_pretrained(verified_folder(SHIPPED) / "vae")
