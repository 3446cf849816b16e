"""The HTTP server on Ray Serve, on two cores: the same answers as one server, and more replicas under load."""

from __future__ import annotations

import base64
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

import httpx2
import psutil
import pytest
import yaml
from PIL import Image

from diffstyle import Picture, Style, Stylizer
from diffstyle.core.errors import InputError
from tests.conftest import ROOT
from tests.helpers.pictures import waves

pytestmark = pytest.mark.long
KEY = "ada-has-a-long-key"
WORDS = "impasto painting in ochre and blue"


@dataclass(frozen=True, slots=True)
class Served:
    """Ray Serve at `url`."""

    url: str
    process: subprocess.Popen[bytes]

    def replicas(self) -> int:
        """How many replicas run."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return sum(" ".join(p.cmdline()).startswith("ray::ServeReplica") for p in below)

    def edit(self, photo: bytes, **fields: str) -> httpx2.Response:
        return httpx2.post(
            f"{self.url}/v1/images/edits",
            files={"image": ("photo.png", photo)},
            data={"prompt": WORDS, **fields},
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=120,
        )

    def status(self, path: str) -> int:
        """The status of a GET; 0 while nobody answers."""
        try:
            return httpx2.get(f"{self.url}{path}").status_code
        except httpx2.TransportError:
            return 0


def until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """What the RayService manifest says, on this machine: another port, and at most two replicas of one core."""
    folder = tmp_path_factory.mktemp("serve")
    manifest = yaml.safe_load((ROOT / "docs/deploy/rayservice.yaml").read_text("utf-8"))
    config: dict[str, Any] = yaml.safe_load(manifest["spec"]["serveConfigV2"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config["http_options"] |= {"host": "127.0.0.1", "port": port}
    config["applications"][0]["args"] |= {"max_replicas": 2, "num_cpus": 1, "upscale_delay_s": 1}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    environment = os.environ | {
        "RAY_ADDRESS": "local",
        "RAY_USAGE_STATS_ENABLED": "0",
        "DIFFSTYLE_API_KEYS": f"ada:{KEY}",
        "DIFFSTYLE_CACHE": str(folder),
    }
    command = [sys.executable, "-m", "ray.serve.scripts", "run", str(folder / "config.yaml")]
    log = folder / "log"
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=file, stderr=file) as process,
    ):
        found = Served(f"http://127.0.0.1:{port}", process)

        def decided() -> bool:
            failed = process.poll() is not None or b"failed with exception" in log.read_bytes()
            return failed or found.status("/readyz") == 200

        try:
            until(decided, 180)
            assert found.status("/readyz") == 200, log.read_text()
            yield found
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def test_a_replica_answers_as_one_server_does(served: Served) -> None:
    photo = Picture.from_array(waves(96, 64, seed=3))
    buffer = io.BytesIO()
    photo.to_pil().save(buffer, "PNG")
    answer = served.edit(buffer.getvalue(), engine="adain", seed="5")
    assert answer.status_code == 200, answer.text
    painted = Image.open(io.BytesIO(base64.b64decode(answer.json()["data"][0]["b64_json"])))
    expected = Stylizer.load().stylize(photo, Style.from_text(WORDS), engine="adain", seed=5).picture
    difference = abs(Picture.from_pil(painted).pixels - expected.pixels).max()
    assert difference <= 2 / 255
    assert served.edit(b"no picture").json()["error"]["type"] == "invalid_request_error"
    assert served.status("/v1/models") == 401
    assert served.status("/healthz") == 200


def test_replicas_are_added_while_requests_wait(served: Served) -> None:
    assert served.replicas() == 1
    buffer = io.BytesIO()
    Image.fromarray(waves(256, 192, seed=4)).save(buffer, "PNG")
    enough, statuses = Event(), list[int]()

    def ask() -> None:
        while not enough.is_set():
            statuses.append(served.edit(buffer.getvalue(), engine="nnst").status_code)

    with ThreadPoolExecutor(6) as pool:
        clients = [pool.submit(ask) for _ in range(6)]
        try:
            until(lambda: served.replicas() == 2, 90)
        finally:
            enough.set()
        for client in clients:
            client.result()
    assert set(statuses) == {200}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
def test_options_as_the_command_line_has_them() -> None:
    from diffstyle.serving.ray_app import checked

    options = checked({"adapter": "a.safetensors, b.safetensors", "allowed_host": "example.org", "max_replicas": "2"})
    assert options.adapter == ["a.safetensors", "b.safetensors"]
    assert (options.allowed_host, options.max_replicas) == (["example.org"], 2)
    for args in ({"max_replicas": "0"}, {"replicas": "2"}):
        with pytest.raises(InputError) as failed:
            checked(args)
        assert "\n" not in str(failed.value)
        assert next(iter(args)) in str(failed.value)
