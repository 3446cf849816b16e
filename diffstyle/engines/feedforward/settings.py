"""The settings of the engine of students, and the sizes that a student can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from diffstyle.assets.students import SHIPPED, student_styles
from diffstyle.core.fields import MaxLength
from diffstyle.core.settings import Capabilities, EngineSettings

Size = Literal["tiny", "small", "base"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedforward(EngineSettings):
    """A student (Johnson et al. 2016, Dumoulin et al. 2017): one small network that paints a few styles in real time.

    Parameters
    ----------
    student
        The name that `diffstyle distil` gave it, or the one that ships.
    """

    name: ClassVar[str] = "feedforward"
    title: ClassVar[str] = "Student"
    capabilities: ClassVar[Capabilities] = Capabilities(
        interactive=True, own_styles=True, runtimes=("onnx", "openvino")
    )

    student: Annotated[str, MaxLength(64)] = SHIPPED

    def style_names(self) -> tuple[str, ...]:
        return student_styles(self.student)
