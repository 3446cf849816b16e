"""The page's endpoints: what they accept, what they return, and how they refuse."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from diffstyle_ui.app.endpoints import engine_fields
from gradio_client import Client, handle_file
from PIL import Image

from diffstyle import Picture, Settings, Stylizer, read_recipe
from diffstyle.assets.hub import known_models, where
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.fields import fields_of
from diffstyle.engines.registry import engine_from, engine_names, settings_class
from tests.conftest import waves
from tests.helpers.masks import left_half
from tests.helpers.page_client import ask, connect, refusal
from tests.helpers.quick import few_of
from tests.helpers.serving import ServedPage
from tests.helpers.styles import suited_specs


def largest_difference(path: str, picture: Picture) -> int:
    return int(np.abs(Picture.open(path).to_array().astype(int) - picture.to_array()).max())


def test_the_documented_endpoints_exist(client: Client) -> None:
    described = cast("dict[str, Any]", client.view_api(return_format="dict", print_info=False))
    names = {"preview", "render", "variations", "paint", "video", "replay", "path", "train", "distil", "cancel"}
    names |= {"styles", "nearest", "recipe", "models", "vote"}
    assert {f"/{name}" for name in names} == set(described["named_endpoints"])


def test_parameters_have_types_ranges_and_defaults(client: Client) -> None:
    described = cast("dict[str, Any]", client.view_api(return_format="dict", print_info=False))["named_endpoints"]
    render = {p["parameter_name"]: p for p in described["/render"]["parameters"]}
    assert render["photo"]["python_type"]["type"] == "filepath"
    assert not render["photo"]["parameter_has_default"]
    assert render["pictures"]["python_type"]["type"] == "list[filepath]"
    assert render["style"]["python_type"]["type"] == "list[str]"
    assert render["colour"]["type"]["enum"] == ["off", "keep", "match", "palette"]
    assert render["engine"]["type"]["enum"] == list(engine_names())
    for info in fields_of(Settings):
        found = render[info.name]
        assert found["parameter_default"] == info.default
        assert info.help.split(".")[0] in found["python_type"]["description"]
        if info.bounds:
            assert (found["type"]["minimum"], found["type"]["maximum"]) == info.bounds
            assert found["python_type"]["type"] in ("int", "float")
    for name, kinds in (
        ("render", ["filepath"]),
        ("preview", ["filepath"]),
        ("variations", ["list[filepath]"]),
        ("styles", ["dict(str, list[float])"]),
    ):
        assert [value["python_type"]["type"] for value in described[f"/{name}"]["returns"]] == kinds
    for endpoint in described.values():
        for each in endpoint["parameters"]:
            assert each["python_type"]["type"] != "Any" or each["parameter_name"] in engine_fields()
            assert each["python_type"]["description"] or each["parameter_name"] in engine_fields()


@pytest.mark.parametrize("engine", engine_names())
def test_render_equals_the_library(engine: str, client: Client, photo_file: Path, stylizer: Stylizer) -> None:
    cls = settings_class(engine)
    own = {"steps": 2} if "steps" in {f.name for f in fields_of(cls)} else few_of(cls)
    style = suited_specs(engine, "klimt-gold:0.5", "blue ink drawing:0.5")
    shared: dict[str, Any] = {"strength": 0.7, "seed": 3, "size": 128}
    out = ask(client, "render", photo=handle_file(photo_file), style=style, engine=engine, **shared, **own)
    recipe = read_recipe(out)
    assert recipe.settings == Settings(**shared)
    assert recipe.engine == engine
    assert recipe.content_source == "photo.png"
    again = stylizer.stylize(photo_file, parse_style(style), engine=engine_from(engine, own), **shared)
    assert largest_difference(out, again.picture) <= 2


def test_the_default_engine_is_the_models_own(client: Client, photo_file: Path, stylizer: Stylizer) -> None:
    out = ask(client, "render", photo=handle_file(photo_file), style=["klimt-gold"], size=64)
    assert read_recipe(out).engine == stylizer.default_engine


def test_words_that_name_a_medium_choose_the_engine(client: Client, photo_file: Path) -> None:
    out = ask(client, "render", photo=handle_file(photo_file), style=["halftone dots"], size=64)
    assert read_recipe(out).engine == "media"


def test_depth_is_that_of_the_saved_file(client: Client, photo_file: Path) -> None:
    out = ask(client, "render", photo=handle_file(photo_file), style=["neon"], size=64, depth=16)
    assert read_recipe(out).depth == 16
    assert Path(out).read_bytes()[24] == 16  # the bit depth in a PNG's header


def test_previews_are_small_and_follow_their_settings(client: Client, tmp_path: Path) -> None:
    Image.fromarray(waves(700, 350)).save(tmp_path / "wide.png")
    photo = handle_file(tmp_path / "wide.png")
    unchanged, painted = (
        ask(client, "preview", photo=photo, style=["neon"], strength=s, size=2048) for s in (0.0, 1.0)
    )
    assert Picture.open(unchanged).size == Picture.open(painted).size == (512, 256)
    small = Picture.open(tmp_path / "wide.png").resized((512, 256))
    assert largest_difference(unchanged, small) <= 1
    assert largest_difference(painted, small) > 10


def test_pictures_show_a_style(client: Client, photo_file: Path, painting_file: Path) -> None:
    out = ask(client, "preview", photo=handle_file(photo_file), style=[], pictures=[handle_file(painting_file)])
    (reference,) = read_recipe(out).style.references
    assert reference.source == "painting.jpg"
    assert reference.digest == Picture.open(painting_file).digest()


def test_words_are_never_a_file(client: Client, photo_file: Path) -> None:
    out = ask(client, "preview", photo=handle_file(photo_file), style=[f"image:{photo_file}"])
    (reference,) = read_recipe(out).style.references
    assert reference.prompt == f"image:{photo_file}"


def test_a_path_starts_and_ends_at_its_styles(client: Client, photo_file: Path) -> None:
    steps = ask(client, "path", photo=handle_file(photo_file), start="neon", end="pencil drawing", n=3)
    first, last = (
        Picture.open(ask(client, "preview", photo=handle_file(photo_file), style=[s]))
        for s in ("neon", "pencil drawing")
    )
    assert len(steps) == 3
    assert Picture.open(steps[0]) == first
    assert Picture.open(steps[-1]) == last


def test_a_mask_is_painted_and_split_into_layers(client: Client, photo_file: Path, tmp_path: Path) -> None:
    photo = Picture.open(photo_file)
    mask, middle = left_half(photo.width, photo.height), photo.width // 2
    Image.fromarray(mask).save(tmp_path / "left.png")
    asked = {"photo": handle_file(photo_file), "mask": handle_file(tmp_path / "left.png"), "inside": "neon"}
    result, inside, outside, alone = ask(client, "paint", **asked, feather=0)
    painted = Picture.open(result)
    assert torch.equal(painted.pixels[..., middle:], photo.pixels[..., middle:])
    assert not torch.equal(painted.pixels[..., :middle], photo.pixels[..., :middle])
    assert np.array_equal(np.asarray(Image.open(inside))[..., 3], mask)
    assert np.array_equal(np.asarray(Image.open(outside))[..., 3], 255 - mask)
    assert np.array_equal(np.asarray(Image.open(alone)), mask)
    around = Picture.open(ask(client, "paint", **asked, elsewhere="charcoal", feather=0)[0])
    assert not torch.equal(around.pixels[..., middle:], photo.pixels[..., middle:])


@pytest.mark.parametrize("engine", engine_names())
def test_the_settings_of_a_recipe_render_the_same_again(engine: str, client: Client, photo_file: Path) -> None:
    own = few_of(settings_class(engine))
    photo = handle_file(photo_file)
    style = suited_specs(engine, "blue ink drawing")
    out = ask(client, "render", photo=photo, style=style, engine=engine, strength=0.4, seed=11, size=64, **own)
    found = ask(client, "recipe", picture=handle_file(out))
    assert found["photo"] == "photo.png"
    assert found["settings"]["engine"] == engine
    assert found["style"] == [{"label": style[0], "weight": 1}]
    again = ask(client, "render", photo=photo, style=style, **found["settings"])
    assert largest_difference(out, Picture.open(again)) == 0


def test_replay_repeats_a_picture_with_its_regions(
    client: Client, photo_file: Path, stylizer: Stylizer, tmp_path: Path
) -> None:
    photo = Picture.open(photo_file)
    regions = [(left_half(photo.width, photo.height), parse_style(["neon"]))]
    result = stylizer.stylize(photo, parse_style(["charcoal"]), seed=5, regions=regions)
    result.save(tmp_path / "regions.png")
    again = ask(client, "replay", picture=handle_file(tmp_path / "regions.png"), photo=handle_file(photo_file))
    assert largest_difference(again, result.picture) <= 2
    plain = handle_file(photo_file)
    assert "no diffstyle recipe" in refusal(client, "replay", picture=plain, photo=plain)


def test_variations_differ_and_can_be_voted_on(served: ServedPage, photo_file: Path) -> None:
    other = connect(served)  # a session without results
    four = ask(other, "variations", photo=handle_file(photo_file), style=["neon"], seed=20, size=64)
    found = [read_recipe(path).settings for path in four]
    assert [settings.seed for settings in found] == [20, 21, 22, 23]
    assert len({replace(settings, seed=0) for settings in found}) == 4
    ask(other, "vote", a=1, b=4, choice="b")
    *_, line = csv.DictReader((served.folder / "votes.csv").read_text().splitlines())
    assert line["choice"] == "b"
    assert line["a_sha256"]
    assert "no longer available" in refusal(other, "vote", a=1, b=5, choice="b")
    assert "one of a, b, same" in refusal(other, "vote", a=1, b=2, choice="left")
    other.close()


def test_styles_have_positions_and_neighbours(client: Client) -> None:
    positions = ask(client, "styles")
    assert set(positions) > {"klimt-gold", "neon"}
    assert all(-1 <= v <= 1 for position in positions.values() for v in position)
    assert ask(client, "nearest", style=["neon"], k=2)[0][0] == "neon"


def test_models_are_those_that_the_library_knows(client: Client) -> None:
    rows = {row["name"]: row for row in ask(client, "models")}
    assert set(rows) == {"starter", *known_models()}
    for name, model in known_models().items():
        assert rows[name]["here"] == (where(model) is not None)
        assert rows[name]["here"] or rows[name]["command"].endswith(f"pull {name}")


def test_bad_trainings_are_refused(client: Client, painting_file: Path) -> None:
    pictures = [handle_file(painting_file)] * 3
    assert "not a valid name" in refusal(client, "train", pictures=pictures, name="../up", steps=3)
    assert "steps is -3" in refusal(client, "train", pictures=pictures, name="none", steps=-3)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"name": "../up"}, "not a valid name"),
        ({"style": []}, "no style"),
        ({"style": ["neon"] * 7}, "give at most 6"),
        ({"minutes": 600}, "give one of 5, 20, 60"),
        ({"steps": 10**6}, "give at most 5000"),
        ({"network": "huge"}, "tiny"),
    ],
)
def test_students_that_cannot_be_trained_are_refused(client: Client, parameters: dict[str, Any], expected: str) -> None:
    assert expected in refusal(client, "distil", **{"style": ["neon"], "name": "none"} | parameters)


@pytest.mark.long  # it starts the training process
def test_errors_of_the_training_process_are_sentences(client: Client, painting_file: Path) -> None:
    assert "at least 3" in refusal(client, "train", pictures=[handle_file(painting_file)], name="few", steps=3)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"style": []}, "no style"),
        ({"strength": 7}, "strength is 7"),
        ({"size": 3}, "from 64"),
        ({"engine": "oil"}, ", ".join(engine_names())),
        ({"engine": "adain", "steps": 7}, "adain has no setting steps"),
        ({"depth": 12}, "depth is 12"),
        ({"style": ["..."]}, "no words"),
        ({"style": ["neon"] * 9}, "at most"),
        ({"strength": "<img src=x>"}, "&lt;img"),
    ],
)
def test_bad_settings_are_refused(parameters: dict[str, Any], expected: str, client: Client, photo_file: Path) -> None:
    asked = {"photo": handle_file(photo_file), "style": ["neon"]} | parameters
    assert expected in refusal(client, "preview", **asked)


def test_a_setting_that_the_engine_lacks_is_refused(client: Client, photo_file: Path) -> None:
    asked = {"photo": handle_file(photo_file), "style": ["neon"], "engine": "adain", "structure": 0.9}
    assert "structure" in refusal(client, "render", **asked)
