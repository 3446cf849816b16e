"""The options and the state of the program."""

from __future__ import annotations

from typing import Any


class OptionInfo:
    """An option of the settings."""

    def __init__(self, default: Any = None, label: str = "", section: tuple[str, str] | None = None) -> None:
        self.default, self.label, self.section = default, label, section


class Options:
    """The settings: options are attributes."""

    samples_save = True
    samples_format = "png"

    def __init__(self) -> None:
        self.labels: dict[str, OptionInfo] = {}

    def add_option(self, key: str, info: OptionInfo) -> None:
        self.labels[key] = info
        setattr(self, key, info.default)


class State:
    """What runs now."""

    interrupted = False
    skipped = False
    job_count = 0
    job_no = 0
    sampling_step = 0
    sampling_steps = 0

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def nextjob(self) -> None:
        self.job_no += 1

    def assign_current_image(self, image: Any) -> None:
        self.shown.append(image)


opts, state = Options(), State()
