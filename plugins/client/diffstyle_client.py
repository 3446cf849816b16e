"""Talks to `diffstyle serve` with Python's standard library alone, for programs whose Python cannot hold torch.

Each plugin holds a link to this file, and its archive a copy of it. Everything that goes wrong is a `DiffstyleError`,
whose text is one sentence for the user.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
import struct
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, cast

ADDRESS = "http://127.0.0.1:8000"
NEEDS = "0.2.0"  # the oldest server that these plugins can use
STRENGTH, STRUCTURE = 1.0, 0.5
COLOURS = ("off", "keep", "match", "palette")
MAX_SIDE, MAX_SEED = 8192, 2**31 - 1
PREVIEW_SIDE = 512  # the server paints previews of at most so many pixels a side
PARTIALS = 3  # unfinished pictures of a render
_FILES = {"image": "picture.png", "mask": "mask.png"}  # the names that the server's sentences have
_CONNECT_SECONDS, _SILENT_SECONDS, _POLL_SECONDS = 5, 120, 0.1


class DiffstyleError(Exception):
    """What went wrong, in one sentence that says what to do."""


class Cancelled(Exception):
    """The user has cancelled; the server stops at its next step."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a picture is to look: the style in words or by name, and the settings that all engines share.

    `seed` counts where the engine has chance, `colour` is one of COLOURS, `depth` the bits of a channel of the result.
    """

    style: str
    strength: float = STRENGTH
    structure: float = STRUCTURE
    seed: int = 0
    colour: str = "off"
    depth: int = 8

    def fields(self) -> dict[str, str]:
        """The fields of a form. DiffstyleError if there is no style."""
        if not self.style.strip():
            raise DiffstyleError("There is no style: describe it in words, such as 'charcoal drawing', or name one.")
        return {
            "prompt": self.style.strip(),
            "strength": f"{self.strength:.6g}",
            "structure": f"{self.structure:.6g}",
            "seed": str(self.seed),
            "colour": self.colour,
            "output_depth": str(self.depth),
        }


def chosen_style(words: str, name: str) -> str:
    """The style that a form with both asks for: its words, or else the named style."""
    return words.strip() or name.strip()


def fitted(width: int, height: int, longest: int) -> tuple[int, int]:
    """The size of a picture whose longest side is reduced to `longest` pixels; its own for 0 and for smaller ones."""
    if longest <= 0 or max(width, height) <= longest:
        return width, height
    factor = longest / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def png_size(data: bytes) -> tuple[int, int]:
    """The width and height that the head of a PNG says. DiffstyleError if it is none."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        raise DiffstyleError("The server's answer is no PNG: is something between the plugin and the server?")
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)


