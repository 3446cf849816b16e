"""The engine of students: one pass of a small network, for the styles that it was trained on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import torch
from cachetools import LRUCache
from torch import Tensor
from torch.nn import functional as F

from diffstyle.assets.students import student_file
from diffstyle.core.device import dtype_name
from diffstyle.core.model_options import Runtime
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task, resolve
from diffstyle.engines.base import EngineHost, OnStep, report, settings_of
from diffstyle.engines.feedforward.exportable import exportable
from diffstyle.engines.feedforward.network import SMALLEST
from diffstyle.engines.feedforward.settings import Feedforward
from diffstyle.engines.feedforward.student import Student, read_student
from diffstyle.runtimes.cached import session_of
from diffstyle.runtimes.packages import chosen_runtime
from diffstyle.runtimes.sessions import Session, described, dtype_inside

LARGEST = 2048  # pixels of a square's side: marks are of one size in pixels, and memory grows with the area
KEPT_STUDENTS = 4
FASTEST: Runtime = "torch"


class FeedforwardEngine:
    """`strength` moves the scales and shifts of every layer from the identity's to the style's. Nothing is random: the
    seed changes nothing. A style is a mixture of those that the student was trained on; any other is refused.
    """

    def __init__(self, *, dtype: torch.dtype, device: torch.device, runtime: Runtime = "torch") -> None:
        """Students are read when they are first needed; maps are computed in `dtype`, by ONNX Runtime in float32."""
        self._runtime: Runtime = chosen_runtime(runtime, FASTEST)
        self.dtype, self.device = dtype_inside(self._runtime, dtype), device
        reentrant = self._runtime == "torch" and device.type == "cpu"
        self.capabilities = replace(Feedforward.capabilities, reentrant=reentrant)
        self._lock = threading.Lock()  # guards what is kept: several threads may render
        self._students: LRUCache[tuple[str, int], Student] = LRUCache(KEPT_STUDENTS)
        self._sessions: LRUCache[str, Session] = LRUCache(KEPT_STUDENTS)

    @property
    def weights(self) -> Mapping[str, str]:
        return self._named(Feedforward().student)

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        return self._named(settings_of(task, Feedforward).student)

    def _named(self, student: str) -> Mapping[str, str]:
        return {f"student/{student}": self.student(student).digest}

    @property
    def runtime(self) -> Mapping[str, str]:
        threads = str(torch.get_num_threads())
        own = {"device": str(self.device), "dtype": dtype_name(self.dtype), "threads": threads}
        return {**own, **described(self._runtime)}

    def student(self, name: str) -> Student:
        """The student of that name, ready to paint; read again when its file has changed."""
        path = student_file(name)
        key = str(path), path.stat().st_mtime_ns
        with self._lock:
            found = self._students.get(key)
            if found is None:
                found = read_student(path)
                network = found.network.to(self.device).eval().requires_grad_(False)
                network.to(memory_format=torch.channels_last).freeze(self.dtype)
                self._students[key] = found
        return found

    def _session(self, name: str, student: Student) -> Session:
        """The student, ready to run outside torch."""
        found = self._sessions.get(student.digest)
        if found is None:
            path = student_file(name)
            found = session_of(
                lambda: exportable(path, path.stem),
                "student",
                student.digest,
                runtime=self._runtime,
                device=self.device,
                dtype=self.dtype,
            )
            self._sessions[student.digest] = found
        return found

    def measure(self, style: Style) -> Style:
        """As it is: a student knows its styles by their names and digests."""
        return style

    def prepare(self, task: Task) -> ResolvedTask:
        settings = settings_of(task, Feedforward)
        student = self.student(settings.student)
        for style in task.styles:
            student.weights(style)
        return resolve(task, settings, self.measure)

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return LARGEST

    @torch.no_grad()
    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        content = task.content
        report(on_step, 0, 1)
        if task.strength == 0:
            report(on_step, 1, 1)
            return content
        name = settings_of(task, Feedforward).student
        student = self.student(name)
        weights = torch.tensor([student.weights(task.style)], device=self.device)
        strength = torch.full((1, 1), task.strength, device=self.device)
        photo = content.pixels[None].to(self.device).contiguous(memory_format=torch.channels_last)
        photo = _large_enough(photo)
        if self._runtime == "torch":
            painted = student.network(photo, weights, strength)
        else:
            inputs = {"photo": photo, "weights": weights, "strength": strength}
            session = self._session(name, student)
            painted = session.run({key: value.cpu() for key, value in inputs.items()})["painting"]
        painted = painted[0, :, : content.height, : content.width]
        report(on_step, 1, 1)
        return replace(content, pixels=painted.cpu().contiguous())


def _large_enough(photo: Tensor) -> Tensor:
    """`photo` (1, 3, h, w) with its last rows and columns repeated until sides are SMALLEST."""
    below, beside = (max(0, SMALLEST - side) for side in photo.shape[2:])
    return F.pad(photo, (0, beside, 0, below), mode="replicate") if below or beside else photo


def load(host: EngineHost) -> FeedforwardEngine:
    """The engine, whatever the model."""
    return FeedforwardEngine(dtype=host.dtype, device=host.device, runtime=host.options.runtime)
