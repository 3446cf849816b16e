"""The page's server: its API, its limits, its sentences, and what it keeps to itself."""

from __future__ import annotations

import csv
import inspect
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest
import torch
from diffstyle_ui.form import settings_of, values_of
from diffstyle_ui.limits import Limits
from diffstyle_ui.page import desk
from diffstyle_ui.parts import parts_of
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from diffstyle import InputError, Picture, Settings, Style, Stylizer, read_recipe
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.task import setting_fields
from tests.conftest import waves
from tests.helpers.bad_files import BAD_FILES
from tests.serving import Served, serving

LIMITS = ("--max-pixels", 400_000, "--max-upload-mb", 2, "--queue-size", 40)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("ui"), *LIMITS) as page:
        yield page


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Client]:
    client = Client(served.address, verbose=False, download_files=str(served.folder / "fetched"))
    yield client
    client.close()


def ask(client: Client, name: str, /, **named: Any) -> Any:
    return client.predict(api_name=f"/{name}", **named)


def test_every_action_has_a_name_and_takes_keywords(client: Client) -> None:
    info = cast("dict[str, Any]", client.view_api(return_format="dict", print_info=False))["named_endpoints"]
    assert {
        "/preview",
        "/render",
        "/paint",
        "/train",
        "/variations",
        "/replay",
        "/vote",
        "/path",
        "/styles",
        "/nearest",
        "/recipe",
        "/models",
        "/cancel",
    } <= set(info)
    for name in ("/preview", "/render", "/variations"):
        parameters = {p["parameter_name"]: p for p in info[name]["parameters"]}
        assert set(parameters) == {"photo", "style", "pictures"} | {f.name for f in fields(Settings)}
        for field in setting_fields():
            assert parameters[field.name]["parameter_default"] == field.default


@pytest.mark.parametrize("engine", ["adain", "diffusion"])
def test_render_is_what_the_library_paints(engine: str, client: Client, photo_file: Path, stylizer: Stylizer) -> None:
    chosen: dict[str, Any] = {"engine": engine, "strength": 0.7, "seed": 3, "size": 128}
    out = ask(client, "render", photo=handle_file(photo_file), style=["klimt-gold:0.5", "blue ink:0.5"], **chosen)
    recipe = read_recipe(out)
    assert recipe.settings.strength == 0.7
    assert recipe.settings.engine == engine
    assert recipe.content_source == "photo.png"
    again = stylizer.stylize(photo_file, recipe.style, **chosen)
    assert np.abs(again.picture.to_array().astype(int) - np.asarray(Image.open(out))).max() <= 2


def test_preview_is_small_and_follows_its_settings(client: Client, tmp_path: Path) -> None:
    Image.fromarray(waves(700, 350)).save(tmp_path / "wide.png")
    photo = handle_file(tmp_path / "wide.png")
    untouched, painted = (
        Picture.open(ask(client, "preview", photo=photo, style=["neon"], strength=s)) for s in (0.0, 1.0)
    )
    assert untouched.size == painted.size == (512, 256)
    small = Picture.open(tmp_path / "wide.png").resized((512, 256))
    assert np.abs(untouched.to_array().astype(int) - small.to_array()).max() <= 1
    assert np.abs(painted.to_array().astype(int) - small.to_array()).mean() > 10


def test_pictures_show_a_style(client: Client, photo_file: Path, painting_file: Path) -> None:
    out = ask(client, "preview", photo=handle_file(photo_file), style=[], pictures=[handle_file(painting_file)])
    (reference,) = read_recipe(out).style.references
    assert reference.source == "painting.jpg"
    assert reference.digest == Picture.open(painting_file).digest()


def test_a_path_goes_from_one_style_to_the_other(client: Client, photo_file: Path) -> None:
    steps = ask(client, "path", photo=handle_file(photo_file), start="neon", end="pencil drawing", n=3)
    first, _, last = (Picture.open(step) for step in steps)
    alone = Picture.open(ask(client, "preview", photo=handle_file(photo_file), style=["neon"]))
    assert first == alone
    assert not np.array_equal(first.to_array(), last.to_array())


