"""Adapters on a diffusion model: attached, detached without a trace, several at once, by their scales."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers as untyped
import pytest
import torch
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor

from diffstyle import Diffusion, InputError, Picture, Style, Stylizer
from diffstyle.adapters.attach import attached
from diffstyle.adapters.lora import HALVES, LoraAdapter
from diffstyle.adapters.protocol import Adapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.backbone import Backbone
from diffstyle.core.quiet import quiet
from tests.helpers import tiny
from tests.helpers.models import bare_backbone, load_tiny
from tests.helpers.pictures import largest_difference

diffusers: Any = untyped
QUICK = Diffusion(steps=2)


def adapters_of(models: Path, folder: Path) -> dict[str, Adapter[Backbone]]:
    plus = tiny.adapter(folder / "plus.safetensors", models / "worded", plus=True, width=48)
    return {
        "tokens": TokensAdapter.load(models / "worded.adapter.safetensors"),
        "plus": TokensAdapter.load(plus),
        "lora": LoraAdapter.load(tiny.lora(folder / "lora.safetensors")),
        "kohya": LoraAdapter.load(tiny.lora(folder / "kohya.safetensors", kohya=True)),
    }


@pytest.mark.parametrize("kind", ["tokens", "plus", "lora", "kohya", "all"])
def test_detaching_restores_the_backbone_bit_for_bit(kind: str, tiny_models: Path, tmp_path: Path) -> None:
    backbone = bare_backbone(tiny_models)
    known = adapters_of(tiny_models, tmp_path)
    chosen = list(known.values()) if kind == "all" else [known[kind]]
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    words = torch.randn(1, 7, tiny.WIDTH, generator=torch.Generator().manual_seed(1))

    def run(**extra: Any) -> Tensor:
        with torch.no_grad():
            return backbone.unet(noise, 500, encoder_hidden_states=words, **extra).sample

    before, state = run(), {k: v.clone() for k, v in backbone.unet.state_dict().items()}
    processors: dict[str, Any] = {k: type(p) for k, p in backbone.unet.attn_processors.items()}
    with attached(chosen, backbone):
        tokens = [a for a in chosen if isinstance(a, TokensAdapter)]
        shapes = [(1, 1, a.width) if a.variant == "base" else (1, 1, 9, a.width) for a in tokens]
        embeds = {"added_cond_kwargs": {"image_embeds": [torch.ones(s) for s in shapes]}} if tokens else {}
        assert not torch.equal(run(**embeds), before)
    after = backbone.unet.state_dict()
    assert after.keys() == state.keys()
    assert all(torch.equal(after[k], state[k]) for k in state)
    assert {k: type(p) for k, p in backbone.unet.attn_processors.items()} == processors
    assert torch.equal(run(), before)


def test_a_failure_while_attached_restores_the_backbone_too(tiny_models: Path, tmp_path: Path) -> None:
    backbone = bare_backbone(tiny_models)
    keys = set(backbone.unet.state_dict())
    with pytest.raises(KeyError), attached(list(adapters_of(tiny_models, tmp_path).values()), backbone):
        raise KeyError
    assert set(backbone.unet.state_dict()) == keys


def test_an_adapter_we_save_loads_in_plain_diffusers(tiny_models: Path, tmp_path: Path) -> None:
    ours = TokensAdapter.load(tiny_models / "worded.adapter.safetensors").save(tmp_path / "again.safetensors")
    with quiet():
        plain = diffusers.StableDiffusionPipeline.from_pretrained(str(tiny_models / "worded"), safety_checker=None)
        plain.load_ip_adapter(str(tmp_path), subfolder="", weight_name=ours.name, image_encoder_folder=None)
    name, processor = next((n, p) for n, p in plain.unet.attn_processors.items() if hasattr(p, "to_k_ip"))
    saved = load_file(ours)
    place = list(plain.unet.attn_processors).index(name)
    assert torch.equal(processor.to_k_ip[0].weight, saved[f"ip_adapter.{place}.to_k_ip.weight"])
    assert torch.equal(
        plain.unet.encoder_hid_proj.image_projection_layers[0].image_embeds.weight, saved["image_proj.proj.weight"]
    )


@pytest.mark.parametrize("kohya", [False, True])
def test_a_lora_acts_by_its_scale(
    kohya: bool, worded: Stylizer, tiny_models: Path, tmp_path: Path, small_photo: Picture
) -> None:
    path = tiny.lora(tmp_path / "lora.safetensors", kohya=kohya)
    style = Style.from_text("watercolour")
    none = worded.stylize(small_photo, style, engine=QUICK).picture
    zero, half, one = (
        load_tiny(tiny_models, "worded", lora=[f"{path}:{scale}"]).stylize(small_photo, style, engine=QUICK).picture
        for scale in (0, 0.5, 1)
    )
    assert largest_difference(zero, none) <= 1e-5
    assert 0 < largest_difference(half, none) < largest_difference(one, none) * 1.5
    assert one != half


@pytest.mark.parametrize("kohya", [False, pytest.param(True, marks=pytest.mark.long)])
def test_half_a_b_lora_acts_alone(kohya: bool, tiny_models: Path, tmp_path: Path, small_photo: Picture) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_models / "worded", folder)
    plain = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet")
    blocks = {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    diffusers.UNet2DConditionModel.from_config({**plain.config, **blocks}).save_pretrained(folder / "unet")
    path = tiny.lora(tmp_path / "b.safetensors", kohya=kohya, blocks=list(HALVES.values()), inside=tiny.BLOCKS[-1])

    def paint(*loras: str) -> Picture:
        stylizer = Stylizer.load(folder, lora=loras, device="cpu", dtype="float32")
        return stylizer.stylize(small_photo, Style.from_text("watercolour"), engine=QUICK).picture

    none, style, content, whole = paint(), paint(f"{path}:style"), paint(f"{path}:content"), paint(str(path))
    assert len({p.digest() for p in (none, style, content, whole)}) == 4
    assert largest_difference(paint(f"{path}:style", f"{path}:content"), whole) <= 1e-4
    assert largest_difference(paint(f"{path}:style:0"), none) <= 1e-5
    other = tiny.lora(tmp_path / "other.safetensors", kohya=kohya)
    with pytest.raises(InputError, match="has no style half"):
        LoraAdapter.load(other).half("style")


def test_two_adapters_act_together_each_by_its_scale(
    worded: Stylizer, tiny_models: Path, tmp_path: Path, small_photo: Picture, painting: Style
) -> None:
    first = tiny_models / "worded.adapter.safetensors"
    other = TokensAdapter.load(first)
    moved = replace(other, ip_adapter={k: v.roll(1, 0) for k, v in other.ip_adapter.items()})
    second = moved.save(tmp_path / "second.safetensors")

    def paint(*adapters: str) -> Picture:
        return load_tiny(tiny_models, "worded", adapter=adapters).stylize(small_photo, painting, engine=QUICK).picture

    alone = worded.stylize(small_photo, painting, engine=QUICK).picture
    assert paint(f"{first}:0.5", f"{second}:0.5") != alone
    assert largest_difference(paint(f"{first}:1", f"{second}:0"), alone) <= 1e-5


def test_a_plus_adapter_reads_the_features_of_pictures(
    tiny_models: Path, tmp_path: Path, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    width = tiny.vision_transformer(tmp_path / "clip")
    plus = tiny.adapter(tmp_path / "plus.safetensors", tiny_models / "worded", plus=True, width=width)
    stylizer = load_tiny(tiny_models, "worded", adapter=[plus], encoder=tmp_path / "clip")
    mixed = Style.mix({painting: 1, other_painting: 1})
    one, other, both = (
        stylizer.stylize(small_photo, s, engine=QUICK).picture for s in (painting, other_painting, mixed)
    )
    assert one != other
    assert both not in (one, other)
    worded = [stylizer.stylize(small_photo, Style.from_text(t), engine=QUICK).picture for t in ("van gogh", "ink wash")]
    assert worded[0] != worded[1]  # read from the exemplars that the words name
