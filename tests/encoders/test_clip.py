"""The style encoder: on the starter's real weights, and on small open_clip models made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import open_clip
import pytest
import torch
from torch import Tensor

from diffstyle import InputError, Picture, Style, StyleEncoder
from diffstyle.data.procedural import MEDIA, Pixels, render
from diffstyle.encoders.bridge import Bridge, fit, pairs
from diffstyle.encoders.clip import MAX_TILES, tiles
from diffstyle.encoders.source import CONFIG, architecture_of, find
from diffstyle.formats.safetensors import write_safetensors
from tests.conftest import waves


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    return StyleEncoder.load("starter")


TINY: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An open_clip folder of random weights."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    write_safetensors(folder / "open_clip_model.safetensors", dict(open_clip.CLIP(**TINY).state_dict()))
    (folder / CONFIG).write_text(json.dumps({"model_cfg": TINY, "preprocess_cfg": {}}), "utf-8")
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and a bridge that is fitted from few small pictures."""
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("diffstyle.encoders.bridge.PER_MEDIUM", 1)
    monkeypatch.setattr("diffstyle.encoders.bridge.SIDE", 48)
    return tmp_path / "cache"


def rendering(medium: str, seed: int) -> Picture:
    from skimage import data

    photos: list[Pixels] = [data.coffee(), data.astronaut()]
    return Picture.from_array(render(photos[seed % 2], medium, np.random.default_rng(seed), longest=320).pixels)


def test_embeddings_are_unit_vectors_of_one_space(encoder: StyleEncoder) -> None:
    texts = encoder.texts(["ukiyo-e woodblock print, indigo and cream", "watercolour"])
    pictures = encoder.pictures([Picture.from_array(waves(90, 60))])
    for vectors in (texts, pictures):
        assert vectors.shape[1] == encoder.dim == 256
        assert vectors.dtype == torch.float32
        assert torch.allclose(vectors.square().sum(1), torch.ones(len(vectors)), atol=1e-5)
    style = encoder.encode(Style.from_text("watercolour"))
    assert style.space == encoder.space
    assert torch.allclose(style.embedding, texts[1], atol=1e-6)
    assert style.prompt == "watercolour"


def test_a_batch_is_as_good_as_one_by_one(encoder: StyleEncoder) -> None:
    pictures = [Picture.from_array(waves(60 + 30 * n, 80, seed=n)) for n in range(3)]
    fresh = StyleEncoder.load("starter")
    one_by_one = torch.cat([fresh.pictures([p]) for p in pictures])
    assert torch.allclose(encoder.pictures(pictures), one_by_one, atol=1e-4)


