"""The public configurations of SD 1.5 and SDXL as a diffusers folder without weights.

With it a single-file checkpoint is loaded offline; without it, diffusers would download the configurations.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import cache_folder, write_atomic

VERSION = 2  # of the written folders: raise it to invalidate cached ones

_UNET: Mapping[str, Any] = {
    "_class_name": "UNet2DConditionModel",
    "act_fn": "silu",
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
    "out_channels": 4,
}
_VAE: Mapping[str, Any] = {
    "_class_name": "AutoencoderKL",
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
_TEXT: Mapping[str, Any] = {
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "dropout": 0.0,
    "eos_token_id": 2,
    "initializer_factor": 1.0,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 77,
    "model_type": "clip_text_model",
    "pad_token_id": 1,
    "vocab_size": 49408,
}
_CLIP_L: Mapping[str, Any] = {
    **_TEXT,
    "architectures": ["CLIPTextModel"],
    "hidden_act": "quick_gelu",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "projection_dim": 768,
}
_CLIP_G: Mapping[str, Any] = {
    **_TEXT,
    "architectures": ["CLIPTextModelWithProjection"],
    "hidden_act": "gelu",
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_attention_heads": 20,
    "num_hidden_layers": 32,
    "projection_dim": 1280,
}
_SCHEDULER: Mapping[str, Any] = {
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "steps_offset": 1,
}
_UNETS: Mapping[str, Mapping[str, Any]] = {
    "sd15": {
        **_UNET,
        "attention_head_dim": 8,
        "block_out_channels": [320, 640, 1280, 1280],
        "cross_attention_dim": 768,
        "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
        "sample_size": 64,
        "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
    },
    "sdxl": {
        **_UNET,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "attention_head_dim": [5, 10, 20],
        "block_out_channels": [320, 640, 1280],
        "cross_attention_dim": 2048,
        "down_block_types": ["DownBlock2D", *["CrossAttnDownBlock2D"] * 2],
        "projection_class_embeddings_input_dim": 2816,
        "sample_size": 128,
        "transformer_layers_per_block": [1, 2, 10],
        "up_block_types": [*["CrossAttnUpBlock2D"] * 2, "UpBlock2D"],
        "use_linear_projection": True,
    },
}
_TOKENIZERS = {"sd15": {"tokenizer": "<|endoftext|>"}, "sdxl": {"tokenizer": "<|endoftext|>", "tokenizer_2": "!"}}


def configs(name: str) -> dict[str, Mapping[str, Any]]:
    """The values of every JSON file of the layout `sd15` or `sdxl`, by path; InputError for another name."""
    if name not in _UNETS:
        raise InputError(
            f"There is no layout {name!r}: a single file must be of SD 1.5 or SDXL; give a diffusers folder."
        )
    xl = name == "sdxl"
    parts: dict[str, list[str]] = {
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "EulerDiscreteScheduler" if xl else "PNDMScheduler"],
    }
    if xl:
        parts |= {
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            "tokenizer_2": ["transformers", "CLIPTokenizer"],
        }
    of_scheduler: dict[str, Any] = {"set_alpha_to_one": False, "skip_prk_steps": True}
    of_vae: dict[str, Any] = {"sample_size": 512}
    if xl:
        of_scheduler = {"timestep_spacing": "leading"}
        of_vae = {"sample_size": 1024, "scaling_factor": 0.13025, "force_upcast": True}
    found: dict[str, Mapping[str, Any]] = {
        "model_index.json": {
            "_class_name": "StableDiffusionXLPipeline" if xl else "StableDiffusionPipeline",
            **({"force_zeros_for_empty_prompt": True} if xl else {"requires_safety_checker": False}),
            **parts,
        },
        "unet/config.json": _UNETS[name],
        "controlnet/config.json": _controlnet(_UNETS[name]),
        "vae/config.json": {**_VAE, **of_vae},
        "text_encoder/config.json": _CLIP_L,
        "scheduler/scheduler_config.json": {**_SCHEDULER, "_class_name": parts["scheduler"][1], **of_scheduler},
    }
    return found | ({"text_encoder_2/config.json": _CLIP_G} if xl else {})


def _controlnet(unet: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of the public ControlNets that belong to a UNet with the configuration `unet`."""
    kept = {k: v for k, v in unet.items() if k not in ("out_channels", "sample_size", "up_block_types")}
    hint = {"conditioning_embedding_out_channels": [16, 32, 96, 256]}
    return {**kept, **hint, "_class_name": "ControlNetModel"}


def layout(name: str) -> Path:
    """The folder of the layout `name` in the user's cache; it is written at the first use."""
    folder = cache_folder() / "layouts" / f"{name}-{VERSION}"
    if not (folder / "model_index.json").is_file():
        write_layout(name, folder)
    return folder


def write_layout(name: str, folder: Path) -> None:
    """Write the configurations and the tokenizers of `name` into `folder`."""
    for tokenizer, pad in _TOKENIZERS.get(name, {}).items():
        _write_tokenizer(folder / tokenizer, pad)
    for path, values in reversed(configs(name).items()):  # model_index.json last: it marks the folder as complete
        _write(folder / path, json.dumps(values, indent=2))


def _write_tokenizer(folder: Path, pad: str) -> None:
    """Write CLIP's tokenizer in transformers' layout, from the merges that open_clip ships."""
    from open_clip.tokenizer import bytes_to_unicode, default_bpe

    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode("utf-8").split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{c}</w>" for c in letters), *("".join(m.split()) for m in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    _write(folder / "vocab.json", json.dumps({t: n for n, t in enumerate(tokens)}, ensure_ascii=False))
    _write(folder / "merges.txt", "\n".join(["#version: 0.2", *merges, ""]))
    settings = special | {"pad_token": pad, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    _write(folder / "tokenizer_config.json", json.dumps(settings | {"do_lower_case": True, "errors": "replace"}))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, f"make the folder {path.parent}") from error
    write_atomic(path, lambda file: file.write(text.encode("utf-8")))
