"""The models of others: listed, found in the cache, verified, and painted with from the command line."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle import InputError, read_recipe
from diffstyle.assets.hub import known_model, known_models, located, missing, pull, where
from diffstyle.assets.manifest import weights_folder
from diffstyle.cli import main
from tests import tiny

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    return int(caught.value.code or 0)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


def put(cache: Path, name: str, content: bytes = b"weights") -> Path:
    """The files of a known model in the layout of the Hugging Face cache, blobs named by their sha256."""
    model = known_model(name)
    root = cache / f"models--{model.repository.replace('/', '--')}"
    commit = COMMIT if model.revision == "main" else model.revision
    (root / "blobs").mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / model.revision).write_text(commit)
    for file in model.files:
        path = root / "snapshots" / commit / file.replace("*", "vocab.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        blob = root / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        path.symlink_to(blob)
    return root / "snapshots" / commit


def test_every_model_says_where_it_comes_from() -> None:
    models = known_models()
    assert {"sd15", "sdxl", "vit-h", "ip-adapter-sd15", "ip-adapter-sdxl", "taesd", "lcm-lora-sd15"} <= models.keys()
    for model in models.values():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.repository)
        assert model.files
        assert model.licence
        assert model.size > 1e6
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in model.sha256.values())
        assert all(name in model.files for name in model.sha256)
        assert (model.kind == "controlnet") == bool(model.conditioning)
        assert not model.encoder or models[model.encoder].kind == "encoder"


def test_list_names_all(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(known_models())
    assert not any(" here " in line for line in lines)
    put(cache, "taesd")
    assert run("models", "list", "--here") == 0
    assert capsys.readouterr().out.split()[0] == "taesd"


def test_what_is_here_is_found_and_verified(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = put(cache, "taesd")
    assert located(known_model("taesd")) == folder
    assert run("models", "where", "taesd") == 0
    assert str(folder) in capsys.readouterr().out
    assert run("models", "verify", "taesd") == 0
    (folder / "config.json").resolve().write_bytes(b"something else")
    assert run("models", "verify", "taesd") == 1
    assert "damaged" in capsys.readouterr().out


def test_the_manifests_sha256_counts_more_than_the_caches(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(cache, "ip-adapter-sd15", b"not what it should be")
    assert run("models", "verify") == 1
    out = capsys.readouterr().out
    assert "ip-adapter-sd15: models/ip-adapter_sd15.safetensors damaged" in out
    assert "starter" in out


def test_half_a_download_is_said(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = put(cache, "sd15")
    (folder / "vae" / "config.json").unlink()
    model = known_model("sd15")
    assert where(model) is None
    assert missing(model, folder) == ["vae/config.json"]
    assert run("models", "where", "sd15") == 2
    said = capsys.readouterr().err
    assert "only in part (vae/config.json missing)" in said
    assert "diffstyle models pull sd15" in said


@pytest.mark.parametrize("command", ["where", "verify", "pull"])
def test_unknown_names_get_the_nearest(command: str, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", command, "sd-15") == 2
    assert "sd15" in capsys.readouterr().err
    assert not list(cache.iterdir())


def test_without_a_network_nothing_is_pulled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="Cannot download taesd"):
        pull(known_model("taesd"))
    assert where(known_model("taesd")) is None
    assert not list(cache.rglob("*.safetensors"))


def test_painting_with_a_folder_from_the_command_line(
    tiny_models: Path, photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    model = ["--model", tiny_models / "wordless", "--adapter", f"{tiny_models / 'wordless.adapter.safetensors'}:0.8"]
    settings = ["--steps", 3, "--seed", 4, "--structure", 0.7, "--device", "cpu", "--start", "preview"]
    style = ["--style", painting_file, "--negative-style", "charcoal", "--guidance", 2]
    assert run("stylize", photo_file, *model, *settings, *style, "-o", out) == 0
    recipe = read_recipe(out)
    assert recipe.settings.engine == "diffusion"
    assert recipe.options.model == "wordless"
    assert recipe.negative_style is not None
    assert str(tiny_models) not in recipe.to_json()  # no private paths
    assert np.asarray(Image.open(out)).shape == (152, 232, 3)
    painting_file.unlink()  # the recipe needs photo and model alone
    assert run("replay", out, "--content", photo_file) == 2
    assert "wordless" in capsys.readouterr().err
    assert run("replay", out, "--content", photo_file, *model) == 0
    assert "identical to" in capsys.readouterr().out
    other = ["--model", tiny_models / "worded", "--adapter", tiny_models / "worded.adapter.safetensors"]
    assert run("replay", out, "--content", photo_file, *other, "-o", tmp_path / "other.png") == 2
    assert "other weights" in capsys.readouterr().err


def test_painting_with_a_single_file_from_the_command_line(
    tiny_models: Path, photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    path = tiny.single_file(tmp_path / "model.safetensors", tiny_models / "worded")
    skipped = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(tiny_models / "worded", tmp_path / "model", ignore=skipped)
    out = tmp_path / "out.png"
    command = ["stylize", photo_file, "--style", "ukiyo-e woodblock print", "--model", path, "--steps", 2, "-o", out]
    assert run(*command) == 0
    assert read_recipe(out).options.model == "model.safetensors"
    assert run("stylize", photo_file, "--style", photo_file, "--model", path, "-o", tmp_path / "x.png") == 2
    assert "--adapter" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_an_interrupted_render_leaves_nothing(
    tiny_models: Path,
    photo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_: object, done: int, *__: object) -> None:
        if done == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("diffstyle.engines.diffusion.engine.report", interrupt)
    (tmp_path / "out").mkdir()
    command = ["stylize", photo_file, "--style", "text:charcoal", "--model", tiny_models / "worded", "--steps", 2]
    assert run(*command, "-o", tmp_path / "out" / "x.png") == 130
    assert "nothing half written" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_the_starter_paints_by_diffusion_unless_told_otherwise(
    photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    assert run("stylize", photo_file, "--style", "mosaic", "-o", out) == 0
    recipe = read_recipe(out)
    assert (recipe.settings.engine, recipe.settings.start, recipe.options.model) == ("diffusion", "preview", "starter")
    assert any(name.startswith("unet/") for name in recipe.weights)
    assert run("replay", out, "--content", photo_file, "-o", tmp_path / "again.png") == 0
    assert "identical" in capsys.readouterr().out
    assert run("stylize", photo_file, "--style", "mosaic", "--engine", "adain", "-o", tmp_path / "y.png") == 0
    assert list(read_recipe(tmp_path / "y.png").weights) == ["starter/preview/preview.safetensors"]


def test_the_starter_takes_a_named_adapter(photo_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    assert run("stylize", photo_file, "--style", "mosaic", "--adapter", "starter:0.5", "--steps", 1, "-o", out) == 0
    assert read_recipe(out).settings.engine == "diffusion"


def test_damaged_starter_weights_get_a_sentence(
    photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(weights_folder(), weights)
    unet = next((weights / "starter" / "diffusion" / "unet").glob("*.safetensors"))
    unet.write_bytes(unet.read_bytes()[:-1])
    monkeypatch.setenv("DIFFSTYLE_WEIGHTS", str(weights))
    command = ["stylize", photo_file, "--style", "mosaic", "--engine"]
    assert run(*command, "diffusion", "-o", tmp_path / "x.png") == 2
    assert "is damaged" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()
    assert run(*command, "adain", "-o", tmp_path / "x.png") == 0
