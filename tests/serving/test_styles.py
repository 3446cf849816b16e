"""`/v1/styles`, `/v1/preview` and `/v1/replay`."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diffstyle import Style
from diffstyle.assets.zoo import style_files
from tests.serving.conftest import Api, upload


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_styles_are_listed_searched_and_shown(api: Api) -> None:
    with api.http() as http:
        listed = http.get("/v1/styles").json()["data"]
        assert [style["id"] for style in listed] == list(style_files())
        found = http.get("/v1/styles", params={"q": "Japanese woodblock print", "limit": 3}).json()["data"]
        assert len(found) == 3
        assert found[0]["id"] == "ukiyo-e"
        assert found[0]["similarity"] > found[1]["similarity"]
        assert opened(http.get(found[0]["thumbnail"]).content).format == "JPEG"
        assert http.get("/v1/styles/ukiyo-e").json()["licence"] == "public domain"
        assert http.get("/v1/styles/nothing/thumbnail").status_code == 404
        assert http.get("/v1/styles", params={"limit": 0}).json()["error"]["param"] == "limit"


def test_a_style_is_made_and_paints(api: Api, photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    with api.http() as http:
        data: dict[str, Any] = {"style": ["ukiyo-e:1", "red chalk: 1"], "picture_weight": "2", "name": "My own"}
        made = http.post("/v1/styles", data=data, files={"picture": upload(painting_file)})
        assert made.status_code == 200
        assert 'filename="My-own.style.safetensors"' in made.headers["content-disposition"]
        file = tmp_path / "own.style.safetensors"
        file.write_bytes(made.content)
        style = Style.load(file)
        assert style.name == "My own"
        weights = {r.source: round(r.weight, 3) for r in style.references}
        assert weights["painting.jpg"] == 0.5
        assert weights["red chalk"] == 0.25
        files = {"image": upload(photo_file), "style_file": upload(file)}
        painted = http.post("/v1/preview", data={"prompt": ""}, files=files)
        assert painted.status_code == 200
        near = http.post("/v1/styles/nearest", data={"k": "3"}, files={"style_file": upload(file)}).json()["data"]
        assert len(near) == 3


def test_the_nearest_style_of_a_style_is_itself(api: Api) -> None:
    with api.http() as http:
        near = http.post("/v1/styles/nearest", data={"style": "neon", "k": "2"}).json()["data"]
        assert (near[0]["id"], near[0]["similarity"]) == ("neon", pytest.approx(1, abs=1e-3))
        for data, param in (({"k": "0", "style": "a b"}, "k"), ({"k": "1"}, "style"), ({"what": "1"}, "what")):
            answer = http.post("/v1/styles/nearest", data=data)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
        wrong = http.post("/v1/styles", data={"picture_weight": ["1", "2"], "style": "ink wash"})
        assert wrong.json()["error"]["param"] == "picture_weight"


def test_a_path_is_words(api: Api, photo_file: Path) -> None:
    with api.http() as http:
        made = http.post("/v1/styles", data={"style": str(photo_file)})
        assert made.status_code == 200
        assert str(photo_file).encode() in made.content  # as a prompt


def test_a_preview_is_small_and_quick(api: Api, photo_file: Path) -> None:
    with api.http() as http:
        data = {"prompt": "impasto in ochre", "size": "100", "output_format": "jpeg"}
        answer = http.post("/v1/preview", data=data, files={"image": upload(photo_file)})
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["diffstyle-engine"] == "adain"
        assert opened(answer.content).size == (100, 66)
        refused = http.post("/v1/preview", data=data | {"n": "2"}, files={"image": upload(photo_file)})
        assert refused.json()["error"]["param"] == "n"


def test_a_saved_picture_is_painted_again(api: Api, photo_file: Path, painting_file: Path) -> None:
    with api.http() as http:
        saved = http.post("/v1/preview", data={"prompt": "neon"}, files={"image": upload(photo_file)}).content
        again = http.post("/v1/replay", files={"picture": saved, "image": upload(photo_file)})
        assert again.headers["diffstyle-repeats"] == "true"
        assert np.array_equal(np.asarray(opened(again.content)), np.asarray(opened(saved)))
        other = http.post("/v1/replay", files={"picture": saved, "image": upload(painting_file)})
        assert other.headers["diffstyle-repeats"] == "false"
        assert opened(other.content).size == (160, 120)
        plain = http.post("/v1/replay", files={"picture": upload(photo_file), "image": upload(photo_file)})
        assert plain.json()["error"]["param"] == "picture"
        assert "no diffstyle recipe" in plain.json()["error"]["message"]
