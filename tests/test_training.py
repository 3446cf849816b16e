"""The recipes that made the weights we ship, run for a few steps on pictures made here."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from torch import Tensor

from diffstyle import Picture, Style, StyleEncoder
from diffstyle.adapters.stats import StatsAdapter
from diffstyle.data.captions import phrases, words
from diffstyle.encoders.source import STARTER, find
from diffstyle.encoders.squeezenet import STYLE_LAYERS, SqueezeNet
from diffstyle.engines.adain.network import PreviewNetwork, UpConv
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.ops import losses
from diffstyle.training import checkpoint
from diffstyle.training.clip.model import CONTEXT, configuration, encode_short_text, new_model, write_vocabulary
from diffstyle.training.clip.pool import ORIGINS, PHOTOS, STYLES, Pool
from diffstyle.training.clip.recipe import make_pool, train_clip, train_text_tower
from diffstyle.training.clip.train import ClipRecipe, contrast
from diffstyle.training.clip.train import Material as ClipMaterial
from diffstyle.training.clip.words import WordsRecipe
from diffstyle.training.data import read_shards
from diffstyle.training.preview import Material, PreviewRecipe, Stage, Trainer
from diffstyle.training.stats import StatsRecipe, train_stats
from tests.conftest import waves

RECIPE = replace(PreviewRecipe(), stages=(Stage(0, 32, 48, 2),), warmup_steps=1)


def write_shard(path: Path, first: int, count: int) -> None:
    with tarfile.open(path, "w") as tar:
        for n in range(first, first + count):
            picture = io.BytesIO()
            Image.fromarray(waves(96, 80, seed=n)).save(picture, "JPEG")
            info = {"split": "dev" if n % 5 == 4 else "train", "key": f"{n:03}", "kind": path.name.split("-")[0]}
            info |= {"medium": "oil painting", "movement": "Baroque"} if info["kind"] == "art" else {}
            for name, data in ((f"{n:03}.jpg", picture.getvalue()), (f"{n:03}.json", json.dumps(info).encode())):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def make_shards(folder: Path) -> Path:
    """Photos, art and a random teacher, as a folder of training material has them."""
    write_shard(folder / "photo-clean-00.tar", 0, 10)
    write_shard(folder / "art-clean-00.tar", 10, 10)
    (folder / "perceptual").mkdir()
    write_safetensors(folder / "perceptual" / "squeezenet1_0.safetensors", dict(SqueezeNet().state_dict()))
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture(scope="module")
def material(shards: Path) -> Material:
    folder = shards
    material = Material(read_shards(folder, "photo-clean-*", "train"), read_shards(folder, "art-clean-*", "train"), [])
    assert len(material.contents) == len(material.styles) == 8  # the dev split is left out
    with pytest.raises(ValueError, match="holds no shard"):
        read_shards(folder, "nothing-*", "train")
    return material


def trainer() -> Trainer:
    torch.manual_seed(1)
    return Trainer(SqueezeNet().requires_grad_(False), RECIPE, device=torch.device("cpu"), compiled=False)


def steps(run: Trainer, material: Material, n: int) -> list[float]:
    totals: list[float] = []
    for _ in range(n):
        content, style = material.batch(run.step, RECIPE.stage(0), RECIPE.seed)
        terms = run.advance(content, style, rate=1e-3, style_share=1.0)
        totals.append(sum(v for k, v in terms.items() if k != "norm"))
    return totals


def test_a_resumed_run_goes_on_as_if_never_stopped(material: Material, tmp_path: Path) -> None:
    straight = trainer()
    expected = steps(straight, material, 6)
    first = trainer()
    steps(first, material, 3)
    checkpoint.save(tmp_path / "checkpoint.pt", first.state())
    second = trainer()
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    assert state is not None
    second.restore(state)
    assert steps(second, material, 3) == pytest.approx(expected[3:], rel=1e-5)
    for name, value in straight.average.items():
        assert torch.allclose(second.average[name], value, atol=1e-6)


def test_the_command_trains_and_goes_on(shards: Path, tmp_path: Path) -> None:
    from diffstyle.training.__main__ import preview

    preview(shards, out=tmp_path, minutes=0.01, renderings=2)
    first = checkpoint.load(tmp_path / "checkpoint.pt")
    preview(shards, out=tmp_path, minutes=0.05, renderings=2)
    second = checkpoint.load(tmp_path / "checkpoint.pt")
    assert first is not None
    assert second is not None
    assert second["step"] > first["step"] > 0
    assert second["seconds"] > first["seconds"]
    tensors = read_safetensors(tmp_path / "preview.safetensors")[1]
    PreviewNetwork().load_state_dict(tensors)
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (7 * 256, 5 * 256)


def test_training_lowers_the_loss(material: Material) -> None:
    run = trainer()
    content, style = material.batch(0, RECIPE.stage(0), 0)
    totals = [
        sum(v for k, v in run.advance(content, style, rate=1e-3, style_share=1.0).items() if k != "norm")
        for _ in range(13)
    ]
    assert totals[12] < 0.9 * totals[0]  # steps 0 and 12 both have the identity term


def test_batches_are_a_function_of_the_step(material: Material) -> None:
    stage = RECIPE.stage(0)
    one, same, other = (material.batch(n, stage, 0) for n in (3, 3, 4))
    assert torch.equal(one[0], same[0])
    assert torch.equal(one[1], same[1])
    assert not torch.equal(one[0], other[0])
    assert one[0].shape == (4, 3, 32, 32)
    assert one[1].shape == (2, 3, 48, 48)


def test_perfect_matches_cost_nothing() -> None:
    teacher = SqueezeNet()
    picture = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = teacher(picture)
    assert set(STYLE_LAYERS) <= set(features)
    for layer in STYLE_LAYERS:
        f = features[layer]
        assert losses.gram_loss(f, losses.gram(f)).abs().max() < 1e-5
        assert losses.moment_loss(f, *losses.moments(f)).abs().max() < 1e-5
    assert losses.relative_square(picture, picture).max() == 0
    flat = torch.full((1, 3, 16, 16), 0.5)
    assert losses.total_variation(flat).max() == 0
    assert losses.flat_variation(torch.rand(1, 3, 16, 16), flat).min() > 0.1


def test_a_repeated_stipple_costs_more_than_strokes() -> None:
    generator = torch.Generator().manual_seed(0)
    flat = torch.full((1, 3, 128, 128), 0.5)
    strokes = flat + 0.1 * torch.randn((1, 1, 128, 128), generator=generator)
    stipple = flat + 0.1 * torch.randn((1, 1, 8, 8), generator=generator).repeat(1, 1, 16, 16)
    assert losses.lattice(flat, flat).item() == pytest.approx(0, abs=1e-6)
    assert losses.lattice(stipple, flat) > 5 * losses.lattice(strokes, flat)
    busy = torch.rand(flat.shape, generator=generator)
    assert losses.lattice(stipple, busy) < 0.5 * losses.lattice(stipple, flat)  # there it is no stipple in a sky


def test_the_folded_enlargement_is_the_plain_one() -> None:
    layer = UpConv(5, 4)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 5, 6, 9, generator=torch.Generator().manual_seed(0))
    large = torch.nn.functional.interpolate(x, scale_factor=2)
    plain = torch.nn.functional.pad(large, (1, 1, 1, 1), mode="replicate")
    plain = torch.nn.functional.conv2d(plain, layer.weight, layer.bias)
    assert torch.allclose(layer(x), plain, atol=1e-5)


def test_the_network_fits_its_budget() -> None:
    assert sum(p.numel() for p in PreviewNetwork().parameters()) * 2 < 5.6e6


@pytest.fixture(scope="module")
def pool(shards: Path) -> Pool:
    return make_pool(shards, 1, seed=0)


CLIP_RECIPE = replace(ClipRecipe(), size=32, last_size=32, groups=1, styles=2, photos=2, art=4, noise_captions=2)


def clip_material(pool: Pool, folder: Path) -> tuple[ClipMaterial, int]:
    write_vocabulary(folder / "words.txt.gz", [*words(), *pool.artists])
    tokenizer = SimpleTokenizer(bpe_path=str(folder / "words.txt.gz"), context_length=CONTEXT)
    return ClipMaterial(pool, tokenizer, CLIP_RECIPE), tokenizer.vocab_size


def test_the_pool_shares_styles_and_contents(pool: Pool, tmp_path: Path) -> None:
    rendered = pool.origin == ORIGINS.index("procedural")
    assert rendered.sum() == PHOTOS * STYLES
    for style in range(STYLES):
        assert len(set(pool.content[rendered & (pool.style == style)])) == PHOTOS
    for content in set(pool.content[rendered]):
        assert len(set(pool.style[rendered & (pool.content == content)])) == STYLES
    art, repainted = (pool.origin == ORIGINS.index(name) for name in ("art", "repainted"))
    assert set(pool.style[art]) == set(pool.style[repainted])
    pool.save(tmp_path / "pool.npz")
    again = Pool.load(tmp_path / "pool.npz")
    assert all(np.array_equal(a, b) for a, b in zip(pool.pixels, again.pixels, strict=True))
    assert np.array_equal(pool.known, again.known)
    assert np.array_equal(pool.targets, again.targets, equal_nan=True)


def test_captions_of_a_batch_are_true_or_nonsense(pool: Pool, tmp_path: Path) -> None:
    material, _ = clip_material(pool, tmp_path)
    one, same, other = (material.batch(n, 32) for n in (5, 5, 6))
    assert torch.equal(one.pictures, same.pictures)
    assert torch.equal(one.tokens, same.tokens)
    assert not torch.equal(one.pictures, other.pictures)
    said, noise = len(one.same_meaning), CLIP_RECIPE.noise_captions
    assert (one.truth[:said] == 1).any(1).all()
    assert (one.truth[said : said + noise] == -1).all()
    assert one.same_meaning.diagonal().all()
    assert len(one.tokens) == len(one.truth) == said + noise + len(phrases.MEDIA)
    assert (one.truth[said + noise :] == 1).any()


def test_short_texts_are_encoded_as_open_clip_does(pool: Pool, tmp_path: Path) -> None:
    material, size = clip_material(pool, tmp_path)
    model = new_model(configuration(size), 0).eval()
    tokens = material.tokenizer(["a dark woodcut by rembrandt", "mosaic"])
    with torch.no_grad():
        whole = cast("Tensor", model.encode_text(tokens, normalize=True))
        assert torch.allclose(encode_short_text(model, tokens), whole, atol=1e-5)
    assert material.tokenizer.encode("woodcut") != material.tokenizer.encode("mosaic")
    pieces = cast("list[int]", material.tokenizer.encode("impressionism"))
    assert len(pieces) == 1  # a word of a caption is a word of the vocabulary


def test_contrast_leaves_the_unknown_out() -> None:
    truths = torch.tensor([[1, -1, 0]])
    base = contrast(torch.tensor([[2.0, 1.0, 0.0]]), truths)
    assert contrast(torch.tensor([[2.0, 1.0, 9.0]]), truths) == base
    assert contrast(torch.tensor([[3.0, 1.0, 0.0]]), truths) < base
    assert torch.isfinite(
        contrast(torch.tensor([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), torch.tensor([[1, -1, 0], [-1] * 3]))
    )


def test_the_starter_clip_is_trained_and_loads(pool: Pool, shards: Path, tmp_path: Path) -> None:
    pool.save(tmp_path / "pool.npz")
    for minutes in (0.02, 0.05):  # the second goes on where the first stopped
        folder = train_clip(shards, tmp_path, CLIP_RECIPE, minutes=minutes, device="cpu", groups=1)
        state = checkpoint.load(tmp_path / "checkpoint.pt")
        assert state is not None
        assert state["seconds"] >= 60 * minutes
    encoder = StyleEncoder.load(folder)
    assert encoder.encode(Style.from_text("a dark woodcut")).embedding.shape == (256,)
    adapter = train_stats(tmp_path, encoder, replace(StatsRecipe(), steps=30))
    adapter.save(tmp_path / "stats.safetensors")
    loaded = StatsAdapter.load(tmp_path / "stats.safetensors")
    assert loaded.space == encoder.space
    vector = encoder.texts(["mosaic"])
    assert torch.allclose(loaded(vector), adapter(vector), atol=0.05)


def test_words_are_trained_on_and_pictures_stay(pool: Pool, shards: Path, tmp_path: Path) -> None:
    pool.save(tmp_path / "pool.npz")
    start = find(STARTER).weights.parent
    recipe = replace(WordsRecipe(), pictures=8, noise_captions=2)
    folder = train_text_tower(shards, tmp_path, recipe, start=start, minutes=0.02, groups=1)
    before, after = (read_safetensors(f / "open_clip_model.safetensors")[1] for f in (start, folder))
    assert before.keys() == after.keys()
    same = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert {n for n in before if n.startswith("visual.")} | {"logit_scale"} <= same
    assert "text_projection" not in same
    first, second = StyleEncoder.load("starter"), StyleEncoder.load(folder)
    picture = [Picture.from_array(waves(90, 60))]
    assert torch.equal(first.pictures(picture), second.pictures(picture))
    assert not torch.equal(first.raw_texts(["mosaic"]), second.raw_texts(["mosaic"]))
