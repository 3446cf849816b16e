"""Jobs: their states, who sees them, how they end. `test_queue.py` kills a server that has some."""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from diffstyle.serving.form_body import Form
from diffstyle.serving.job_store import JobOutcome, open_store
from tests.serving.conftest import Api, job_state, submitted, until, upload

SLOW = {"prompt": "impasto in ochre", "engine": "nnst", "refine_steps": "200", "size": "512"}


def test_a_job_is_painted_and_fetched_by_its_owner(api: Api, photo_file: Path) -> None:
    with api.http() as http, api.http("bob") as other:
        job = submitted(http, photo_file, engine="nnst", scales="1", n="2", output_format="webp")
        until(lambda: job_state(http, job)["status"] == "done")
        found = job_state(http, job)
        assert (found["engine"], len(found["results"])) == ("nnst", 2)
        assert found["seconds"] > 0
        pictures = [Image.open(BytesIO(http.get(url).content)) for url in found["results"]]
        assert [p.format for p in pictures] == ["WEBP", "WEBP"]
        assert pictures[0].tobytes() != pictures[1].tobytes()
        assert http.get(f"/v1/jobs/{job}/result", params={"index": 2}).status_code == 404
        for answer in (
            other.get(f"/v1/jobs/{job}"),
            other.get(f"/v1/jobs/{job}/result"),
            other.delete(f"/v1/jobs/{job}"),
        ):
            assert answer.status_code == 404
        assert http.delete(f"/v1/jobs/{job}").json()["deleted"]
        assert http.get(f"/v1/jobs/{job}").status_code == 404
        assert not (api.page.folder / "jobs" / job).exists()


def test_everybody_lists_their_own_jobs_the_newest_first(api: Api, photo_file: Path) -> None:
    with api.http() as http, api.http("bob") as other:
        before = {job["id"] for job in http.get("/v1/jobs").json()["data"]}
        made = [submitted(http, photo_file, engine="adain") for _ in range(2)]
        theirs = submitted(other, photo_file, engine="adain")
        mine = [job["id"] for job in http.get("/v1/jobs").json()["data"] if job["id"] not in before]
        assert mine == made[::-1]
        assert [job["id"] for job in other.get("/v1/jobs", params={"limit": 1}).json()["data"]] == [theirs]
        assert http.get("/v1/jobs", params={"limit": 1}).json()["has_more"]
        assert http.get("/v1/jobs", params={"limit": 0}).status_code == 400
        until(lambda: job_state(http, made[0])["status"] == job_state(other, theirs)["status"] == "done")
        assert not (api.page.folder / "jobs" / made[0] / "inputs").exists()  # what was sent is no longer needed


def test_jobs_take_no_more_disk_than_they_may(tmp_path: Path) -> None:
    with open_store(tmp_path / "jobs", max_bytes=1000) as store:
        assert not store.full
        folder = store.new_folder()
        (folder / "inputs" / "photo").write_bytes(bytes(900))
        record = store.keep(folder, "ada", Form({}, {}))
        assert store.full  # with what the job asks for
        store.finish(record.id, JobOutcome(status="done", started=1.0, finished=2.0))
        assert not store.full


def test_jobs_beyond_the_disk_get_a_sentence(api: Api, photo_file: Path) -> None:
    filler = api.page.folder / "jobs" / "filler"
    with api.http() as http:
        with filler.open("wb") as file:
            file.truncate(10**10)  # a hole, which takes nothing
        answer = http.post("/v1/jobs", data={"prompt": "neon"}, files={"image": upload(photo_file)})
        filler.unlink()
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "jobs_full")
        assert submitted(http, photo_file, engine="adain")


def test_a_job_that_runs_is_cancelled(api: Api, photo_file: Path) -> None:
    with api.http() as http:
        job = submitted(http, photo_file, **SLOW)
        until(lambda: job_state(http, job).get("steps", {}).get("done", 0) > 0)
        running = job_state(http, job)
        assert running["status"] == "running"
        assert running["steps"]["done"] < running["steps"]["total"]
        assert http.get(f"/v1/jobs/{job}/result").json()["error"]["code"] == "job_not_finished"
        began = time.monotonic()
        assert http.delete(f"/v1/jobs/{job}").status_code == 200
        quick = submitted(http, photo_file, engine="adain")
        until(lambda: job_state(http, quick)["status"] == "done")
        assert time.monotonic() - began < 4  # the one before has made room


def test_a_job_that_cannot_be_painted_says_why(api: Api, photo_file: Path) -> None:
    with api.http() as http:
        cut = photo_file.with_name("cut.png")
        cut.write_bytes(photo_file.read_bytes()[:3000])
        job = submitted(http, cut, engine="adain")
        until(lambda: job_state(http, job)["status"] == "failed")
        assert "cut off" in job_state(http, job)["error"]["message"]
        assert http.get(f"/v1/jobs/{job}/result").json()["error"]["code"] == "job_failed"
        wrong = http.post("/v1/jobs", data={"prompt": "oil", "n": "99"}, files={"image": upload(photo_file)})
        assert wrong.json()["error"]["param"] == "n"
        assert http.get("/v1/jobs/..%2F..%2Fetc").status_code == 404


def test_old_and_damaged_jobs(tmp_path: Path) -> None:
    with open_store(tmp_path / "jobs", max_bytes=10**6) as store:
        made = [store.keep(store.new_folder(), "ada", Form({"prompt": ("neon",)}, {})) for _ in range(3)]
        assert [record.id for record in store.unfinished()] == [record.id for record in made]
        for record, age in zip(made, (10, 1000), strict=False):
            now = time.time()
            store.finish(record.id, JobOutcome(status="done", started=now - age, finished=now - age))
        (store.root / made[2].id / "job.json").write_text('{"id": ')
        store.sweep(100)
        assert store.record(made[0].id) == made[0]
        assert store.record(made[1].id) is None
        assert store.record(made[2].id) is None
        assert not store.unfinished()


def test_a_job_that_ends_servers_is_given_up(api: Api, photo_file: Path, tmp_path: Path) -> None:
    with open_store(tmp_path / "other", max_bytes=10**6) as store:
        record = store.keep(store.new_folder(), "ada", Form({"prompt": ("neon",)}, {}))
        assert [store.begin(record.id) for _ in range(4)] == [1, 2, 3, 4]
    with api.http() as http:
        first = submitted(http, photo_file, **SLOW)
        job = submitted(http, photo_file, engine="adain")  # waits
        (api.page.folder / "jobs" / job / "attempts").write_bytes(b"...")
        http.delete(f"/v1/jobs/{first}")
        until(lambda: job_state(http, job)["status"] == "failed")
        assert "ended 3 times" in job_state(http, job)["error"]["message"]


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_client(tmp_path: Path) -> None:
    with open_store(tmp_path / "jobs", max_bytes=10**6) as store:
        record = store.keep(store.new_folder(), "ada", Form({}, {}))
        store.delete(record.id)
        with pytest.raises(OSError, match="no such file"):
            store.add_picture(record.id, 0, b"", "png")


def test_a_picture_that_is_not_there_any_more(api: Api, photo_file: Path) -> None:
    with api.http() as http:
        job = submitted(http, photo_file, engine="adain")
        until(lambda: job_state(http, job)["status"] == "done")
        (api.page.folder / "jobs" / job / "result-0.png").unlink()
        assert http.get(f"/v1/jobs/{job}/result").status_code == 404
