"""The manifest of the weights: parsed once, and again when it changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diffstyle import InputError
from diffstyle.assets.manifest import manifest, read_manifest


def test_a_manifest_is_parsed_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "manifest.toml"
    file.write_text('[starter]\ndefault_engine = "nnst"\n')
    first = read_manifest(tmp_path)
    assert read_manifest(tmp_path) is first  # every request asks for it
    file.write_text('[starter]\ndefault_engine = "adain"\n')
    os.utime(file, ns=(1, 1))
    assert read_manifest(tmp_path)["starter"]["default_engine"] == "adain"
    with pytest.raises(InputError, match="an entry is not complete"):
        manifest(tmp_path)
    file.unlink()
    with pytest.raises(InputError, match="there is no such file"):
        read_manifest(tmp_path)
