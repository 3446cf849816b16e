"""Tiny random diffusion models on disk, in the very layouts of the public ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, cast

import diffusers as untyped
import torch
import transformers as untyped_too
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.layouts import write_layout
from diffstyle.encoders.clip import StyleEncoder

diffusers: Any = untyped
transformers: Any = untyped_too
WIDTH, BLOCKS = 32, (32, 64)


def unet(*, xl: bool = False, width: int = WIDTH, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    extra: dict[str, Any] = {}
    if xl:
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + WIDTH,
            "use_linear_projection": True,
        }
    return diffusers.UNet2DConditionModel(
        sample_size=16,
        block_out_channels=BLOCKS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=width,
        attention_head_dim=8,
        norm_num_groups=8,
        **extra,
    )


def controlnet(of: Any, *, seed: int = 1) -> Any:
    """A ControlNet for the UNet `of` whose output layers are not zero, so that it acts."""
    torch.manual_seed(seed)
    net = diffusers.ControlNetModel.from_unet(of, conditioning_embedding_out_channels=(8, 16, 32, 32))
    for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
        torch.nn.init.normal_(layer.weight, std=0.1)
    return net


def tiny_vae() -> Any:
    torch.manual_seed(2)
    widths = (8, 8, 8, 8)
    return diffusers.AutoencoderTiny(encoder_block_out_channels=widths, decoder_block_out_channels=widths)


def kl_vae() -> Any:
    torch.manual_seed(3)
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=256,
    )


def text_encoder(*, projected: bool = False) -> Any:
    torch.manual_seed(4)
    config = transformers.CLIPTextConfig(
        hidden_size=WIDTH // 2 if projected else WIDTH,
        intermediate_size=2 * WIDTH,
        num_attention_heads=2,
        num_hidden_layers=3,
        projection_dim=WIDTH,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
    )
    return (transformers.CLIPTextModelWithProjection if projected else transformers.CLIPTextModel)(config)


def tokenizer(folder: Path, name: str = "tokenizer") -> Any:
    write_layout("sdxl", folder)
    return transformers.CLIPTokenizer.from_pretrained(folder / name)


def wordless(folder: Path) -> Path:
    """As the starter's: no text encoder, a tiny VAE, a ControlNet of its own."""
    net = unet()
    pipeline = diffusers.StableDiffusionImg2ImgPipeline(
        vae=tiny_vae(),
        text_encoder=None,
        tokenizer=None,
        unet=net,
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False, set_alpha_to_one=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    controlnet(net).save_pretrained(folder / "controlnet")
    (folder / "sampling.json").write_text(json.dumps({"scheduler": "ddim", "steps": 4, "guidance": 1.0}))
    return folder


def worded(folder: Path) -> Path:
    """As SD 1.5: a text encoder, AutoencoderKL."""
    pipeline = diffusers.StableDiffusionPipeline(
        vae=kl_vae(),
        text_encoder=text_encoder(),
        tokenizer=tokenizer(folder.with_name("layout")),
        unet=unet(),
        scheduler=diffusers.PNDMScheduler(skip_prk_steps=True, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def safety_checker(folder: Path) -> Path:
    """A safety checker that objects to everything, put into the SD 1.5-like `folder`."""
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes = {"image_size": 32, "patch_size": 16, "projection_dim": 8}
    torch.manual_seed(8)
    checker = StableDiffusionSafetyChecker(
        transformers.CLIPConfig(vision_config={**vision, **sizes}, text_config=dict(vision), projection_dim=8)
    )
    checker.concept_embeds_weights.data.fill_(-2)
    checker.save_pretrained(folder / "safety_checker")
    square = {"height": 32, "width": 32}
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=square).save_pretrained(
        folder / "feature_extractor"
    )
    index = json.loads((folder / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def xl(folder: Path) -> Path:
    """As SDXL: two text encoders, sizes as conditions."""
    text = folder.with_name("layout")
    net = unet(xl=True, width=WIDTH // 2 + WIDTH)
    first = text_encoder()
    second = text_encoder(projected=True)
    pipeline = diffusers.StableDiffusionXLPipeline(
        vae=kl_vae(),
        text_encoder=first,
        text_encoder_2=second,
        tokenizer=tokenizer(text),
        tokenizer_2=tokenizer(text, "tokenizer_2"),
        unet=net,
        scheduler=diffusers.EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1),
    )
    pipeline.save_pretrained(folder)
    return folder


def adapter(path: Path, folder: Path, *, plus: bool = False, width: int | None = None) -> Path:
    """A random tokens adapter for the backbone in `folder` that reads the starter's encoder."""
    net = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet")
    encoder = StyleEncoder.load()
    made = TokensAdapter.random(net, width=width or encoder.dim, space=encoder.space)
    if plus:
        made = plus_of(made, net, width or encoder.dim)
    return made.save(path)


def plus_of(base: TokensAdapter, net: Any, width: int) -> TokensAdapter:
    """The same with a resampler of 6 tokens in front."""
    torch.manual_seed(6)
    cross = int(net.config.cross_attention_dim)
    inner = {
        "latents": torch.randn(1, 6, 64) / 8,
        "proj_in.weight": torch.randn(64, width) / width**0.5,
        "proj_in.bias": torch.zeros(64),
        "proj_out.weight": torch.randn(cross, 64) / 8,
        "proj_out.bias": torch.zeros(cross),
        "norm_out.weight": torch.ones(cross),
        "norm_out.bias": torch.zeros(cross),
    }
    for n in range(4):
        inner |= {f"layers.{n}.0.norm{k}.{part}": torch.ones(64) for k in (1, 2) for part in ("weight", "bias")}
        inner |= {
            f"layers.{n}.0.to_q.weight": torch.randn(64, 64) / 8,
            f"layers.{n}.0.to_kv.weight": torch.randn(128, 64) / 8,
        }
        inner |= {f"layers.{n}.0.to_out.weight": torch.randn(64, 64) / 8}
        inner |= {f"layers.{n}.1.0.{part}": torch.ones(64) for part in ("weight", "bias")}
        inner |= {
            f"layers.{n}.1.1.weight": torch.randn(256, 64) / 8,
            f"layers.{n}.1.3.weight": torch.randn(64, 256) / 16,
        }
    return TokensAdapter("plus", inner, base.ip_adapter, base.space, base.norm)


def vision_transformer(folder: Path) -> int:
    """A random open_clip ViT on disk; the width of its features."""
    import open_clip

    config: dict[str, Any] = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 3, "width": 48, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    torch.manual_seed(0)
    model = open_clip.CLIP(**config)
    folder.mkdir()
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return 48


def depth_model(folder: Path) -> Path:
    """A random DPT in transformers' layout."""
    torch.manual_seed(7)
    config = transformers.DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        is_hybrid=False,
        initializer_range=0.3,
    )
    transformers.DPTForDepthEstimation(config).save_pretrained(folder)
    transformers.DPTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def lora(
    path: Path,
    *,
    kohya: bool = False,
    width: int = WIDTH,
    rank: int = 4,
    blocks: Sequence[str] = ("down_blocks.0.attentions.0",),
    inside: int = BLOCKS[0],
) -> Path:
    """A random LoRA on the cross-attention layers of these blocks of the tiny UNet, `inside` wide."""
    torch.manual_seed(5)
    state: dict[str, Tensor] = {}
    for block, name in product(blocks, ("to_k", "to_v")):
        place = f"{block}.transformer_blocks.0.attn2"
        down, up = torch.randn(rank, width) / 4, torch.randn(inside, rank) / 4
        if kohya:
            stem = f"lora_unet_{place.replace('.', '_')}_{name}"
            state |= {
                f"{stem}.lora_down.weight": down,
                f"{stem}.lora_up.weight": up,
                f"{stem}.alpha": torch.tensor(4.0),
            }
        else:
            stem = f"unet.{place}.{name}"
            state |= {f"{stem}.lora_A.weight": down, f"{stem}.lora_B.weight": up}
    save_file(state, path)
    return path


def single_file(path: Path, folder: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    """The backbone in `folder` (SD 1.5's or SDXL's kind) as one checkpoint in the layout of the original repository."""
    xl = "XL" in json.loads((folder / "model_index.json").read_text())["_class_name"]
    extra: dict[str, Any] = {} if xl else {"safety_checker": None}
    kind = diffusers.StableDiffusionXLPipeline if xl else diffusers.StableDiffusionPipeline
    pipeline = kind.from_pretrained(folder, dtype=dtype, **extra)
    state = {f"model.diffusion_model.{k}": v for k, v in _ldm_unet(pipeline.unet).items()}
    state |= {f"first_stage_model.{k}": v for k, v in _ldm_vae(pipeline.vae).items()}
    text = cast("dict[str, Tensor]", pipeline.text_encoder.state_dict())
    place = "conditioner.embedders.0" if xl else "cond_stage_model"
    state |= {
        f"{place}.transformer.{k if k.startswith('text_model.') else f'text_model.{k}'}": v for k, v in text.items()
    }
    if xl:
        second = cast("dict[str, Tensor]", pipeline.text_encoder_2.state_dict())
        state |= {f"conditioner.embedders.1.model.{k}": v for k, v in _open_clip(second).items()}
    save_file({k: v.contiguous() for k, v in state.items()}, path)
    return path


def _open_clip(text: dict[str, Tensor]) -> dict[str, Tensor]:
    """transformers' CLIP text encoder as open_clip names it: query, key and value in one tensor."""
    outside = {
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.final_layer_norm.weight": "ln_final.weight",
        "text_model.final_layer_norm.bias": "ln_final.bias",
    }
    swaps = [("text_model.encoder.layers.", "transformer.resblocks."), ("layer_norm", "ln_"), ("self_attn", "attn")]
    swaps += [("fc1", "c_fc"), ("fc2", "c_proj")]
    out = {"text_projection": text["text_projection.weight"].T}
    for key, value in text.items():
        if key in outside:
            out[outside[key]] = value
        elif ".q_proj." in key:
            joined = torch.cat([text[key.replace("q_proj", f"{part}_proj")] for part in "qkv"])
            out[_swapped(key, swaps).replace("q_proj.", "in_proj_")] = joined
        elif "layers." in key and not any(f".{part}_proj." in key for part in "kv"):
            out[_swapped(key, swaps)] = value
    return out


def _swapped(key: str, swaps: list[tuple[str, str]]) -> str:
    for old, new in swaps:
        key = key.replace(old, new)
    return key


def _ldm_unet(net: Any) -> dict[str, Tensor]:
    layers, count = int(net.config.layers_per_block), len(net.config.block_out_channels)
    names: list[tuple[str, str]] = [
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("add_embedding.linear_1", "label_emb.0.0"),
        ("add_embedding.linear_2", "label_emb.0.2"),
        ("conv_in", "input_blocks.0.0"),
        ("conv_norm_out", "out.0"),
        ("conv_out", "out.2"),
        ("mid_block.attentions.0", "middle_block.1"),
        ("mid_block.resnets.0", "middle_block.0"),
        ("mid_block.resnets.1", "middle_block.2"),
    ]
    for i in range(count):
        for j in range(layers):
            n = (layers + 1) * i + j + 1
            names += [(f"down_blocks.{i}.resnets.{j}", f"input_blocks.{n}.0")]
            names += [(f"down_blocks.{i}.attentions.{j}", f"input_blocks.{n}.1")]
        names += [(f"down_blocks.{i}.downsamplers.0.conv", f"input_blocks.{(layers + 1) * (i + 1)}.0.op")]
        attends = hasattr(net.up_blocks[i], "attentions")
        for j in range(layers + 1):
            n = (layers + 1) * i + j
            names += [(f"up_blocks.{i}.resnets.{j}", f"output_blocks.{n}.0")]
            names += [(f"up_blocks.{i}.attentions.{j}", f"output_blocks.{n}.1")]
        n = (layers + 1) * i + layers
        names += [(f"up_blocks.{i}.upsamplers.0.conv", f"output_blocks.{n}.{2 if attends else 1}.conv")]
    inside = {
        "norm1": "in_layers.0",
        "conv1": "in_layers.2",
        "norm2": "out_layers.0",
        "conv2": "out_layers.3",
        "time_emb_proj": "emb_layers.1",
        "conv_shortcut": "skip_connection",
    }
    out: dict[str, Tensor] = {}
    for key, value in cast("dict[str, Tensor]", net.state_dict()).items():
        old, new = next((o, n) for o, n in names if key.startswith(f"{o}."))
        rest = key.removeprefix(f"{old}.")
        first, _, last = rest.partition(".")
        out[f"{new}.{inside[first]}.{last}" if ".resnets." in old else f"{new}.{rest}"] = value
    return out


def _ldm_vae(vae: Any) -> dict[str, Tensor]:
    count = len(vae.config.block_out_channels)
    swaps = [("conv_shortcut", "nin_shortcut"), ("conv_norm_out", "norm_out"), ("mid_block.attentions.0", "mid.attn_1")]
    swaps += [(f"mid_block.resnets.{i}", f"mid.block_{i + 1}") for i in range(2)]
    for i in range(count):
        swaps += [(f"down_blocks.{i}.resnets", f"down.{i}.block")]
        swaps += [(f"down_blocks.{i}.downsamplers.0", f"down.{i}.downsample")]
        swaps += [(f"up_blocks.{i}.resnets", f"up.{count - 1 - i}.block")]
        swaps += [(f"up_blocks.{i}.upsamplers.0", f"up.{count - 1 - i}.upsample")]
    attention = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
    out: dict[str, Tensor] = {}
    for key, value in cast("dict[str, Tensor]", vae.state_dict()).items():
        name = _swapped(key, swaps)
        if "attn_1" in name:
            for old, new in attention.items():
                name = name.replace(f"attn_1.{old}.", f"attn_1.{new}.")
            value = value[..., None, None] if value.ndim == 2 else value
        out[name] = value
    return out
