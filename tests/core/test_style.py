"""Styles as values: weights, mixing, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from diffstyle import InputError, Picture, Reference, Style, StyleSpace, Stylizer
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import style_files
from diffstyle.formats.safetensors import write_safetensors
from tests.conftest import waves


def reference(name: str, weight: float = 1.0) -> Reference:
    return Reference(name, name, weight, statistics={"space": torch.arange(4.0)})


names = st.text("abcdef", min_size=1, max_size=6)
weights = st.floats(0.01, 100)
styles = st.dictionaries(names, weights, min_size=1, max_size=4).map(
    lambda d: Style(tuple(reference(n, w) for n, w in d.items()))
)


@given(styles)
@settings(max_examples=50)
def test_weights_sum_to_one(style: Style) -> None:
    assert sum(r.weight for r in style.references) == pytest.approx(1)


@given(st.lists(st.tuples(styles, weights), min_size=1, max_size=4))
@settings(max_examples=50)
def test_mixing_ignores_order_and_scale(pairs: list[tuple[Style, float]]) -> None:
    mixed = Style.mix(pairs)
    by_name = {r.digest: r.weight for r in mixed.references}
    for other in (Style.mix(pairs[::-1]), Style.mix([(s, w * 3) for s, w in pairs])):
        assert {r.digest: r.weight for r in other.references} == pytest.approx(by_name)
    expected: dict[str, float] = {}
    for style, weight in pairs:
        for r in style.references:
            expected[r.digest] = expected.get(r.digest, 0) + r.weight * weight / sum(w for _, w in pairs)
    assert by_name == pytest.approx(expected)


def test_a_style_mixed_with_itself_is_itself(painting: Style) -> None:
    assert Style.mix({painting: 0.3}) == painting
    assert Style.mix([(painting, 1), (painting, 5)]) == painting
    assert Style.from_image(waves(160, 120, seed=1)) == painting
    assert Style.from_image(waves(160, 120, seed=2)) != painting


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -0.1])
def test_bad_weights_are_refused(bad: float, painting: Style) -> None:
    with pytest.raises(InputError, match="number of 0 or more"):
        Style.mix({painting: bad})
    with pytest.raises(InputError, match="number of 0 or more"):
        Style.from_images([waves(32, 32)], [bad])


def test_empty_and_zero_blends_are_refused(painting: Style) -> None:
    with pytest.raises(InputError):
        Style.mix({})
    with pytest.raises(InputError, match="positive"):
        Style.mix({painting: 0})
    with pytest.raises(InputError):
        Style.from_images([])
    with pytest.raises(InputError, match="one weight for each"):
        Style.from_images([waves(32, 32)], [1, 2])


def test_a_saved_style_paints_the_same_picture(
    stylizer: Stylizer, photo: Picture, painting: Style, tmp_path: Path
) -> None:
    path = stylizer.measure(painting).save(tmp_path / "waves.style.safetensors")
    loaded = Style.load(path)
    assert loaded == painting
    assert not any(r.pictures for r in loaded.references)
    assert stylizer.stylize(photo, loaded).picture == stylizer.stylize(photo, painting).picture


def test_an_unmeasured_style_is_not_saved(painting: Style, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="measure"):
        painting.save(tmp_path / "waves.style.safetensors")
    with pytest.raises(InputError, match="must end in"):
        painting.save(tmp_path / "waves.png")
    assert not list(tmp_path.iterdir())


def test_foreign_style_files_get_a_sentence(tmp_path: Path, stylizer: Stylizer, photo: Picture) -> None:
    path = tmp_path / "x.style.safetensors"
    write_safetensors(path, {"a": torch.zeros(3)})
    with pytest.raises(InputError, match="not a style file"):
        Style.load(path)
    torch.save({"a": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="pickle"):
        Style.load(path)
    path.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(InputError, match="safetensors"):
        Style.load(path)
    other = Style((Reference("x", "x", statistics={"preview-of-another-day": torch.zeros(265)}),))
    for engine, said in (("adain", "another version of diffstyle"), ("diffusion", "make it again from its picture")):
        with pytest.raises(InputError, match=said):
            stylizer.stylize(photo, other, engine=engine)


def test_damaged_statistics_get_a_sentence(painting: Style, stylizer: Stylizer, photo: Picture) -> None:
    (measured,) = stylizer.measure(painting).references
    assert measured.statistics
    for space, flat in measured.statistics.items():
        for bad in (flat * float("nan"), flat[:-1]):
            damaged = Style((replace(measured, pictures=(), statistics={**measured.statistics, space: bad}),))
            with pytest.raises(InputError, match="damaged"):
                stylizer.stylize(photo, damaged, engine="adain")


def test_specs(painting_file: Path, tmp_path: Path) -> None:
    plain = parse_style([str(painting_file)])
    assert parse_style([f"{painting_file}:0.3"]) == plain
    assert parse_style([f"image:{painting_file}:2e-1"]) == plain
    name = "klimt-gold"
    assert parse_style([name]) == parse_style([f"preset:{name}:4"]) == Style.load(style_files()[name])
    mixed = parse_style([f"{painting_file}:3", f"{name}:1"])
    assert sorted(r.weight for r in mixed.references) == pytest.approx([0.25, 0.75])
    with pytest.raises(InputError, match="no such file"):
        parse_style([f"image:{name}"])
    assert parse_style([str(painting_file), name]).name == " + ".join(sorted(["painting.jpg", name]))
    assert not parse_style([str(painting_file), name]).licence  # nobody said so of the painting
    assert parse_style([name, "rublev-icon"]).licence == "public domain"
    odd = tmp_path / "odd:0.5"  # a file whose name looks like a weight
    odd.write_bytes(painting_file.read_bytes())
    assert parse_style([str(odd)]) == plain


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("nothing.jpg", "no such file"),
        ("van-gogh-iris", "van-gogh-irises"),
        ("preset:zzzzzz", "style list"),
        ("./nothing", "no such file"),
        ("paintings/nothing", "no such file"),
        ("C:\\nothing", "no such file"),
        ("image:watercolour", "no such file"),
        ("text:", "empty"),
        ("nothing.style.safetensors", "no such file"),
        ("nothing.ipadpt", "no such file"),
        ("a.jpg:nan", "0 or more"),
        ("a.jpg:-1", "0 or more"),
        ("a.jpg:inf", "0 or more"),
    ],
)
def test_bad_specs_get_a_sentence(spec: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        parse_style([spec])


@pytest.mark.parametrize(
    "words",
    [
        "ukiyo-e woodblock print, indigo and cream",
        "art-nouveau",
        "pen and ink/wash",
        "in the style of J.M.W. Turner",
        "zzzzzz",
        "watercolour painting",
    ],
)
def test_words_are_words(words: str) -> None:
    for spec in (words, f"{words}:0.5", f"text:{words}"):
        (only,) = parse_style([spec]).references
        assert only.prompt == words
        assert not only.pictures
    assert not parse_style(["text:ukiyo-e"]).name  # a preset's name, but said to be words
    assert parse_style(["ukiyo-e"]).name == "ukiyo-e"


def point(*values: float, space: str = "here") -> Style:
    return Style.from_embedding(torch.tensor(values), space, name=f"point {values}")


def test_the_algebra_of_embeddings() -> None:
    a, b = point(3, 0, 0), point(0, 2, 0)
    assert torch.equal(a.embedding, torch.tensor([1.0, 0, 0]))
    half = Style.mix({a: 0.5, b: 0.5}).embedding
    assert torch.allclose(half, torch.tensor([1.0, 1, 0]) / 2**0.5)
    assert torch.equal(half, Style.mix({b: 1, a: 1}).embedding)
    assert torch.equal(half, Style.slerp(a, b, 0.5).embedding)
    path = Style.path(a, b, 4)
    assert path[0] == a
    assert path[-1] == b
    angles = [float(torch.rad2deg(torch.atan2(p.embedding[1], p.embedding[0]))) for p in path]
    assert angles == pytest.approx([0, 30, 60, 90], abs=1e-3)
    assert torch.allclose(Style.mix({a: 1, b: 1}).minus(b, 0.5**0.5).embedding, a.embedding, atol=1e-6)
    several = Style.mix({a: 1, b: 1, point(0, 0, 1): 2})
    whole = Style.slerp(several, a, 0.25)
    full = float(torch.arccos(several.embedding @ a.embedding))
    assert float(torch.arccos(several.embedding @ whole.embedding)) == pytest.approx(0.25 * full, abs=1e-4)


def test_algebra_that_cannot_be_done_gets_a_sentence(painting: Style) -> None:
    a = point(1, 0)
    with pytest.raises(InputError, match="opposites"):
        _ = Style.mix({a: 1, point(-1, 0): 1}).embedding
    with pytest.raises(InputError, match="zero"):
        a.minus(a)
    with pytest.raises(InputError, match="in one space"):
        a.minus(point(1, 0, space="elsewhere"))
    with pytest.raises(InputError, match="has no embedding"):
        _ = painting.embedding
    with pytest.raises(InputError, match="at least 2"):
        Style.path(a, point(0, 1), 1)
    for t in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="t is"):
            Style.slerp(a, point(0, 1), t)
    with pytest.raises(InputError, match="k is"):
        a.minus(point(0, 1), float("inf"))
    for bad in (torch.zeros(3), torch.full((3,), float("nan")), torch.zeros(2, 3)):
        with pytest.raises(InputError, match="embedding of"):
            Style.from_embedding(bad, "here")


def test_everything_of_a_style_is_saved(tmp_path: Path) -> None:
    text = Reference("digest", "dark woodcut", 0.3, prompt="dark woodcut", confidence=0.25,
                     embeddings={"here": torch.tensor([0.6, 0.8])})  # fmt: skip
    style = Style((*point(1, 2).references, text), "both", "CC0", "a card", b"\xff\xd8 not really a JPEG")
    loaded = Style.load(style.save(tmp_path / "both.style.safetensors"))
    assert (loaded.name, loaded.licence, loaded.card, loaded.thumbnail) == ("both", "CC0", "a card", style.thumbnail)
    assert loaded.prompt == "dark woodcut"
    assert loaded.confidence == 0.25
    assert loaded == style
    for before, after in zip(style.references, loaded.references, strict=True):
        assert before.weight == after.weight
        assert torch.equal(before.embeddings["here"], after.embeddings["here"])
    assert torch.equal(style.embedding, loaded.embedding)
    damaged = Reference("x", "x", embeddings={"here": torch.tensor([float("nan"), 1])})
    with pytest.raises(InputError, match="not finite"):
        Style.load(Style((damaged,)).save(tmp_path / "nan.style.safetensors"))


def test_ipadpt_files(tmp_path: Path) -> None:
    style = Style.from_embedding(torch.randn(1024, generator=torch.Generator().manual_seed(0)), "my-space")
    path = style.save(tmp_path / "mine.ipadpt")
    assert torch.load(path, weights_only=True).shape == (1, 1024)  # what ComfyUI's nodes read
    loaded = Style.load(path)
    assert loaded.space == "ViT-H-14/laion2b_s32b_b79k"
    assert torch.equal(loaded.embedding, style.embedding)
    assert Style.load(path, space="my-space").space == "my-space"
    torch.save(torch.randn(3, 1024), path)
    assert len(Style.load(path).references) == 3
    for foreign, expected in (
        (torch.zeros(1, 1024), "zero"),
        (torch.ones(1, 7), "name it with space="),
        (torch.ones(1, 257, 1280), "not picture embeddings"),
        ({"a": 1}, "not picture embeddings"),
    ):
        torch.save(foreign, path)
        with pytest.raises(InputError, match=expected):
            Style.load(path)
    path.write_bytes(b"not a tensor")
    with pytest.raises(InputError, match="not an"):
        Style.load(path)
    with pytest.raises(InputError, match="needs an embedding"):
        Style.from_text("woodcut").save(tmp_path / "none.ipadpt")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('evil-was-here', 'w')",))


def test_an_ipadpt_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(Evil(), tmp_path / "evil.ipadpt")
    with pytest.raises(InputError, match="not an"):
        Style.load(tmp_path / "evil.ipadpt")
    assert not (tmp_path / "evil-was-here").exists()


def test_a_mix_keeps_all_that_is_known_of_its_parts(painting: Style) -> None:
    (plain,) = painting.references
    here = Style((Reference(plain.digest, "a", embeddings={"here": torch.tensor([0.6, 0.8])}),))
    for order in ([(here, 1.0), (painting, 2.0)], [(painting, 2.0), (here, 1.0)]):
        (both,) = Style.mix(order).references
        assert both.pictures
        assert "here" in both.embeddings


def test_a_path_between_blends_of_pictures_does_not_jump(stylizer: Stylizer, photo: Picture) -> None:
    blend = stylizer.encoder.encode(Style.from_images([waves(90, 90, seed=n) for n in (3, 4)]))
    nearly = Style.slerp(blend, stylizer.encoder.encode(Style.from_text("mosaic")), 1e-4)
    pictures = [stylizer.stylize(photo, s).picture.pixels for s in (blend, nearly)]
    assert float((pictures[0] - pictures[1]).abs().mean()) < 0.01


def test_a_picture_is_measured_even_after_its_embedding_was_painted(stylizer: Stylizer, photo: Picture) -> None:
    style = Style.from_image(waves(110, 70, seed=12))
    bare = replace(stylizer.encoder.encode(style).references[0], pictures=())
    stylizer.stylize(photo, Style((bare,)), engine="adain")
    fresh = Stylizer.load(device="cpu").stylize(photo, style, engine="adain")
    assert stylizer.stylize(photo, style, engine="adain").picture == fresh.picture


def test_words_blend_with_a_file_that_has_statistics_alone(
    stylizer: Stylizer, photo: Picture, painting: Style, tmp_path: Path
) -> None:
    old = Style.load(stylizer.measure(painting).save(tmp_path / "old.style.safetensors"))
    blend = Style.mix({old: 0.3, Style.from_text("mosaic"): 0.7})
    assert stylizer.stylize(photo, blend).picture.size == photo.size


def test_specs_with_prefixes_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(waves(80, 60)).save("odd:0.5", "JPEG")
    (tmp_path / "mosaic").mkdir()
    assert parse_style(["image:odd:0.5"]).references[0].pictures
    assert parse_style(["mosaic"]).name == "mosaic"  # a folder hides no name
    assert parse_style(["TEXT:blue: 2"]).prompt == "blue"
    mixed = parse_style(["dark woodcut : 3", "preset:mosaic:1"])
    assert max(r.weight for r in mixed.references if r.prompt) == pytest.approx(0.75)
    with pytest.raises(InputError, match="write text:black/white"):
        parse_style(["black/white"])
    with pytest.raises(InputError, match="too large"):
        parse_style(["a woodcut:1e308", "mosaic tiles:1e308"])


def test_embeddings_of_another_width_get_a_sentence(stylizer: Stylizer, photo: Picture) -> None:
    seven = Style.from_embedding(torch.ones(7), stylizer.encoder.space)
    with pytest.raises(InputError, match="7 numbers"):
        stylizer.stylize(photo, seven)
    with pytest.raises(InputError, match="7 numbers"):
        StyleSpace.presets().nearest(seven)
    with pytest.raises(InputError, match="numbers"):
        _ = Style.mix({seven: 1, stylizer.encoder.encode(Style.from_text("mosaic")): 1}).embedding
