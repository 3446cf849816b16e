"""Runs in Krita, by kritarunner or on the stand-in: paints layers through the docker, and notes what came of it.

`DIFFSTYLE_TASK` is a JSON object: the addresses of servers, and the folder to write to.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from krita import Krita, Selection

TASK: dict[str, str] = json.loads(os.environ["DIFFSTYLE_TASK"])
FOUND: dict[str, Any] = {}
PROFILE = "sRGB-elle-V2-srgbtrc.icc"


def document(depth: str = "U8", width: int = 96, height: int = 64) -> tuple[Any, Any, bytes]:
    """A document with one layer of noise; the layer and its pixels."""
    made = Krita.instance().createDocument(width, height, "test", "RGBA", depth, PROFILE, 72.0)
    layer = made.createNode("photo", "paintlayer")
    made.rootNode().addChildNode(layer, None)
    count = width * height * 4
    if depth == "U8":
        data = bytes((7 * n + n // 5) % 256 for n in range(count))
    else:
        data = b"".join(((n * 7919 + n // 3) % 65536).to_bytes(2, "little") for n in range(count))
    layer.setPixelData(data, 0, 0, width, height)
    made.refreshProjection()
    made.waitForDone()
    return made, layer, data


class Viewed:
    """A document in whose window a layer is active: kritarunner has no windows."""

    def __init__(self, made: Any, layer: Any) -> None:
        self._made, self._layer = made, layer

    def activeNode(self) -> Any:
        return self._layer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


def docker_for(made: Any, layer: Any = None) -> Any:
    """The docker, with the given document and layer as the active ones."""
    docker: Any = import_module("diffstyle.docker")

    active = None if made is None else Viewed(made, layer)

    class Instance:
        """Krita, whose active document has no window here."""

        def activeDocument(self) -> Any:
            return active

        def __getattr__(self, name: str) -> Any:
            return getattr(Krita.instance(), name)

    class Chosen:
        @staticmethod
        def instance() -> Any:
            return Instance()

    docker.Krita = Chosen
    found = docker.StyleDocker()
    found.server.setText(TASK["server"])
    found.key.setText("")
    found.words.setText("charcoal drawing")
    return found


def finished(docker: Any) -> str:
    """Wait for the docker's work; what it says."""
    qt: Any = import_module("diffstyle.qt")

    end = time.monotonic() + 60
    while docker.work is not None and time.monotonic() < end:
        qt.QtWidgets.QApplication.processEvents()
        time.sleep(0.01)
    return str(docker.said.text())


def off(first: bytes, second: bytes, depth: str) -> int:
    """How far two rows of pixels are apart at most, where they are not transparent."""
    step = 1 if depth == "U8" else 2
    numbers = [
        [int.from_bytes(data[n : n + step], "little") for n in range(0, len(data), step)] for data in (first, second)
    ]
    pairs = list(zip(*numbers, strict=True))
    return max(abs(a - b) for n, (a, b) in enumerate(pairs) if pairs[n - n % 4 + 3][0])


def plain() -> None:
    """A layer with a selection: the new one lies above it, with a mask."""
    made, layer, data = document()
    selection = Selection()
    selection.select(10, 8, 30, 20, 255)
    made.setSelection(selection)
    docker = docker_for(made, layer)
    docker.paint()
    FOUND["plain"] = finished(docker)
    made.waitForDone()
    names = [node.name() for node in made.rootNode().childNodes() if node.type() == "paintlayer"]
    painted = made.nodeByName("charcoal drawing")
    masks = painted.childNodes()
    FOUND["plain-layers"] = names[names.index("photo") :]
    FOUND["plain-masks"] = [mask.type() for mask in masks]
    found = masks[0].selection() if masks else None
    FOUND["plain-selection"] = [found.x(), found.y(), found.width(), found.height()] if found else []
    FOUND["plain-off"] = off(data, bytes(painted.pixelData(0, 0, 96, 64)), "U8")
    FOUND["plain-old"] = bytes(layer.pixelData(0, 0, 96, 64)) == data


