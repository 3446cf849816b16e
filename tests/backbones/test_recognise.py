"""What a weights file is, found out from the names and shapes of its tensors."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffstyle.backbones.recognise import recognise, recognise_shapes
from tests.helpers import tiny


def test_files_are_recognised_by_their_tensors(tiny_models: Path, tmp_path: Path) -> None:
    tiny.lora(tmp_path / "a.safetensors")
    tiny.lora(tmp_path / "b.safetensors", kohya=True)
    tiny.single_file(tmp_path / "c.safetensors", tiny_models / "worded")
    expected = {
        tiny_models / "worded/unet/diffusion_pytorch_model.safetensors": "unet",
        tiny_models / "worded/vae/diffusion_pytorch_model.safetensors": "vae",
        tiny_models / "wordless/controlnet/diffusion_pytorch_model.safetensors": "controlnet",
        tiny_models / "worded/text_encoder/model.safetensors": "text encoder",
        tiny_models / "worded.adapter.safetensors": "ip-adapter",
        tmp_path / "a.safetensors": "lora",
        tmp_path / "b.safetensors": "lora",
        tmp_path / "c.safetensors": "single file",
    }
    found = {path: recognise(path) for path in expected}
    assert {p: r.kind for p, r in found.items()} == expected
    widths = {r.kind: r.architecture.cross_attention for r in found.values() if r.architecture is not None}
    assert widths == dict.fromkeys(("unet", "controlnet", "ip-adapter", "lora", "single file"), tiny.WIDTH)


@pytest.mark.parametrize(("name", "width"), [("sd15", 768), ("sdxl", 2048), ("sd21", 1024)])
def test_a_single_file_of_full_size_is_recognised(name: str, width: int) -> None:
    block = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    shapes = {  # in the order of a real file, the VAE first
        "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
        "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
        "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
        block: (320, width),
    }
    found = recognise_shapes(shapes)
    assert found.kind == "single file"
    assert found.architecture is not None
    assert found.architecture.name == name
