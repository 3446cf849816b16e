"""Diffusion models from disk: folders, single files, parts that are missing, damaged, or of another model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]

from diffstyle import Diffusion, InputError, Picture, Style, Stylizer
from tests.helpers import tiny
from tests.helpers.models import load_tiny
from tests.helpers.pictures import largest_difference


def test_a_checkpoint_paints_by_diffusion_unless_asked_otherwise(
    diffuser: Stylizer, small_photo: Picture, painting: Style
) -> None:
    assert isinstance(diffuser.stylize(small_photo, painting).task.engine, Diffusion)


def test_a_model_is_loaded_once(
    diffuser: Stylizer, small_photo: Picture, painting: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("weights were read again")

    diffuser.stylize(small_photo, painting)
    monkeypatch.setattr("safetensors.torch.load_file", refuse)
    monkeypatch.setattr("diffusers.models.modeling_utils.load_state_dict", refuse)
    diffuser.stylize(small_photo, painting, seed=3)


@pytest.mark.parametrize("backbone", ["worded", "xl"])
def test_a_single_file_paints_as_its_folder(
    backbone: str, tiny_models: Path, tmp_path: Path, small_photo: Picture, painting: Style
) -> None:
    path = tiny.single_file(tmp_path / "model.safetensors", tiny_models / backbone)
    shutil.copytree(tiny_models / backbone, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    adapter = [tiny_models / f"{backbone}.adapter.safetensors"]
    engine = Diffusion(steps=2, prompt="a cat")
    pictures = [
        Stylizer.load(model, adapter=adapter, device="cpu", dtype="float32")
        .stylize(small_photo, painting, engine=engine)
        .picture
        for model in (path, tiny_models / backbone)
    ]
    assert largest_difference(*pictures) <= 1e-4


def test_the_null_prompt_of_a_folder_is_used(
    diffuser: Stylizer, tiny_models: Path, tmp_path: Path, small_photo: Picture, painting: Style
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(tiny_models / "wordless", copy)
    save_file({"prompt_embeds": torch.ones(1, 2, tiny.WIDTH)}, copy / "prompt.safetensors")
    adapter = [tiny_models / "wordless.adapter.safetensors"]
    stylizer = Stylizer.load(copy, adapter=adapter, device="cpu", dtype="float32")
    assert stylizer.stylize(small_photo, painting).picture != diffuser.stylize(small_photo, painting).picture
    save_file({"something": torch.ones(2)}, copy / "prompt.safetensors")
    with pytest.raises(InputError, match="prompt_embeds"):
        Stylizer.load(copy, adapter=adapter, device="cpu")


def test_a_safety_checker_acts_where_its_weights_are(
    tiny_models: Path, tmp_path: Path, small_photo: Picture, painting: Style
) -> None:
    shutil.copytree(tiny_models / "worded", tmp_path / "worded")
    adapter = [tiny_models / "worded.adapter.safetensors"]

    def paint() -> Picture:
        stylizer = load_tiny(tmp_path, "worded", adapter=adapter)
        return stylizer.stylize(small_photo, painting, engine=Diffusion(steps=2)).picture

    without = paint()
    tiny.safety_checker(tmp_path / "worded")
    blanked = paint()
    assert float(blanked.pixels.max()) == 0
    assert any("safety checker blanked" in note for note in blanked.notes)
    (tmp_path / "worded" / "safety_checker" / "model.safetensors").unlink()
    assert paint() == without


Spoil = Callable[[Path, Path], dict[str, Any]]


def _without(part: str) -> Spoil:
    def spoil(models: Path, folder: Path) -> dict[str, Any]:
        copy = folder / "model"
        shutil.copytree(models / "worded", copy)
        found = copy / part
        shutil.rmtree(found) if found.is_dir() else found.unlink()
        return {"model": copy}

    return spoil


def _naming(**options: str) -> Spoil:
    def spoil(_: Path, __: Path) -> dict[str, Any]:
        return dict(options)

    return spoil


def _pickled(models: Path, folder: Path) -> dict[str, Any]:
    copy = folder / "model"
    shutil.copytree(models / "worded", copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), copy / "unet" / "diffusion_pytorch_model.bin")
    weights.unlink()
    return {"model": copy}


def _cut_off(models: Path, folder: Path) -> dict[str, Any]:
    copy = folder / "model"
    shutil.copytree(models / "worded", copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    return {"model": copy}


def _shard_missing(models: Path, folder: Path) -> dict[str, Any]:
    copy = folder / "model"
    shutil.copytree(models / "worded", copy)
    whole = copy / "unet" / "diffusion_pytorch_model.safetensors"
    state = load_file(whole)
    names = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    places = {k: names[n % 2] for n, k in enumerate(state)}
    save_file({k: v for k, v in state.items() if places[k] == names[0]}, whole.with_name(names[0]))
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    whole.with_name("diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    whole.unlink()
    return {"model": copy}


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('evil-was-here', 'w')",))


def _code_as_adapter(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"image_proj": Evil(), "ip_adapter": {}}, folder / "adapter.bin")
    return {"adapter": [folder / "adapter.bin"]}


def _code_as_lora(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"unet.down_blocks.0.lora_A.weight": Evil()}, folder / "lora.pt")
    return {"lora": [folder / "lora.pt"]}


def _code_as_model(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"state_dict": Evil()}, folder / "model.ckpt")
    return {"model": folder / "model.ckpt"}


def _code_as_controlnet(models: Path, folder: Path) -> dict[str, Any]:
    shutil.copytree(models / "wordless" / "controlnet", folder / "net")
    (folder / "net" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({"conv_in.weight": Evil()}, folder / "net" / "diffusion_pytorch_model.bin")
    return {"controlnet": [f"{folder / 'net'}:canny"]}


def _other_adapter(models: Path, _: Path) -> dict[str, Any]:
    return {"adapter": [models / "xl.adapter.safetensors"]}


def _lora_as_adapter(_: Path, folder: Path) -> dict[str, Any]:
    return {"adapter": [tiny.lora(folder / "lora.safetensors")]}


def _adapter_as_lora(models: Path, _: Path) -> dict[str, Any]:
    return {"lora": [models / "worded.adapter.safetensors"]}


def _other_lora(_: Path, folder: Path) -> dict[str, Any]:
    return {"lora": [tiny.lora(folder / "lora.safetensors", width=77)]}


def _other_controlnet(_: Path, folder: Path) -> dict[str, Any]:
    tiny.controlnet(tiny.unet(width=40)).save_pretrained(folder / "net")
    return {"controlnet": [f"{folder / 'net'}:canny"]}


def _unet_as_controlnet(models: Path, _: Path) -> dict[str, Any]:
    return {"controlnet": [f"{models / 'worded' / 'unet'}:canny"]}


def _pickle_as_adapter(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"image_proj.proj.weight": torch.zeros(4)}, folder / "adapter.safetensors")
    return {"adapter": [folder / "adapter.safetensors"]}


def _adapter_of_another_encoder(models: Path, folder: Path) -> dict[str, Any]:
    return {"adapter": [tiny.adapter(folder / "wide.safetensors", models / "worded", width=300)]}


def _single_file_of_another_model(models: Path, folder: Path) -> dict[str, Any]:
    return {"model": tiny.single_file(folder / "alone.safetensors", models / "worded")}


def _vae_as_model(models: Path, _: Path) -> dict[str, Any]:
    return {"model": models / "worded" / "vae" / "diffusion_pytorch_model.safetensors"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without("vae"), "vae is missing"),
        (_without("unet/diffusion_pytorch_model.safetensors"), "unet is without weights"),
        (_without("model_index.json"), "model_index.json"),
        (_pickled, "pickle"),
        (_cut_off, "Cannot load|not a whole"),
        (_shard_missing, "Cannot load"),
        (_without("tokenizer"), "tokenizer is missing"),
        (_without("tokenizer/tokenizer.json"), "tokenizer is without a vocabulary"),
        (_without("unet/config.json"), "Cannot load"),
        (_without("scheduler/scheduler_config.json"), "Cannot load"),
        (_without("text_encoder/model.safetensors"), "text_encoder is without weights"),
        (_code_as_adapter, "adapter.bin"),
        (_code_as_lora, "lora.pt"),
        (_code_as_model, "model.ckpt"),
        (_code_as_controlnet, "the ControlNet"),
        (_other_adapter, "cross-attention width 48.*cross-attention width 32"),
        (_lora_as_adapter, "of kind lora"),
        (_adapter_as_lora, "of kind ip-adapter"),
        (_other_lora, "width 77.*width 32"),
        (_other_controlnet, "width 40.*width 32"),
        (_unet_as_controlnet, "of another model"),
        (_pickle_as_adapter, "pickle"),
        (_adapter_of_another_encoder, "256 numbers.*300"),
        (_single_file_of_another_model, "SD 1.5 or SDXL"),
        (_vae_as_model, "of kind vae"),
        (_naming(model="no/such-model"), "neither a path nor in the Hugging Face cache"),
        (_naming(model="sd15"), "models pull sd15"),
        (_naming(model="nothing"), "There is no model 'nothing'"),
        (_naming(device="tpu"), "no device tpu"),
        (_naming(dtype="int8"), "dtype"),
    ],
)
def test_a_part_that_cannot_be_used_is_named_in_one_sentence(
    spoil: Spoil,
    message: str,
    tiny_models: Path,
    tmp_path: Path,
    small_photo: Picture,
    painting: Style,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {"model": tiny_models / "worded", "device": "cpu", "dtype": "float32"}
    options |= {"adapter": [tiny_models / "worded.adapter.safetensors"]} | spoil(tiny_models, tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        Stylizer.load(**options).stylize(small_photo, painting, engine=Diffusion(steps=2))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "evil-was-here").exists()