def given_back(depth: str) -> None:
    """Strength 0 gives a layer back as it is."""
    made, layer, data = document(depth)
    docker = docker_for(made, layer)
    docker.strength.setValue(0)
    docker.paint()
    FOUND[f"back-{depth}"] = finished(docker)
    made.waitForDone()
    painted = made.rootNode().childNodes()[-1]
    FOUND[f"back-{depth}-off"] = off(data, bytes(painted.pixelData(0, 0, 96, 64)), depth)
    FOUND[f"back-{depth}-depth"] = painted.colorDepth()


def others() -> None:
    """A smaller size, a preview, the named styles, and what is cancelled."""
    made, layer, _ = document()
    docker = docker_for(made, layer)
    docker.list_styles()
    FOUND["styles"] = str(docker.said.text())
    docker.longest.setValue(48)
    docker.paint()
    FOUND["reduced"] = finished(docker)
    painted = made.rootNode().childNodes()[-1]
    FOUND["reduced-bounds"] = [painted.bounds().width(), painted.bounds().height()]
    docker.preview()
    FOUND["preview"] = finished(docker)
    FOUND["preview-shown"] = docker.shown.pixmap().width()
    count = len(made.rootNode().childNodes())
    docker.words.setText("van-gogh-irises")
    docker.longest.setValue(0)
    docker.paint()
    docker.paint()
    FOUND["busy"] = str(docker.said.text())
    docker.cancel()
    FOUND["cancelled"] = finished(docker)
    FOUND["cancelled-layers"] = len(made.rootNode().childNodes()) - count


def changed_meanwhile() -> None:
    """What the user does while the server paints: the layer or its group is deleted, the selection or document goes."""
    for scene in ("deleted", "deleted-group"):
        made, _, data = document()
        group = made.createNode("group", "grouplayer")
        made.rootNode().addChildNode(group, None)
        inner = made.createNode("inner", "paintlayer")
        group.addChildNode(inner, None)
        inner.setPixelData(data, 0, 0, 96, 64)
        made.refreshProjection()
        made.waitForDone()
        selection = Selection()
        selection.select(10, 8, 30, 20, 255)
        made.setSelection(selection)
        docker = docker_for(made, inner)
        docker.paint()
        docker.words.setText("neon")
        (inner if scene == "deleted" else group).remove()
        other = Selection()
        other.select(0, 0, 5, 5, 255)
        made.setSelection(other)
        FOUND[scene] = finished(docker)
        made.waitForDone()
        painted = made.rootNode().childNodes()[-1]
        found = painted.childNodes()[0].selection()
        FOUND[f"{scene}-layer"] = [painted.name(), found.x(), found.y(), found.width(), found.height()]
    made, layer, _ = document()
    docker = docker_for(made, layer)
    docker.paint()
    made.close()
    FOUND["closed"] = finished(docker)


def refused() -> None:
    """What is said of what cannot be painted."""

    def said(scene: str, made: Any, layer: Any, **texts: str) -> None:
        docker = docker_for(made, layer)
        for name, text in texts.items():
            getattr(docker, name).setText(text)
        docker.paint()
        FOUND[scene] = finished(docker)

    made, layer, _ = document()
    said("no-document", None, None)
    said("no-layer", made, None)
    said("no-style", made, layer, words=" ")
    said("no-server", made, layer, server=TASK["no_server"])
    said("old-server", made, layer, server=TASK["old_server"])
    said("no-address", made, layer, server="here")
    said("empty", made, made.createNode("empty", "paintlayer"))
    said("mask", made, made.createTransparencyMask("mask"))
    selection = Selection()
    selection.select(500, 500, 10, 10, 255)
    made.setSelection(selection)
    said("outside", made, layer)
    said("huge", *document(width=1000, height=500)[:2])


def main(*_: object) -> None:
    """All scenes."""
    try:
        for scene in (plain, lambda: given_back("U8"), lambda: given_back("U16"), others, changed_meanwhile, refused):
            scene()
    except Exception:
        FOUND["traceback"] = traceback.format_exc()
    Path(TASK["folder"], "found.json").write_text(json.dumps(FOUND))
