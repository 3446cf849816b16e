"""Serves a study, and appends the answers to a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diffstyle.core.errors import InputError
from diffstyle.evaluation.study.make import page
from diffstyle.evaluation.study.study import PICTURES, Study
from diffstyle.evaluation.votes import Vote, append_votes, read_votes
from diffstyle.serving.hosts import allowed_host, allowed_origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI, Response
    from starlette.middleware.base import RequestResponseEndpoint

MOST = 2000  # answers in one request
LARGEST = 2**21  # bytes of it
_When = Annotated[str, Field(max_length=64)]
_Judge = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]


class Answer(BaseModel):
    """One answer as the page sends it: the columns of a `Vote`."""

    model_config = ConfigDict(extra="forbid")

    when: _When
    judge: _Judge
    pair: str
    question: str
    choice: Literal["a", "b", "same"]
    a: str
    a_sha256: str
    b: str
    b_sha256: str


class Answers(BaseModel):
    """The body of a POST to /answers."""

    answers: Annotated[list[Answer], Field(max_length=MOST)]


def study_app(folder: Path, answers: Path, *, names: Sequence[str] = ()) -> FastAPI:
    """The application: the page at /, its pictures, and POST /answers, which refuses what the study did not ask.

    It answers to IP addresses, localhost and the host `names` alone. InputError for a folder without a study, and for
    a file of answers that holds something else.
    """
    from fastapi import FastAPI, HTTPException
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import HTMLResponse, PlainTextResponse
    from fastapi.staticfiles import StaticFiles

    study = Study.read(folder)
    if answers.is_file() and answers.stat().st_size:
        read_votes([answers])
    asked = {(item.pair, item.question, *sorted((item.a, item.b))) for item in study.items}
    html = page(study, served=True)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def check_host(request: Request, proceed: RequestResponseEndpoint) -> Response:  # pyright: ignore[reportUnusedFunction]
        host = request.headers.get("host", "")
        if not allowed_host(host, names) or not allowed_origin(request.headers.get("origin"), host, names):
            return PlainTextResponse("This server has another name: start it with --allowed-host NAME.", 403)
        return await proceed(request)

    @app.get("/")
    def index() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    def store(data: bytes) -> int:
        try:
            body = Answers.model_validate_json(data)
        except ValidationError as error:
            raise HTTPException(422, "These are not answers as the page sends them.") from error
        for answer in body.answers:
            if (answer.pair, answer.question, *sorted((answer.a, answer.b))) not in asked:
                raise HTTPException(422, "This study did not ask that.")
            if (answer.a_sha256, answer.b_sha256) != (study.sha256[answer.a], study.sha256[answer.b]):
                raise HTTPException(422, "These are not the pictures of this study.")
        try:
            append_votes(answers, [Vote(**answer.model_dump()) for answer in body.answers])
        except InputError as error:
            raise HTTPException(503, str(error)) from error
        return len(body.answers)

    @app.post("/answers")
    async def save(request: Request) -> dict[str, int]:  # pyright: ignore[reportUnusedFunction]
        data = b""
        async for part in request.stream():
            data += part
            if len(data) > LARGEST:
                raise HTTPException(413, "These are more answers than a page sends.")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "Send the answers as JSON.")  # which no other site's page can, without asking
        return {"saved": await run_in_threadpool(store, data)}

    app.mount(f"/{PICTURES}", StaticFiles(directory=folder / PICTURES), name=PICTURES)
    return app


def serve_study(folder: Path, answers: Path, *, host: str, port: int, names: Sequence[str] = ()) -> None:
    """Serve until interrupted. InputError for an address that cannot be used."""
    import socket

    import uvicorn

    app = study_app(folder, answers, names=names)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise InputError(f"Cannot listen at {host}, port {port}: choose another one with --port.") from error
    with listening:
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{listening.getsockname()[1]}/", flush=True)
        config = uvicorn.Config(app, log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])