@dataclass(frozen=True)
class Server:
    """A diffstyle server, by its address and an optional API key."""

    address: str = ADDRESS
    key: str = ""

    def check(self) -> str:
        """The server's version. DiffstyleError if none answers, if it refuses the key, or if it is too old."""
        answer = self._json("GET", "/v1/models")
        with self._understood():
            model = answer["data"][0]
            ours, version = model.get("owned_by") == "diffstyle", str(model.get("version", ""))
        if not ours:
            raise self._stranger()
        if _number(version) < _number(NEEDS):
            found = f"diffstyle {version}" if version else "an old diffstyle"
            raise DiffstyleError(
                f"The server at {self.address} runs {found}, and this plugin"
                f" needs {NEEDS} or newer: update it with pip install --upgrade diffstyle, and start it again."
            )
        return version

    def style_names(self, words: str = "", limit: int = 1000) -> list[str]:
        """The named styles, in alphabetical order, or those nearest to some `words`, the best first."""
        query = urllib.parse.urlencode({"limit": limit, **({"q": words} if words else {})})
        answer = self._json("GET", f"/v1/styles?{query}")
        with self._understood():
            return [str(style["id"]) for style in answer["data"]]

    def preview(self, picture: bytes, look: Look, *, cancelled: Callable[[], bool] | None = None) -> bytes:
        """A preview of `picture`, a PNG, as a PNG of at most PREVIEW_SIDE pixels a side.

        `cancelled` is asked ten times a second, in the caller's thread; Cancelled is raised once it is true.
        """
        call = self._post("/v1/preview", replace(look, depth=8).fields(), {"image": picture})
        return b"".join(_followed(call, cancelled))

    def stylise(
        self,
        picture: bytes,
        look: Look,
        *,
        mask: bytes | None = None,
        on_progress: Callable[[float, bytes | None], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> bytes:
        """`picture`, a PNG, painted in a style: a PNG of its size. `mask` is transparent where it is to be painted.

        `on_progress` gets the share that is done, and an unfinished picture or None; both it and `cancelled`, which is
        asked ten times a second, run in the caller's thread. Raises Cancelled once `cancelled` is true.
        """
        files = {"image": picture, **({} if mask is None else {"mask": mask})}
        fields = {**look.fields(), "stream": "true", "partial_images": str(PARTIALS)}
        told, partials = on_progress or _ignore, 0
        told(0.0, None)
        for line in _followed(self._post("/v1/images/edits", fields, files), cancelled):
            if not line.startswith(b"data: ") or not line.endswith(b"\n"):
                continue  # the event's name, an empty line, a comment while it waits, or an event that was cut off
            with self._understood():
                event = json.loads(line[6:])
                if "error" in event:
                    raise DiffstyleError(str(event["error"]["message"]))
                data, completed = base64.b64decode(event["b64_json"]), event["type"] == "image_edit.completed"
            if completed:
                told(1.0, None)
                return data
            partials += 1
            told(partials / (PARTIALS + 1), data)
        raise DiffstyleError(f"The server at {self.address} ended before the picture was finished: try again.")

    def _json(self, method: str, path: str) -> dict[str, Any]:
        data = b"".join(_followed(_Call(self, method, path, b"", {}), None))
        with self._understood():
            return cast("dict[str, Any]", dict(json.loads(data)))

    def _post(self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> _Call:
        boundary = uuid.uuid4().hex
        parts: list[bytes] = []
        for name, text in fields.items():
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
        for name, data in files.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{_FILES[name]}"\r\n'
            parts += [f"{head}Content-Type: image/png\r\n\r\n".encode(), data, b"\r\n"]
        parts.append(f"--{boundary}--\r\n".encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return _Call(self, "POST", path, b"".join(parts), headers)

    @contextlib.contextmanager
    def _understood(self) -> Generator[None, None, None]:
        """What does not read as an answer of diffstyle serve comes from something else."""
        try:
            yield
        except (ValueError, LookupError, TypeError, AttributeError):
            raise self._stranger() from None

    def _stranger(self) -> DiffstyleError:
        return DiffstyleError(f"What answers at {self.address} is not diffstyle serve: correct the address.")


class Work(threading.Thread):
    """Paints one picture in a thread that touches nothing of the host program; `data` holds the result when it ends."""

    def __init__(self, server: Server, picture: bytes, look: Look, *, preview: bool = False) -> None:
        super().__init__(name="diffstyle work", daemon=True)
        self.done, self.data, self.error = 0.0, b"", ""
        self.cancel = threading.Event()
        self._server, self._picture, self._look, self._preview = server, picture, look, preview

    def run(self) -> None:
        """Paint."""
        try:
            self._server.check()
            paint: Callable[[], bytes] = self._small if self._preview else self._whole
            self.data = paint()
        except Cancelled:
            self.error = "Cancelled."
        except DiffstyleError as error:
            self.error = str(error)

    def result(self) -> bytes:
        """The painted PNG. DiffstyleError if there is none."""
        if self.error or not self.data:
            raise DiffstyleError(self.error or "Nothing was painted: try again.")
        return self.data

    def _small(self) -> bytes:
        return self._server.preview(self._picture, self._look, cancelled=self.cancel.is_set)

    def _whole(self) -> bytes:
        return self._server.stylise(
            self._picture, self._look, on_progress=self._progressed, cancelled=self.cancel.is_set
        )

    def _progressed(self, done: float, _: bytes | None) -> None:
        self.done = done


class _Call(threading.Thread):
    """One request in a thread of its own, so that the caller can cancel it and still draw its windows.

    `items` gets each line of an answer, then None, or the DiffstyleError that ends it.
    """

    def __init__(self, server: Server, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(name="diffstyle", daemon=True)
        self.items: SimpleQueue[bytes | DiffstyleError | None] = SimpleQueue()
        self._address, self._method, self._path, self._body = server.address, method, path, body
        self._headers = {**headers, "Accept": "*/*"}
        key = server.key.strip()
        if not (key.isascii() and key.isprintable()):
            raise DiffstyleError("The API key has characters that no key has: copy it again.")
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._connection, self._prefix = _connection(server.address)
        self._stopped = threading.Event()

    def run(self) -> None:
        """Send the request, and pass its answer on."""
        try:
            self._run()
        except DiffstyleError as error:
            self.items.put(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.items.put(self._broken(error))
        finally:
            self._connection.close()

    def stop(self) -> None:
        """End the request at once; the server notices that its client has left."""
        self._stopped.set()
        if isinstance(self._connection.sock, socket.socket):
            with contextlib.suppress(OSError):  # it has ended already
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        connection = self._connection
        try:
            connection.connect()
        except (OSError, ValueError):
            raise DiffstyleError(
                f"No diffstyle server answers at {self._address}: start one with diffstyle serve, or correct the"
                " address."
            ) from None
        if self._stopped.is_set():
            return
        connection.sock.settimeout(_SILENT_SECONDS)
        sending: OSError | None = None
        try:
            connection.request(self._method, self._prefix + self._path, self._body, self._headers)
        except (BrokenPipeError, ConnectionResetError) as error:
            sending = error  # refused before it was sent: the answer says why
        try:
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException):
            if sending is None:
                raise
            raise DiffstyleError(
                f"The server at {self._address} ended the upload of {len(self._body) / 2**20:.0f} MB: set a smaller"
                " size in the plugin, or start the server with a larger --max-upload-mb."
            ) from sending
        if answer.status >= 300:
            raise self._refused(answer.status, answer.read())
        while line := answer.readline():
            self.items.put(line)
        if answer.length:  # of the bytes that were announced
            raise http.client.IncompleteRead(b"", answer.length)
        self.items.put(None)

    def _refused(self, status: int, body: bytes) -> DiffstyleError:
        if status == 401:
            said = "take the plugin's API key" if "Authorization" in self._headers else "answer without an API key"
            return DiffstyleError(f"The server at {self._address} does not {said}: enter one of its --api-keys.")
        try:
            return DiffstyleError(str(json.loads(body)["error"]["message"]))
        except (ValueError, KeyError, TypeError):
            return DiffstyleError(
                f"What answers at {self._address} is not diffstyle serve (status {status}): correct the address."
            )

    def _broken(self, error: Exception) -> DiffstyleError:
        if isinstance(error, TimeoutError):
            return DiffstyleError(f"The server at {self._address} was silent for {_SILENT_SECONDS} seconds: try again.")
        if isinstance(error, http.client.BadStatusLine) and not isinstance(error, http.client.RemoteDisconnected):
            return DiffstyleError(f"What answers at {self._address} is not diffstyle serve: correct the address.")
        return DiffstyleError(f"The connection to {self._address} was lost: is the server still running?")


def _followed(call: _Call, cancelled: Callable[[], bool] | None) -> Iterator[bytes]:
    """The lines of an answer. Raises DiffstyleError, or Cancelled once `cancelled` is true."""
    call.start()
    try:
        while True:
            if cancelled is not None and cancelled():
                raise Cancelled
            try:
                item = call.items.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
            if isinstance(item, DiffstyleError):
                raise item
            if item is None:
                return
            yield item
    finally:
        call.stop()


def _connection(address: str) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not made yet, and the path that all addresses begin with."""
    shown = address.rpartition("@")[2][:80]  # without a password
    problem = DiffstyleError(f"{shown!r} is no address: give one such as {ADDRESS}.")
    try:
        found = urllib.parse.urlsplit(address.strip())
        host, port = found.hostname, found.port
    except ValueError:
        raise problem from None
    if "@" in found.netloc:
        raise DiffstyleError("The address holds a name or password: leave out what stands before the @.")
    if found.scheme not in ("http", "https") or not host:
        raise problem
    kind = http.client.HTTPSConnection if found.scheme == "https" else http.client.HTTPConnection
    try:
        return kind(host, port, timeout=_CONNECT_SECONDS), found.path.rstrip("/")
    except (ValueError, http.client.InvalidURL):
        raise problem from None


def _number(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with, at least three, to compare it."""
    found = re.match(r"\d{1,9}(\.\d{1,9})*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    return (*numbers, *[0] * (3 - len(numbers)))


def _ignore(done: float, picture: bytes | None) -> None:
    del done, picture
