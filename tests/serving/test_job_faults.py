"""Jobs whose folder fails, and jobs that are deleted while they are written; in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from diffstyle.core.model_options import ModelOptions
from diffstyle.serving.api_keys import ApiKeys
from diffstyle.serving.application import application
from diffstyle.serving.job_store import LOCK, JobOutcome, JobStore, open_store
from diffstyle.serving.jobs import Jobs
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.service import Service, open_service
from tests.helpers.asynchronous import run_async
from tests.serving.conftest import upload

FIELDS = {"prompt": "oil painting", "engine": "adain"}


@asynccontextmanager
async def client(service: Service, jobs: Jobs) -> AsyncGenerator[httpx2.AsyncClient, None]:
    transport = httpx2.ASGITransport(application(service, jobs), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as made:
        yield made


def test_a_disk_that_fails_takes_no_place_in_the_queue(
    tmp_path: Path, photo_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: JobStore) -> Path:
        raise OSError("no space left on device")

    async def post() -> int:
        async with client(service, Jobs(service, store, keep_hours=1)) as http:
            return (await http.post("/v1/jobs", data=FIELDS, files={"image": upload(photo_file)})).status_code

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(JobStore, "new_folder", fail)
    with (
        open_store(tmp_path / "jobs", max_bytes=10**6) as store,
        open_service(ModelOptions(), ServerLimits(), ApiKeys({}), per_key=None) as service,
    ):
        assert run_async(post()) == 500
        assert service.idle


def test_a_job_is_not_deleted_while_it_is_written(
    tmp_path: Path, photo_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = list[str]()
    finish, delete = JobStore.finish, JobStore.delete

    def slowly(store: JobStore, identity: str, outcome: JobOutcome) -> None:
        order.append("finishing")
        time.sleep(0.5)
        finish(store, identity, outcome)
        order.append("finished")

    def deleted(store: JobStore, identity: str) -> None:
        order.append("deleted")
        delete(store, identity)

    async def run() -> None:
        async with client(service, Jobs(service, store, keep_hours=1)) as http:
            made = await http.post("/v1/jobs", data=FIELDS, files={"image": upload(photo_file)})
            while not order:
                await asyncio.sleep(0.02)
            assert (await http.delete(made.headers["location"])).status_code == 200
            assert (await http.get(made.headers["location"])).status_code == 404

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(JobStore, "finish", slowly)
    monkeypatch.setattr(JobStore, "delete", deleted)
    with (
        open_store(tmp_path / "jobs", max_bytes=10**6) as store,
        open_service(ModelOptions(), ServerLimits(), ApiKeys({}), per_key=None) as service,
    ):
        run_async(run())
        assert order == ["finishing", "finished", "deleted"]
        assert [path.name for path in store.root.iterdir()] == [LOCK]
        assert service.idle