def test_embeddings_are_kept_by_content(encoder: StyleEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    array = waves(70, 50, seed=8)
    first = encoder.pictures([Picture.from_array(array)])
    words = encoder.texts(["mosaic"])
    monkeypatch.setattr(StyleEncoder, "_of_pictures", None)  # nothing may be computed again
    monkeypatch.setattr(StyleEncoder, "_of_texts", None)
    assert torch.equal(encoder.pictures([Picture.from_array(array.copy())]), first)
    assert torch.equal(encoder.texts(["mosaic"]), words)


@pytest.mark.parametrize("size", [(64, 64), (300, 100), (100, 301), (400, 20), (20, 900), (33, 31)])
def test_tiles_cover_the_whole_picture(size: tuple[int, int]) -> None:
    picture = Picture.from_array(waves(*size))
    squares = tiles(picture, 48)
    assert 1 <= len(squares) <= MAX_TILES
    assert all(s.shape == (3, 48, 48) for s in squares)
    for place in range(0, max(size), max(1, max(size) // 12)):  # wherever a red stripe is, a square shows it
        array = np.full((size[1], size[0], 3), 128, np.uint8)
        width = max(3, max(size) // 20)
        stripe = array[place : place + width] if size[1] > size[0] else array[:, place : place + width]
        stripe[:] = (255, 0, 0)
        assert max(float(s[0].max()) for s in tiles(Picture.from_array(array), 48)) > 0.7


def test_the_edges_of_a_wide_picture_count(encoder: StyleEncoder) -> None:
    plain = waves(400, 100)
    edged = plain.copy()
    edged[:, :60] = (220, 30, 30)
    a, b = encoder.pictures([Picture.from_array(plain), Picture.from_array(edged)])
    assert float(a @ b) < 0.995


FOUND = ("halftone", "mosaic", "blueprint", "watercolour wash", "neon edges", "woodcut", "engraving", "pixel art")


@pytest.mark.parametrize("medium", FOUND)
def test_words_find_their_medium(medium: str, encoder: StyleEncoder) -> None:
    names: list[str] = list(FOUND)
    texts = encoder.texts(names)
    found = [int((texts @ encoder.pictures([rendering(medium, seed)])[0]).argmax()) for seed in range(3)]
    assert found.count(names.index(medium)) >= 2


def test_style_counts_and_subject_does_not(encoder: StyleEncoder) -> None:
    one, other, same_photo = encoder.pictures(
        [rendering("woodcut", 2), rendering("woodcut", 2), rendering("mosaic", 2)]
    )
    assert float(one @ other) > float(one @ same_photo) + 0.2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("🎨🖌️", "no words"),
        ("... 123 !!", "no words"),
        ("word " * 10_000, "at most 1000"),
        ("very " * 150, "too long"),
    ],
)
def test_bad_texts_get_a_sentence(text: str, expected: str, encoder: StyleEncoder) -> None:
    with pytest.raises(InputError, match=expected):
        encoder.encode(Style.from_text(text))


@pytest.mark.parametrize("text", ["浮世絵", "акварель", "qwertz asdfg hjkl", "quarterly budget meeting agenda"])
def test_unknown_words_are_said_to_be_unknown(text: str, encoder: StyleEncoder) -> None:
    known = [encoder.encode(Style.from_text(t)).confidence for t in ("watercolour", "mosaic in blue", "dark woodcut")]
    assert encoder.encode(Style.from_text(text)).confidence < 0.5 < min(known)


@pytest.mark.usefixtures("cache")
def test_styles_of_another_space_are_encoded_again(encoder: StyleEncoder, tiny: Path) -> None:
    other = StyleEncoder.load(tiny)
    for style in (Style.from_text("mosaic"), Style.from_image(waves(64, 64))):
        both = encoder.encode(other.encode(style))
        assert set(both.spaces) == {encoder.space, other.space}
    lost = Style.from_embedding(torch.ones(32), "another-space")
    with pytest.raises(InputError, match="neither its picture nor words"):
        encoder.encode(lost)


def test_a_folder_of_any_open_clip_model_works(tiny: Path, cache: Path) -> None:
    encoder = StyleEncoder.load(tiny)
    text = encoder.encode(Style.from_text("a woodcut, indigo and cream"))
    assert text.embedding.shape == (32,)
    (kept,) = cache.rglob("*.safetensors")
    first = Bridge.load(kept)
    again = StyleEncoder.load(tiny).encode(Style.from_text("a woodcut, indigo and cream"))
    assert torch.equal(again.embedding, text.embedding)
    kept.unlink()
    assert StyleEncoder.load(tiny).bridge is not None
    again = Bridge.load(kept)  # fitted again, to the same bits
    assert torch.equal(again.weight, first.weight)
    assert torch.equal(again.shift, first.shift)
    assert encoder.space == StyleEncoder.load(tiny).space
    assert StyleEncoder.load(tiny, dtype=torch.bfloat16).pictures([Picture.from_array(waves(64, 64))]).shape == (1, 32)


def test_a_cache_that_cannot_be_written_is_none(tiny: Path, cache: Path) -> None:
    cache.write_text("a file in the way")
    assert StyleEncoder.load(tiny).texts(["mosaic"]).shape == (1, 32)


def test_the_bridge_brings_captions_to_their_pictures() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.nn.functional.normalize(torch.randn(120, 24, generator=generator), dim=1)
    turn = cast("Tensor", torch.linalg.qr(torch.randn(24, 24, generator=generator))[0])
    texts = torch.nn.functional.normalize(0.4 * pictures @ turn + 1.5 * torch.ones(24), dim=1)  # two cones apart
    bridge = fit(texts[:100], pictures[:100], ridge=1e-5)

    def right(t: torch.Tensor) -> float:
        return float(((t @ pictures.T).argmax(1) == torch.arange(120))[100:].float().mean())

    assert right(texts) < 0.3
    assert right(bridge(texts)) > 0.9


@pytest.mark.usefixtures("cache")
def test_pairs_of_the_bridge_are_the_same_every_time() -> None:
    first, second = pairs(), pairs()
    assert [c for _, c in first] == [c for _, c in second]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, second, strict=True))
    assert len(first) == len(MEDIA)


