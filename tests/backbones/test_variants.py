"""Models that are not what they seem: set up right, or refused with what they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]

from diffstyle import InputError, Picture, Style, Stylizer
from diffstyle.backbones.load import load_backbone
from diffstyle.backbones.schedulers import make_scheduler
from diffstyle.backbones.variants import FEW, few_steps, variant_of_file
from diffstyle.engines.diffusion.settings import Diffusion
from tests.helpers import tiny

FIRST = "model.diffusion_model.input_blocks.0.0.weight"
CONTEXT = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"


@pytest.mark.parametrize(
    ("channels", "context", "purpose"),
    [
        (9, 768, "inpainting"),
        (8, 768, "InstructPix2Pix"),
        (5, 1024, "depth"),
        (4, 1280, "refiner"),
        (6, 768, "6 channels"),
    ],
)
def test_single_files_say_what_they_are(channels: int, context: int, purpose: str, tmp_path: Path) -> None:
    state = {FIRST: torch.zeros(320, channels, 3, 3), CONTEXT: torch.zeros(640, context)}
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=purpose):
        load_backbone(tmp_path / "model.safetensors", device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize(
    ("index", "purpose"),
    [
        ({"_class_name": "StableDiffusionInpaintPipeline"}, "Inpaint"),
        ({"_class_name": "StableDiffusionInstructPix2PixPipeline"}, "InstructPix2Pix"),
        ({"_class_name": "StableDiffusion3Pipeline"}, "StableDiffusion3"),
        ({"requires_aesthetics_score": True, "text_encoder": [None, None]}, "refiner"),
    ],
)
def test_folders_say_what_they_are(index: dict[str, Any], purpose: str, tiny_models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_models / "worded", tmp_path / "model"))
    values = json.loads((folder / "model_index.json").read_text()) | index
    (folder / "model_index.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=purpose):
        load_backbone(folder, device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize(
    ("keys", "metadata", "expected"),
    [
        ((), {}, (False, False)),
        (("v_pred",), {}, (True, False)),
        (("v_pred", "ztsnr"), {}, (True, True)),
        ((), {"modelspec.prediction_type": "v"}, (True, False)),
        ((), {"modelspec.prediction_type": "epsilon"}, (False, False)),
        ((), {"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"}, (True, True)),
    ],
)
def test_v_prediction_is_set_up(
    keys: tuple[str, ...], metadata: dict[str, str], expected: tuple[bool, bool], tiny_models: Path
) -> None:
    shapes = dict.fromkeys((FIRST, *keys), (320, 4, 3, 3))
    variant = variant_of_file(Path("model.safetensors"), shapes, metadata)
    assert (variant.v_prediction, variant.zero_snr) == expected
    backbone = load_backbone(tiny_models / "worded", device=torch.device("cpu"), dtype=torch.float32)
    variant.apply(backbone.pipeline)
    for name in ("ddim", "dpm++", "unipc", "euler-a"):
        config = make_scheduler(name, backbone.pipeline.scheduler.config).config
        assert (config.prediction_type == "v_prediction") == expected[0]
        assert bool(config.get("rescale_betas_zero_snr")) == expected[1]
        assert not (expected[1] and config.get("use_karras_sigmas"))


def test_models_for_few_steps_are_sampled_in_few() -> None:
    assert few_steps("sd_xl_turbo_1.0_fp16") == FEW
    assert few_steps("dreamshaperXL_lightningDPMSDE") == FEW
    lcm = few_steps("", "LCM_Dreamshaper_v7")
    assert lcm is not None
    assert lcm.scheduler == "lcm"
    assert few_steps("hyperrealism_v3", "lcmaster") is None


def relative(kind: str) -> dict[str, torch.Tensor]:
    """A file of one of LoRA's relatives."""
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    plain = {f"{stem}.lora_down.weight": torch.randn(4, 32), f"{stem}.lora_up.weight": torch.randn(32, 4)}
    return {
        "DoRA": plain | {f"{stem}.dora_scale": torch.rand(1, 32)},
        "LoHa": {f"{stem}.{name}": torch.randn(4, 4) for name in ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")},
        "LoKr": {f"{stem}.lokr_w1": torch.randn(4, 4), f"{stem}.lokr_w2": torch.randn(8, 8)},
        "OFT": {f"{stem}.oft_blocks": torch.randn(2, 4, 4)},
    }[kind]


@pytest.mark.parametrize("kind", ["DoRA", "LoHa", "LoKr", "OFT"])
def test_relatives_of_lora_are_refused_by_name(kind: str, tiny_models: Path, tmp_path: Path) -> None:
    save_file(relative(kind), tmp_path / "l.safetensors")
    with pytest.raises(InputError, match=f"it is an? {kind}"):
        Stylizer.load(tiny_models / "worded", lora=[tmp_path / "l.safetensors"], device="cpu")


@pytest.mark.parametrize("prefix", ["unet.", "base_model.model.unet.", "base_model.model."])
def test_loras_as_peft_names_them(prefix: str, tiny_models: Path, tmp_path: Path, small_photo: Picture) -> None:
    plain = load_file(tiny.lora(tmp_path / "plain.safetensors"))
    named = {
        k.replace("unet.", prefix, 1).replace(".lora_A.", ".lora_A.default.").replace(".lora_B.", ".lora_B.default."): v
        for k, v in plain.items()
    }
    save_file(named, tmp_path / "named.safetensors")
    found = [
        Stylizer.load(tiny_models / "worded", lora=[tmp_path / f"{name}.safetensors"], device="cpu", dtype="float32")
        .stylize(small_photo, Style.from_text("charcoal"), engine=Diffusion(steps=2))
        .picture
        for name in ("plain", "named")
    ]
    assert found[0] == found[1]
    assert not found[1].notes


def test_layers_without_a_place_are_named(tiny_models: Path, tmp_path: Path, small_photo: Picture) -> None:
    state = load_file(tiny.lora(tmp_path / "l.safetensors"))
    for part in ("A", "B"):
        state[f"text_encoder.text_model.encoder.layers.9.self_attn.q_proj.lora_{part}.weight"] = torch.randn(4, 4)
    save_file(state, tmp_path / "l.safetensors")
    stylizer = Stylizer.load(tiny_models / "worded", lora=[tmp_path / "l.safetensors"], device="cpu", dtype="float32")
    notes = stylizer.stylize(small_photo, Style.from_text("charcoal"), engine=Diffusion(steps=2)).picture.notes
    assert "not used" in " ".join(notes)
    assert "layers.9" in " ".join(notes)


def test_words_beyond_the_tokenizer_are_said(
    worded: Stylizer, small_photo: Picture, painting: Style, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = Diffusion(prompt="soft watercolour with loose strokes, " * 20)
    notes = worded.stylize(small_photo, painting, engine=engine).picture.notes
    assert "read the first 77" in " ".join(notes)
    assert not capfd.readouterr().err
