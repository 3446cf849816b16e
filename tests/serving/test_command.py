"""What `diffstyle serve` says of options that it cannot use: one sentence, and exit code 2."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from filelock import FileLock

from diffstyle.serving.api_keys import VARIABLE
from tests.helpers.cli import run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--queue-size", "0"), "queue_size is 0: give a whole number of 1 or more."),
        (("--max-pixels", "-5"), "max_pixels is -5: give a whole number of 1 or more."),
        (("--max-per-key", "0"), "max_per_key is 0: give a number of 1 or more."),
        (("--rate", "0"), "rate is 0: give a number of 1 or more."),
        (("--drain-seconds", "-1"), "drain_seconds is -1: give a number of 0 or more."),
        (("--keep-hours", "-1"), "keep_hours is -1"),
        (("--port", "99999"), "Cannot listen at 127.0.0.1, port 99999: choose another one."),
        (("--host", "not a host", "--port", "0"), "Cannot listen at not a host, port 0"),
        (("--api-keys", "nothing"), "Cannot read nothing: give a text file"),
        (("--model", "sd15", "--port", "0"), "sd15"),
        (("--magic", "1"), "--magic"),
    ],
)
def test_bad_options_are_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert run("serve", *options) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert len(printed.err.strip().splitlines()) == 1


def test_folders_and_ports_that_others_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert run("serve", "--port", str(other.getsockname()[1])) == 2
        assert "choose another one" in capsys.readouterr().err
    with FileLock(tmp_path / ".running"):
        assert run("serve", "--port", "0", "--jobs", str(tmp_path)) == 2
        assert "Another server keeps its jobs" in capsys.readouterr().err
    file = tmp_path / "file"
    file.write_text("")
    assert run("serve", "--port", "0", "--jobs", str(file)) == 2
    assert "Cannot keep jobs in" in capsys.readouterr().err


def test_short_keys_in_the_environment(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ada:secret")
    assert run("serve", "--port", "0") == 2
    said = capsys.readouterr().err
    assert "The key of ada in DIFFSTYLE_API_KEYS has 6 characters: give at least 16." in said
    assert "secret" not in said
