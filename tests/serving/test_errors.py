"""Errors: their shape, status, parameter and sentence; and what is refused before anything is decoded."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image

from tests.serving.conftest import Api, until, upload


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    body = answer.json()
    assert list(body) == ["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    message = body["error"]["message"]
    assert message.endswith(".")
    assert "\n" not in message
    assert answer.headers["x-request-id"]
    return dict(body["error"])


WRONG: list[tuple[dict[str, Any], int, str | None, str, str]] = [
    ({"strength": "2"}, 400, "strength", "invalid_value", "give a number from 0 to 1"),
    ({"strength": "much"}, 400, "strength", "invalid_value", "give a number"),
    ({"seed": "1.5"}, 400, "seed", "invalid_value", "give a whole number"),
    ({"colour": "blue"}, 400, "colour", "invalid_value", "give one of off, keep"),
    ({"engine": "magic"}, 400, "engine", "invalid_value", "give one of nnst"),
    ({"engine": "nnst", "steps": "3"}, 400, "steps", "unsupported_parameter", "belongs to diffusion"),
    ({"engine": "nnst", "scales": "9"}, 400, "scales", "invalid_value", "from 1 to 3"),
    ({"engine": "adain", "structure": "0.1"}, 400, None, "invalid_value", "no control of structure"),
    ({"engine": "adain", "n": "2"}, 400, "n", "invalid_value", "same picture"),
    ({"negative_style": "oil", "engine": "nnst"}, 400, None, "invalid_value", "cannot move away"),
    ({"magic": "1"}, 400, "magic", "unknown_parameter", "no field magic"),
    ({"n": "11"}, 400, "n", "invalid_value", "from 1 to 10"),
    ({"size": "large"}, 400, "size", "invalid_value", "WIDTHxHEIGHT"),
    ({"size": "9000x10"}, 400, "size", "invalid_value", "from 64 to 8192"),
    ({"output_format": "gif"}, 400, "output_format", "invalid_value", "png, jpeg, webp"),
    ({"output_depth": "12"}, 400, "output_depth", "invalid_value", "one of 8, 16"),
    ({"output_depth": "16", "output_format": "jpeg"}, 400, "output_depth", "invalid_value", "8 bits a channel"),
    ({"output_compression": "50"}, 400, "output_compression", "invalid_value", "without loss"),
    ({"response_format": "url"}, 400, "response_format", "invalid_value", "b64_json"),
    ({"quality": "high"}, 400, "quality", "invalid_value", "give auto"),
    ({"partial_images": "4", "stream": "true"}, 400, "partial_images", "invalid_value", "from 0 to 3"),
    ({"stream": "maybe"}, 400, "stream", "invalid_value", "false, true"),
    ({"prompt": " "}, 400, "prompt", "missing_parameter", "no style"),
    ({"prompt": "x" * 1001}, 400, "prompt", "invalid_value", "at most 1000"),
    ({"prompt": ["a", "b"]}, 400, "prompt", "invalid_value", "2 times"),
    ({"model": "gpt-image-1"}, 404, "model", "model_not_found", "this server has starter"),
    ({"size": "800"}, 400, None, "invalid_value", "at most 0.4 million"),
]


@pytest.mark.parametrize(("fields", "status", "param", "code", "said"), WRONG, ids=lambda v: str(v)[:30])
def test_a_wrong_field_is_named_in_a_sentence(
    api: Api, photo_file: Path, fields: dict[str, Any], status: int, param: str | None, code: str, said: str
) -> None:
    with api.http() as http:
        data = {"prompt": "oil painting", **fields}
        answer = http.post("/v1/images/edits", data=data, files={"image": upload(photo_file)})
    error = error_of(answer)
    assert (answer.status_code, error["param"], error["code"]) == (status, param, code)
    assert error["type"] == "invalid_request_error"
    assert said in error["message"]


def test_files_that_are_no_pictures_are_refused_by_name(api: Api, photo_file: Path) -> None:
    photo = photo_file.read_bytes()
    with api.http() as http:

        def refused(files: Any, fields: dict[str, str] | None = None) -> dict[str, Any]:
            answer = http.post("/v1/images/edits", data=fields or {"prompt": "oil"}, files=files)
            assert answer.status_code == 400
            return error_of(answer)

        assert refused({"mask": photo})["param"] == "image"
        assert "notes.txt" in refused({"image": ("notes.txt", b"no picture")})["message"]
        assert "cut off" in refused({"image": ("a.png", photo[:2000])})["message"]
        assert "no transparent" in refused({"image": photo, "mask": photo})["message"]
        assert refused({"image": photo, "photo": photo})["param"] == "photo"
        assert refused({"image": photo, "style_file": ("a", photo)})["param"] == "style_file"


def test_an_error_in_a_stream_is_an_event(api: Api, photo_file: Path) -> None:
    photo_file.write_bytes(photo_file.read_bytes()[:3000])
    with pytest.raises(openai.APIError, match="cut off") as error:
        list(api.client().images.edit(image=photo_file, prompt="oil", stream=True))
    assert error.value.code == "invalid_value"


def test_too_many_pixels_are_refused_before_they_are_decoded(api: Api) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def bomb(width: int, height: int) -> bytes:
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")

    with api.http() as http:
        for width, height, millions in ((30_000, 30_000, "134.2"), (700, 700, "0.4")):
            answer = http.post("/v1/images/edits", data={"prompt": "oil"}, files={"image": bomb(width, height)})
            assert answer.status_code == 400
            error = error_of(answer)
            assert error["param"] == "image"
            assert f"more than {millions} million pixels" in error["message"]


def test_too_many_bytes_are_refused_before_they_are_read(api: Api) -> None:
    with api.http() as http:
        answer = http.post("/v1/images/edits", data={"prompt": "oil"}, files={"image": b"x" * 2**22})
        assert (answer.status_code, error_of(answer)["code"]) == (413, "request_too_large")

        def endless() -> Any:
            yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            for _ in range(64):
                yield b"x" * 2**16

        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = http.post("/v1/images/edits", content=endless(), headers=kind)
        assert answer.status_code == 413
    assert not list(api.page.temporary.glob("diffstyle-serve-*/*/*"))


def test_what_is_no_form_is_refused(api: Api) -> None:
    with api.http() as http:
        assert error_of(http.post("/v1/images/edits", json={"prompt": "oil"}))["code"] == "unsupported_media_type"
        broken = http.post(
            "/v1/images/edits", content=b"nothing", headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        assert broken.status_code == 400
        assert error_of(broken)["code"] in ("invalid_form", "missing_parameter")
        assert error_of(http.get("/v1/nothing"))["code"] == "not_found"
        assert http.get("/v1/images/edits").status_code == 405
        assert error_of(http.get("/v1/images/edits"))["code"] == "method_not_allowed"


def test_only_keys_open_the_server(api: Api) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "ada-has-a-long-key"}):
        answer = httpx2.get(f"{api.url}/v1/models", headers=headers)
        assert answer.status_code == 401
        assert error_of(answer)["code"] == "invalid_api_key"
        assert answer.headers["www-authenticate"] == "Bearer"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{api.url}/v1", api_key="wrong", max_retries=0).models.list()
    for path in ("healthz", "readyz", "metrics", "docs", "openapi.json"):
        assert httpx2.get(f"{api.url}/{path}").status_code == 200


def test_other_sites_and_other_names_are_refused(api: Api) -> None:
    with api.http() as http:
        assert http.get("/v1/models", headers={"Origin": "https://evil.example"}).status_code == 403
        answer = http.get("/v1/models", headers={"Host": "evil.example"})
        assert (answer.status_code, error_of(answer)["code"]) == (403, "forbidden")


def test_the_log_has_names_and_no_secrets(api: Api, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "red").save(photo)
    with pytest.raises(openai.BadRequestError):
        api.client("bob").images.edit(image=photo, prompt="a secret of mine", extra_body={"strength": "7"})
    log = api.page.folder / "log.txt"
    until(lambda: '"key": "bob"' in log.read_text())  # the line follows the answer
    for secret in ("a secret of mine", "bob-has-a-long-key", "ada-has-a-long-key"):
        assert secret not in log.read_text()


def test_pictures_that_are_too_many_for_one_answer(api: Api, photo_file: Path) -> None:
    form = {"prompt": "oil", "engine": "nnst", "scales": "1", "refine_steps": "0", "n": "10", "size": "256"}
    before = api.metric('diffstyle_renders_total{engine="nnst",outcome="done"}')
    with api.http() as http:
        answer = http.post("/v1/images/edits", data=form, files={"image": upload(photo_file)})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "n")
    assert "10 pictures of 256x168 pixels are more than the 0.4 million" in answer.json()["error"]["message"]
    assert api.metric('diffstyle_renders_total{engine="nnst",outcome="done"}') == before + 1
