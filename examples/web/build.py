"""A static page that paints photos and the camera with students: `python examples/web/build.py fast.onnx --out site`.

Copies the page, the students (ONNX files of `diffstyle export`, with their names and styles in models.json) and
onnxruntime-web, which `npm pack` fetches, into one folder that any web server can serve. Needs `onnx` and npm.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import onnx

PAGE = Path(__file__).parent / "page"
PACKAGE = "onnxruntime-web@1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # sha512
RUNTIME = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)


def described(path: Path) -> dict[str, Any]:
    """What the page needs to know of a student, from the metadata of its file."""
    try:
        model = onnx.load(str(path))
    except Exception as error:  # of protobuf, or of the file system
        sys.exit(f"{path} is no ONNX file: give what `diffstyle export STUDENT -o FILE.onnx` wrote ({error}).")
    said = {entry.key: entry.value for entry in model.metadata_props}
    if [each.name for each in model.graph.input] != ["photo", "weights", "strength"]:
        sys.exit(f"{path} is no student: give what `diffstyle export STUDENT -o FILE.onnx` wrote.")
    styles = json.loads(said["styles"])
    return {"file": path.name, "name": said["name"], "styles": styles, "licence": said["licence"]}


def runtime_archive(folder: Path, given: Path | None) -> Path:
    """The archive of onnxruntime-web: `given`, or fetched into `folder`; its digest is checked."""
    if given is None:
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("npm is missing: install it, or give the archive of onnxruntime-web with --package.")
        fetched = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True)
        if fetched.returncode:
            sys.exit(f"npm could not fetch {PACKAGE}: {fetched.stderr.strip()[-300:]}")
        given = folder / fetched.stdout.strip().splitlines()[-1]
    digest = base64.b64encode(hashlib.sha512(given.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        sys.exit(f"{given} is not {PACKAGE}: its sha512 is another.")
    return given


def build(students: list[Path], out: Path, package: Path | None) -> None:
    """Write the page into `out`, whose other files are left alone."""
    models = [described(path) for path in students]
    (out / "ort").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        archive = runtime_archive(Path(folder), package)
        with tarfile.open(archive) as tar:
            for name in RUNTIME:
                member = tar.extractfile(f"package/dist/{name}")
                if member is None:
                    sys.exit(f"{archive} lacks {name}.")
                (out / "ort" / name).write_bytes(member.read())
    for path in sorted(PAGE.iterdir()):
        shutil.copy(path, out / path.name)
    for path in students:
        shutil.copy(path, out / path.name)
    (out / "models.json").write_text(json.dumps(models, ensure_ascii=False, indent=1) + "\n", "utf-8")
    files = sorted(p for p in out.rglob("*") if p.is_file() and p.name not in ("sw.js", "files.json"))
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()[:16]
    # the page keeps all files of one version for use without a network; the larger runtime only where it is used
    kept = [p.relative_to(out).as_posix() for p in files if p.parent.name != "ort"]
    (out / "files.json").write_text(json.dumps({"version": digest, "files": kept}) + "\n", "utf-8")
    worker = (PAGE / "sw.js").read_text("utf-8").replace("__VERSION__", digest)
    (out / "sw.js").write_text(worker, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("students", nargs="+", type=Path, help="ONNX files of `diffstyle export`")
    parser.add_argument("--out", type=Path, default=Path("site"), help="the folder to write")
    parser.add_argument("--package", type=Path, help=f"an archive of {PACKAGE}, to build without a network")
    options = parser.parse_args()
    build(options.students, options.out, options.package)
    print(f"{options.out}: serve it over https, or try it: python -m http.server -d {options.out} 8080")


if __name__ == "__main__":
    main()