def test_a_mask_is_painted_and_its_layers_come_apart(client: Client, photo_file: Path, tmp_path: Path) -> None:
    photo = Picture.open(photo_file)
    held = np.zeros((photo.height, photo.width), np.uint8)
    held[:, : photo.width // 2] = 255
    Image.fromarray(held).save(tmp_path / "left.png")
    asked = {"photo": handle_file(photo_file), "mask": handle_file(tmp_path / "left.png"), "inside": "neon"}
    result, inside, outside, mask = ask(client, "paint", **asked, feather=0)
    painted = Picture.open(result)
    assert torch.equal(painted.pixels[..., photo.width // 2 :], photo.pixels[..., photo.width // 2 :])
    assert not torch.equal(painted.pixels[..., : photo.width // 2], photo.pixels[..., : photo.width // 2])
    assert np.array_equal(np.asarray(Image.open(inside))[..., 3], held)
    assert np.array_equal(np.asarray(Image.open(outside))[..., 3], 255 - held)
    assert np.array_equal(np.asarray(Image.open(mask)), held)
    around = ask(client, "paint", **asked, elsewhere="charcoal", feather=0)[0]
    assert not torch.equal(Picture.open(around).pixels, painted.pixels)


def test_bad_trainings_get_a_sentence(client: Client, painting_file: Path) -> None:
    one = [handle_file(painting_file)]
    assert "at least 3" in refused(client, "train", pictures=one, name="few", steps=3)
    assert "no name" in refused(client, "train", pictures=one * 3, name="../up", steps=3)
    assert "steps is -3" in refused(client, "train", pictures=one * 3, name="none", steps=-3)


def test_styles_and_models_are_the_library_s(client: Client) -> None:
    places = ask(client, "styles")
    assert set(places) > {"klimt-gold", "neon"}
    assert all(-1 <= v <= 1 for place in places.values() for v in place)
    assert ask(client, "nearest", style=["neon"], k=2)[0][0] == "neon"
    rows = {row["name"]: row for row in ask(client, "models")}
    assert rows["starter"]["here"]
    assert rows["starter"]["memory"] == "1.2 GB"
    assert rows["sdxl"]["memory"]
    assert rows["sd15"]["here"] or rows["sd15"]["command"] == "diffstyle models pull sd15"


def test_a_recipe_comes_back(client: Client, photo_file: Path) -> None:
    out = ask(client, "render", photo=handle_file(photo_file), style=["neon"], engine="adain", strength=0.4, seed=11)
    found = ask(client, "recipe", picture=handle_file(out))
    assert found["settings"]["strength"] == 0.4
    assert found["settings"]["seed"] == 11
    assert found["photo"] == "photo.png"


def test_a_saved_picture_is_painted_again_with_its_masks(
    client: Client, photo_file: Path, stylizer: Stylizer, tmp_path: Path
) -> None:
    photo = Picture.open(photo_file)
    held = np.zeros((photo.height, photo.width), np.uint8)
    held[: photo.height // 2] = 255
    regions = [(Picture.from_array(np.repeat(held[..., None], 3, 2)), parse_style(["neon"]))]
    result = stylizer.stylize(photo, parse_style(["charcoal"]), engine="adain", seed=5, regions=regions)
    result.save(tmp_path / "regions.png")
    again = ask(client, "replay", picture=handle_file(tmp_path / "regions.png"), photo=handle_file(photo_file))
    assert np.abs(Picture.open(again).to_array().astype(int) - result.picture.to_array()).max() <= 2
    assert "no diffstyle recipe" in refused(
        client, "replay", picture=handle_file(photo_file), photo=handle_file(photo_file)
    )


def test_variations_are_voted_on(served: Served, photo_file: Path) -> None:
    other = Client(served.address, verbose=False, download_files=str(served.folder / "fetched"))  # with no renders yet
    four = ask(other, "variations", photo=handle_file(photo_file), style=["neon"], engine="adain", seed=20)
    assert [read_recipe(path).settings.seed for path in four] == [20, 21, 22, 23]
    ask(other, "vote", a=1, b=4, choice="b")
    *_, line = csv.DictReader((served.folder / "votes.csv").read_text().splitlines())
    assert line["choice"] == "b"
    assert "seed 20" in line["a"]
    assert "seed 23" in line["b"]
    assert "no longer here" in refused(other, "vote", a=1, b=5, choice="b")
    assert "one of a, b, same" in refused(other, "vote", a=1, b=2, choice="left")
    other.close()


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_uploads_get_a_sentence(name: str, client: Client, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name][0])
    sentence = refused(client, "preview", photo=handle_file(tmp_path / name), style=["neon"])
    assert name in sentence
    assert "/" not in sentence.replace(name, ""), "a path of the server"


def refused(client: Client, name: str, /, **named: Any) -> str:
    """The sentence with which a request is refused."""
    with pytest.raises(AppError) as caught:
        ask(client, name, **named)
    sentence = str(caught.value)
    assert sentence.rstrip().endswith(".")
    assert "Traceback" not in sentence
    assert "\n" not in sentence
    return sentence


def test_two_hundred_million_pixels_are_refused_undecoded(client: Client, tmp_path: Path) -> None:
    Image.new("1", (20_000, 10_000)).save(tmp_path / "huge.png")
    assert "million pixels" in refused(client, "preview", photo=handle_file(tmp_path / "huge.png"), style=["neon"])


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"style": []}, "no style"),
        ({"style": ["neon"], "strength": 7}, "strength is 7"),
        ({"style": ["neon"], "size": 3}, "from 64"),
        ({"style": ["neon"], "engine": "oil"}, "adain, diffusion"),
        ({"style": ["..."]}, "no words"),
        ({"style": ["neon"] * 9}, "at most"),
        ({"style": ["neon"], "strength": "<img src=x>"}, "&lt;img"),
    ],
)
def test_bad_settings_get_a_sentence(named: dict[str, Any], expected: str, client: Client, photo_file: Path) -> None:
    assert expected in refused(client, "preview", photo=handle_file(photo_file), **named)


def test_files_of_the_server_stay_its_own(served: Served, client: Client) -> None:
    secret = Path(__file__)
    tricks = [str(secret), f"/{secret}", f"file://{secret}", f"..{secret}", f"%2e%2e/%2e%2e{secret}", "pyproject.toml"]
    tricks += [f"{served.temporary}/../../../etc/passwd", "/etc/passwd", "/proc/self/environ", "//etc//passwd"]
    with httpx.Client(base_url=served.address) as http:
        for trick in tricks:
            for route in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/", "/theme/"):
                assert http.get(f"{route}{trick}").status_code in (400, 403, 404, 405, 422), f"{route}{trick}"
    for trick in (str(secret), "/etc/passwd", str(served.folder / "nothing.png")):
        for payload in ({"path": trick}, {"path": trick, "url": trick}, {"path": None, "url": f"file://{trick}"}):
            body = {"data": [{**payload, "meta": {"_type": "gradio.FileData"}}, ["neon"], []]}
            assert not fetched(served.address, "preview", body), f"{payload} was read"
    assert "There is no picture" in refused(client, "preview", photo={"path": ""}, style=["neon"])


def fetched(address: str, name: str, body: dict[str, Any]) -> bool:
    """Whether a request as no client of ours sends it came to a good end."""
    with httpx.Client(base_url=address, timeout=60) as http:
        asked = http.post(f"/gradio_api/call/{name}", json=body)
        if asked.status_code != 200:
            return False
        with http.stream("GET", f"/gradio_api/call/{name}/{asked.json()['event_id']}") as stream:
            return "event: complete" in "".join(stream.iter_text())


def test_a_crowd_is_served_or_politely_refused(client: Client, photo_file: Path) -> None:
    def answer(n: int) -> str:
        try:
            ask(client, "preview", photo=handle_file(photo_file), style=["neon"], strength=n / 60)
        except Exception as error:  # the client's own kinds differ
            return str(error)
        return "answered"

    with ThreadPoolExecutor(60) as crowd:
        answers = Counter(crowd.map(answer, range(60)))
    assert answers["answered"] >= 40
    assert all("full" in sentence for sentence in answers if sentence != "answered"), answers


def test_words_are_never_a_file(client: Client, photo_file: Path) -> None:
    out = ask(client, "preview", photo=handle_file(photo_file), style=[f"image:{photo_file}"])
    (reference,) = read_recipe(out).style.references
    assert reference.prompt == f"image:{photo_file}"


def test_uploads_have_a_limit(served: Served, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > 2 * 2**20
    with (tmp_path / "large.png").open("rb") as file:
        answer = httpx.post(f"{served.address}gradio_api/upload", files={"files": file})
    assert answer.status_code == 413


def test_closing_a_page_clears_what_it_had(tmp_path: Path) -> None:
    import gradio as gr

    with desk(ModelOptions(), Limits(), tmp_path / "votes.csv") as table:
        one, other = (gr.Request(session_hash=name) for name in "ab")
        session, beside = table.session(one), table.session(other)
        assert session.folder != beside.folder
        (session.folder / "kept.png").write_bytes(b"x")
        with session.rendering() as cancel:
            assert session.busy
            table.sessions.drop(one)
            assert cancel.is_set()
        assert not session.busy
        assert not session.folder.exists()
        assert beside.folder.exists()
        assert table.session(one) is not session
        everything = table.sessions.folder.parent
    assert not everything.exists()


@pytest.mark.parametrize("field", [f.name for f in fields(Settings)])
def test_the_form_gives_back_what_it_was_given(field: str) -> None:
    described = next(f for f in setting_fields() if f.name == field)
    chosen = {"size": 300, "steps": 7, "denoise": 0.25, "guidance": 2.5, "seed": 12, "prompt": "dusk", "negative": "x"}
    value = chosen.get(field, described.choices[-1] if described.choices else described.default)
    settings = Settings(**cast("dict[str, Any]", {field: value}))
    assert settings_of(values_of(settings)) == settings
    assert described.help
    json.dumps(values_of(settings))


def test_a_blend_becomes_rows_again(tmp_path: Path) -> None:
    with desk(ModelOptions(), Limits(), tmp_path / "votes.csv") as table:
        known = table.space.styles["neon"]
        blend = Style.mix([(Style.from_text("dark charcoal"), 3), (known, 1)])
        rows = parts_of(table, blend)
    assert sorted((part.label, round(weight, 3)) for part, weight in rows) == [("Neon", 0.333), ("dark charcoal", 1)]
    again = Style.mix([(part.style, weight) for part, weight in rows])
    weights = {r.digest: r.weight for r in again.references}
    assert weights == pytest.approx({r.digest: r.weight for r in blend.references})


@pytest.mark.parametrize("auth", ["nobody", ":", "a:", ":b"])
def test_a_password_is_whole_or_refused(auth: str) -> None:
    from diffstyle.cli.ui import ui

    with pytest.raises(InputError, match="NAME:PASSWORD"):
        ui(auth=auth)


def test_a_password_is_asked_for_and_a_proxy_may_stand_before(tmp_path: Path) -> None:
    with serving(tmp_path, "--auth", "ada:secret", "--root-path", "/style") as page:
        assert httpx.get(f"{page.address}config").status_code == 401
        assert httpx.get(page.address).status_code == 200
        wrong, right = (
            httpx.post(f"{page.address}login", data={"username": "ada", "password": word}) for word in ("no", "secret")
        )
        assert (wrong.status_code, right.status_code) == (400, 200)
        config = httpx.get(f"{page.address}config", cookies=right.cookies).json()
        assert config["root"].endswith("/style")


def test_nothing_is_left_behind(tmp_path: Path, photo_file: Path) -> None:
    with serving(tmp_path) as page:
        client = Client(page.address, verbose=False, download_files=str(tmp_path / "fetched"))
        ask(client, "preview", photo=handle_file(photo_file), style=["neon"])
        client.close()
        assert any(page.temporary.rglob("*.png"))
    assert not [p for p in page.temporary.rglob("*") if p.is_file()]


@pytest.mark.parametrize("name", ["max_pixels", "max_upload_mb", "queue_size"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(InputError, match=name):
        Limits(**cast("dict[str, Any]", {name: 0}))


def test_the_command_line_offers_the_limits_of_the_page() -> None:
    from diffstyle.cli.ui import ui

    defaults = {name: p.default for name, p in inspect.signature(ui).parameters.items()}
    for field in fields(Limits):
        assert defaults[field.name] == field.default
    assert defaults["host"] == "127.0.0.1"
