"""`/v1/images/edits` through OpenAI's own client."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai.types import ImagesResponse
from PIL import Image

from diffstyle import Picture, Stylizer, read_recipe
from diffstyle.engines.replay import task_of
from tests.helpers.pictures import largest_difference
from tests.serving.conftest import Api

WORDS = "impasto painting in ochre"


def opened(answer: ImagesResponse, number: int = 0) -> Image.Image:
    assert answer.data is not None
    return Image.open(BytesIO(base64.b64decode(answer.data[number].b64_json or "")))


def quick(**more: Any) -> dict[str, Any]:
    """Settings for a render that takes a fraction of a second."""
    return {"engine": "nnst", "scales": 1, **more}


def test_words_repaint_a_photo_and_the_recipe_repeats_it(
    api: Api, photo_file: Path, stylizer: Stylizer, tmp_path: Path
) -> None:
    answer = api.client().images.edit(image=photo_file, prompt=WORDS, extra_body={"seed": 7, "strength": 0.9})
    assert answer.data is not None
    assert len(answer.data) == 1
    assert (answer.size, answer.output_format) == ("232x152", "png")
    saved = tmp_path / "saved.png"
    saved.write_bytes(base64.b64decode(answer.data[0].b64_json or ""))
    recipe = read_recipe(saved)
    assert (recipe.settings.seed, recipe.settings.strength, recipe.content_source) == (7, 0.9, "photo.png")
    again = stylizer.render(task_of(recipe, Picture.open(photo_file))).picture
    assert largest_difference(again, Picture.open(saved)) <= 1.1 / 255


def test_pictures_behind_the_photo_show_the_style(api: Api, photo_file: Path, painting_file: Path) -> None:
    files = [photo_file, painting_file]
    client = api.client()
    alone = client.images.edit(image=files, prompt="", extra_body=quick())
    mixed = client.images.edit(image=files, prompt=WORDS, extra_body=quick(prompt_weight=0.75))
    assert np.any(np.asarray(opened(alone)) != np.asarray(opened(mixed)))
    text = str(opened(mixed).info["diffstyle"])
    assert '"weight": 0.75' in text
    assert '"source": "painting.jpg"' in text
    assert "impasto" not in str(opened(alone).info["diffstyle"])


def test_only_the_transparent_part_of_the_mask_is_painted(api: Api, photo_file: Path, tmp_path: Path) -> None:
    alpha = np.full((152, 232), 255, np.uint8)
    alpha[:, 116:] = 0
    mask = tmp_path / "mask.png"
    Image.fromarray(np.dstack([np.zeros((152, 232, 3), np.uint8), alpha])).save(mask)
    answer = api.client().images.edit(image=photo_file, mask=mask, prompt=WORDS, extra_body=quick())
    before, after = np.asarray(Image.open(photo_file)), np.asarray(opened(answer))
    assert np.array_equal(before[:, :116], after[:, :116])
    assert np.any(before[:, 116:] != after[:, 116:])


def test_several_pictures_have_seeds_that_count_up(api: Api, photo_file: Path) -> None:
    answer = api.client().images.edit(image=photo_file, prompt="crayon", n=3, extra_body=quick(seed=5))
    texts = [str(opened(answer, n).info["diffstyle"]) for n in range(3)]
    assert [f'"seed": {seed}' in text for seed, text in zip((5, 6, 7), texts, strict=True)] == [True] * 3
    assert len({opened(answer, n).tobytes() for n in range(3)}) == 3


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_every_format_is_what_was_asked_for(api: Api, photo_file: Path, tmp_path: Path, kind: Any) -> None:
    answer = api.client().images.edit(
        image=photo_file, prompt="neon", size="128x128", output_format=kind, extra_body=quick()
    )
    picture = opened(answer)
    assert (picture.format, picture.size) == (kind.upper(), (128, 84))
    saved = tmp_path / f"saved.{kind}"
    assert answer.data is not None
    saved.write_bytes(base64.b64decode(answer.data[0].b64_json or ""))
    assert read_recipe(saved).engine == "nnst"


def test_compression_makes_files_smaller(api: Api, photo_file: Path) -> None:
    def size(kind: Any, quality: int) -> int:
        answer = api.client().images.edit(
            image=photo_file, prompt="neon", output_format=kind, output_compression=quality, extra_body=quick()
        )
        assert answer.data is not None
        return len(answer.data[0].b64_json or "")

    for kind in ("jpeg", "webp"):
        assert size(kind, 30) < size(kind, 95)


def test_a_stream_shows_the_picture_grow(api: Api, photo_file: Path) -> None:
    events = list(api.client().images.edit(image=photo_file, prompt=WORDS, stream=True, partial_images=2))
    kinds = [event.type for event in events]
    assert kinds[-1] == "image_edit.completed"
    assert 1 <= kinds.count("image_edit.partial_image") <= 2
    pictures = [Image.open(BytesIO(base64.b64decode(event.b64_json))) for event in events]
    assert {picture.size for picture in pictures} == {(232, 152)}
    assert "diffstyle" in pictures[-1].info
    assert pictures[0].tobytes() != pictures[-1].tobytes()


def test_the_model_is_listed(api: Api) -> None:
    client = api.client()
    assert [model.id for model in client.models.list()] == ["starter"]
    assert client.models.retrieve("starter").owned_by == "diffstyle"


def test_a_photo_without_a_suffix_and_with_a_strange_name_is_read(api: Api, photo_file: Path) -> None:
    files = {"image": ("../../etc/pass|wd", photo_file.read_bytes())}
    with api.http() as http:
        answer = http.post("/v1/images/edits", data={"prompt": "neon", "engine": "adain"}, files=files)
    assert answer.status_code == 200
    text = str(Image.open(BytesIO(base64.b64decode(answer.json()["data"][0]["b64_json"]))).info["diffstyle"])
    assert '"source": "pass-wd"' in text
