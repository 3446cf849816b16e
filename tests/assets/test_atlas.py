"""The atlas that ships: what it holds, and which exemplar words find."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from PIL import Image

from diffstyle import InputError, Style
from diffstyle.assets import atlas as module
from diffstyle.assets.atlas import MOST, Atlas, Entry, Facts, write_index
from diffstyle.assets.manifest import read_toml, weights_folder
from diffstyle.data.captions import phrases
from diffstyle.data.words.artists import ARTISTS, MOVEMENT_OF
from diffstyle.data.words.lexicon import MEDIA, PAINTED
from diffstyle.data.words.parse import parse
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.exemplars.words import facts_of

LARGEST = 3_000_000  # bytes of all exemplars


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.load()


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    return StyleEncoder.load()


def test_every_exemplar_is_small_and_has_a_licence_and_a_credit(atlas: Atlas) -> None:
    assert len(atlas.entries) >= 64
    sizes: list[int] = []
    for entry in atlas.entries:
        assert entry.licence in ("CC0", "public domain")
        assert len(entry.credit) > 10
        assert entry.named
        sizes.append(len(atlas.exemplar(entry)))
        with Image.open(atlas.folder / f"{entry.name}.webp") as image:
            assert image.format == "WEBP"
            assert 256 <= max(image.size) <= 384
    assert sum(sizes) <= LARGEST
    assert {p.stem for p in atlas.folder.glob("*.webp")} == {e.name for e in atlas.entries}


def test_the_index_is_what_the_recipe_says(atlas: Atlas) -> None:
    recipe = read_toml(weights_folder() / "starter" / "atlas" / "recipe.toml")
    assert [e["name"] for e in recipe["exemplar"]] == [e.name for e in atlas.entries]
    for made, entry in zip(recipe["exemplar"], atlas.entries, strict=True):
        assert (made["licence"], made["credit"]) == (entry.licence, entry.credit)
        assert sum(kind in made for kind in ("key", "technique", "medium", "rule")) == 1


def test_the_index_and_the_lexicon_use_the_same_names(atlas: Atlas) -> None:
    artists = {a for e in atlas.entries for a in e.artists}
    assert artists == set(ARTISTS) - set(MOVEMENT_OF)
    assert len(artists) >= 35
    movements = {m for e in atlas.entries for m in e.movements}
    assert movements <= set(phrases.MOVEMENTS)
    assert set(MOVEMENT_OF.values()) <= movements
    media = {m for e in atlas.entries for m in e.media}
    assert media <= set(MEDIA)
    assert set(PAINTED) - {"collage", "photograph"} <= media


@pytest.mark.parametrize(
    ("words", "begin"),
    [
        ("Van Gogh", ["van-gogh"]),
        ("van gogh, starry night", ["van-gogh-starry-night"]),
        ("sunflowers by Vincent van Gogh", ["van-gogh-sunflowers"]),
        ("vangoh", ["van-gogh"]),
        ("in the style of Monet", ["monet"]),
        ("Monet's water lilies", ["monet-water-lilies"]),
        ("Cézanne", ["cezanne"]),
        ("cezane", ["cezanne"]),
        ("the great wave by Hokusai", ["hokusai-great-wave"]),
        ("gemälde im Stil von Klimt", ["klimt"]),
        ("rembrant", ["rembrandt"]),
        ("girl with a pearl earring", ["vermeer-pearl"]),
        ("El Greco", ["el-greco"]),
        ("fauvist", ["matisse"]),
        ("ukiyo-e print in indigo", ["hokusai", "sharaku", "ukiyo-e"]),
        ("byzantine icon", ["rublev"]),
        ("impressionist", ["monet", "renoir", "degas", "manet", "pissarro", "sisley", "morisot"]),
        ("baroque", ["caravaggio", "rembrandt", "rubens", "vermeer", "velazquez", "van-goyen"]),
        ("charcoal", ["charcoal"]),
        ("thick impasto", ["impasto"]),
        ("palette knife", ["palette-knife"]),
        ("oil pastel", ["oil-pastel"]),
        ("sumi-e", ["ink-wash"]),
        ("wet-in-wet watercolour", ["wet-in-wet"]),
        ("aquarelle", ["watercolour", "potter"]),
        ("graffiti", ["spray"]),
        ("woven tapestry", ["tapestry"]),
        ("batik", ["batik"]),
        ("Picasso", ["cubist", "segal"]),
        ("Turner", ["aivazovsky", "friedrich", "constable", "delacroix", "goya"]),
        ("stained glass", ["stained-glass"]),
    ],
)
def test_words_find_what_they_name(words: str, begin: Sequence[str], atlas: Atlas, encoder: StyleEncoder) -> None:
    vector = encoder.texts([words])[0]
    found = atlas.find(facts_of(parse(words), words), vector)
    assert found.named
    assert found.entries[0].name.startswith(tuple(begin)), found.entries


def test_every_painter_movement_and_medium_finds_its_own(atlas: Atlas) -> None:
    for kind in ("artists", "movements", "media"):
        for name in sorted({n for e in atlas.entries for n in getattr(e, kind)}):
            found = atlas.find(Facts(**{kind: (name,)}), None)  # pyright: ignore[reportArgumentType]
            assert name in getattr(found.entries[0], kind)


def test_each_fact_gets_an_exemplar_unless_another_has_it(atlas: Atlas, encoder: StyleEncoder) -> None:
    def names(words: str) -> list[str]:
        return [e.name for e in atlas.find(facts_of(parse(words), words), encoder.texts([words])[0]).entries]

    assert len(names("impressionist oil painting by Monet")) == 1
    both = names("Monet and Klimt")
    assert [n.split("-")[0] for n in both] == ["monet", "klimt"]
    assert names("charcoal in the manner of Rembrandt") == ["rembrandt-night-watch", "charcoal"]
    assert len(names("Monet, Klimt, Munch, Hokusai and Goya")) == MOST
    assert not [n for n in names("impressionist, but not Monet") if n.startswith("monet")]


@pytest.mark.parametrize(
    "words", ["Turner", "Vermeer", "Hokusai and gouache", "baroque", "wet-in-wet", "Rembrandt, ink", ""]
)
def test_names_settle_the_entries_if_no_vector_changes_them(words: str, atlas: Atlas) -> None:
    facts = facts_of(parse(words), words)
    generator = torch.Generator().manual_seed(0)
    found = {atlas.find(facts, v).entries for v in torch.randn(64, atlas.vectors.shape[1], generator=generator)}
    assert atlas.settles(facts) == (len(found) == 1)


def test_words_that_name_nothing_get_the_nearest(atlas: Atlas, encoder: StyleEncoder) -> None:
    words = "qwertz asdfg hjkl"
    vector = encoder.encode(Style.from_text(words)).embedding_in(atlas.space)
    found = atlas.find(facts_of(parse(words), words), vector)
    assert not found.named
    assert len(found.entries) == 1
    assert found.cosine == pytest.approx(float((atlas.vectors @ vector).max()), abs=1e-4)


def test_a_damaged_exemplar_or_index_gets_a_sentence(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("atlas")
    path = write_index(folder / "atlas.safetensors", [Entry("one", "0" * 64)], torch.ones(1, 4), "starter")
    read = module._read(path, "1")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(InputError, match="missing or damaged"):
        read.exemplar(read.entries[0])
    (folder / "one.webp").write_bytes(b"other")
    with pytest.raises(InputError, match="missing or damaged"):
        read.exemplar(read.entries[0])
