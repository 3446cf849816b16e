"""Keys from a file or the environment, and whose they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diffstyle import InputError
from diffstyle.serving.api_keys import ANONYMOUS, VARIABLE, ApiKeys

LONG = "a-key-that-is-long-enough"


def test_the_owner_of_a_key_is_found(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# a comment\nada:{LONG}:with a colon\n\nbob : {LONG}\n")
    keys = ApiKeys.read(file)
    assert keys.owner(f"Bearer {LONG}") == "bob"
    assert keys.owner(f"bearer {LONG}:with a colon") == "ada"
    for wrong in (None, "", LONG, "Bearer", f"Basic {LONG}", f"Bearer {LONG[:-1]}", "Bearer ä"):
        assert keys.owner(wrong) is None
    assert LONG not in repr(keys)


def test_keys_in_the_environment_are_read_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"ada:{LONG},bob:{LONG}2")
    keys = ApiKeys.read(None)
    assert keys.owner(f"Bearer {LONG}2") == "bob"
    assert VARIABLE not in os.environ
    assert ApiKeys.read(None).owner(None) == ANONYMOUS


def test_a_key_may_have_a_rate_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"ada@120:{LONG}@x:y\nbob:{LONG}\n")
    keys = ApiKeys.read(file)
    assert keys.rates == {"ada": 120}
    assert keys.owner(f"Bearer {LONG}@x:y") == "ada"
    for wrong in ("", "0", "-1", "1.5", "many", "9999999"):
        file.write_text(f"ada@{wrong}:{LONG}\n")
        with pytest.raises(InputError, match=r"The rate of ada in .*: write ada@RATE:KEY"):
            ApiKeys.read(file)


@pytest.mark.parametrize("text", ["", "# nothing\n", "ada\n", "ada:short\n", f":{LONG}\n", f"a da:{LONG}\n"])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(InputError, match=r"keys .*:|The key of ada") as error:
        ApiKeys.read(file)
    assert "short" not in str(error.value).split(":")[0]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NAME:KEY"):
        ApiKeys.read(tmp_path / "nothing")
