"""Public models: listed, found in the cache, verified, downloaded."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from diffstyle import InputError
from diffstyle.assets.hub import known_model, known_models, located, missing, pull, where
from tests.helpers.cli import run

COMMIT = "0123456789abcdef0123456789abcdef01234567"


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
