"""Writes an archive for each host program that talks to `diffstyle serve`: `make plugins`.

A plugin's folder holds a link to `plugins/client/diffstyle_client.py`; its archive holds a copy of that file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

PLUGINS = Path(__file__).resolve().parent
HOSTS = {"blender": "", "gimp": "diffstyle", "invokeai": "diffstyle_nodes", "krita": "", "webui": "diffstyle"}
"""The hosts, with the folder that all files of the archive lie in; Blender and Krita have layouts of their own."""
SUFFIXES = (".py", ".md", ".toml", ".desktop", ".html")
_DATE = (2026, 1, 1, 0, 0, 0)  # of every file, so that the same files make the same archive


def files_of(host: str) -> Iterator[tuple[str, Path]]:
    """The files of a plugin, by their names in its archive."""
    for path in sorted((PLUGINS / host).rglob("*")):
        if path.is_file() and path.suffix in SUFFIXES:
            name = path.relative_to(PLUGINS / host).as_posix()
            shared = PLUGINS / "client" / path.name  # a checkout without symbolic links has a text in its place
            yield f"{HOSTS[host]}/{name}".lstrip("/"), shared if shared.is_file() else path


def pack(host: str, folder: Path) -> Path:
    """Write the archive of a plugin into `folder`, whole or not at all; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"diffstyle-{host}.zip"
    partial = target.with_name(f".{target.name}.partial")
    try:
        with ZipFile(partial, "w", ZIP_DEFLATED) as archive:
            for name, path in files_of(host):
                info = ZipInfo(name, _DATE)
                info.compress_type = ZIP_DEFLATED
                info.external_attr = (path.stat().st_mode & 0o755 | 0o644) << 16  # GIMP runs only what is executable
                archive.writestr(info, path.read_bytes())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


if __name__ == "__main__":
    for host in HOSTS:
        print(pack(host, Path(sys.argv[1] if len(sys.argv) > 1 else "dist/plugins")))