def test_a_checkpoint_file_is_known_by_its_tensors(tmp_path: Path) -> None:
    config = cast("dict[str, Any]", open_clip.get_model_config("ViT-S-32-alt"))
    state = {k: v.half() for k, v in open_clip.CLIP(**config).state_dict().items()}
    path = tmp_path / "anything.safetensors"
    write_safetensors(path, state)
    assert architecture_of(path) == "ViT-S-32-alt"
    encoder = StyleEncoder.load(path)
    assert encoder.pictures([Picture.from_array(waves(80, 60))]).shape == (1, 256)
    torch.save({"state_dict": state}, tmp_path / "old.pt")
    assert architecture_of(tmp_path / "old.pt") == "ViT-S-32-alt"


def test_the_file_that_is_named_is_the_one_that_is_loaded(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    for name in (CONFIG, "open_clip_model.safetensors"):
        (folder / name).write_bytes((tiny / name).read_bytes())
    write_safetensors(folder / "open_clip_a.safetensors", {"a": torch.zeros(2)})  # of no concern
    picture = [Picture.from_array(waves(64, 64))]
    first, second = StyleEncoder.load(tiny), StyleEncoder.load(folder)
    assert first.space == second.space
    assert torch.equal(first.pictures(picture), second.pictures(picture))


def test_a_model_with_a_text_tower_of_its_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = open_clip.CustomTextCLIP(**TINY).state_dict()
    write_safetensors(tmp_path / "open_clip_model.safetensors", dict(state))
    config = {"model_cfg": {**TINY, "custom_text": True}, "preprocess_cfg": {}}
    (tmp_path / CONFIG).write_text(json.dumps(config), "utf-8")
    encoder = StyleEncoder.load(tmp_path)
    assert encoder.dim == 32
    with pytest.raises(InputError, match="too long"):
        encoder.raw_texts(["very " * 30])


def test_a_tag_brings_its_mean_and_activation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "hub" / "models--laion--CLIP-ViT-L-14-laion2B-s32B-b82K" / "snapshots" / ("0" * 40)
    weights.mkdir(parents=True)
    (weights / "open_clip_model.safetensors").write_bytes(b"")
    refs = weights.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    source = find("ViT-L-14/laion2B-s32B-b82K")
    assert source.space == "ViT-L-14/laion2b_s32b_b82k"
    assert tuple(source.preprocess["mean"]) == (0.5, 0.5, 0.5)


def test_damaged_weights_get_a_sentence(tiny: Path, tmp_path: Path) -> None:
    for name in (CONFIG, "open_clip_model.safetensors"):
        (tmp_path / name).write_bytes((tiny / name).read_bytes()[: None if name == CONFIG else 1000])
    with pytest.raises(InputError, match="Cannot use the encoder"):
        StyleEncoder.load(tmp_path).raw_texts(["mosaic"])


def test_foreign_devices_get_a_sentence() -> None:
    for device in ("banana", "cuda:97"):
        with pytest.raises(InputError, match="no device"):
            StyleEncoder.load(device=device)
    with pytest.raises(InputError, match="dtype"):
        StyleEncoder.load(dtype=torch.int32)


def test_foreign_encoders_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no encoder 'nothing'"):
        StyleEncoder.load("nothing")
    with pytest.raises(InputError, match="holds open_clip_config"):
        StyleEncoder.load(tmp_path)
    write_safetensors(tmp_path / "other.safetensors", {"a": torch.zeros(2)})
    with pytest.raises(InputError, match="not an open_clip checkpoint"):
        StyleEncoder.load(tmp_path / "other.safetensors")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(InputError, match="plain tensors"):
        StyleEncoder.load(tmp_path / "text.pt")


def test_what_is_not_here_is_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="hf download laion/CLIP-ViT-H-14"):
        StyleEncoder.load("ViT-H-14/laion2b_s32b_b79k")
    assert not list(tmp_path.iterdir())


def test_a_damaged_bridge_gets_a_sentence(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "bridge.safetensors", {"a": torch.zeros(2)})
    with pytest.raises(InputError, match="not a bridge"):
        Bridge.load(tmp_path / "bridge.safetensors")
