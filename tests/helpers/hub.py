"""The layout of the Hugging Face cache."""

from __future__ import annotations

from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def snapshot_folder(cache: Path, repository: str) -> Path:
    """An empty folder in `cache` where huggingface_hub looks for the files of `repository` at `main`."""
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    folder = root / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    return folder
