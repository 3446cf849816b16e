"""Styles as values: weights, mixing, files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffstyle import InputError, Picture, Reference, Style, Stylizer
from diffstyle.style_spec import parse_style
from diffstyle.tensors import write_safetensors
from diffstyle.zoo import style_files
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
    assert all(r.picture is None for r in loaded.references)
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
    with pytest.raises(InputError, match="another preview network"):
        stylizer.stylize(photo, other)


def test_damaged_statistics_get_a_sentence(painting: Style, stylizer: Stylizer, photo: Picture) -> None:
    (measured,) = stylizer.measure(painting).references
    (space,) = measured.statistics
    for bad in (measured.statistics[space] * float("nan"), measured.statistics[space][:-1]):
        with pytest.raises(InputError, match="damaged"):
            stylizer.stylize(photo, Style((Reference("x", "x", statistics={space: bad}),)))


def test_specs(painting_file: Path, tmp_path: Path) -> None:
    plain = parse_style([str(painting_file)])
    assert parse_style([f"{painting_file}:0.3"]) == plain
    assert parse_style([f"image:{painting_file}:2e-1"]) == plain
    name = next(iter(style_files()))
    assert parse_style([name]) == parse_style([f"preset:{name}:4"]) == Style.load(style_files()[name])
    mixed = parse_style([f"{painting_file}:3", f"{name}:1"])
    assert sorted(r.weight for r in mixed.references) == pytest.approx([0.25, 0.75])
    with pytest.raises(InputError, match="no such file"):
        parse_style([f"image:{name}"])
    assert parse_style([str(painting_file), name]).name == " + ".join(sorted(["painting.jpg", name]))
    assert parse_style([str(painting_file), name]).licence == "public domain"
    odd = tmp_path / "odd:0.5"  # a file whose name looks like a weight
    odd.write_bytes(painting_file.read_bytes())
    assert parse_style([str(odd)]) == plain


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("nothing.jpg", "no such file"),
        ("van-gogh-iris", "van-gogh-irises"),
        ("preset:zzzzzz", "style list"),
        ("a.jpg:nan", "0 or more"),
        ("a.jpg:-1", "0 or more"),
        ("a.jpg:inf", "0 or more"),
    ],
)
def test_bad_specs_get_a_sentence(spec: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        parse_style([spec])
