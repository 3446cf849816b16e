"""The settings of the preview engine: it has none of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from diffstyle.core.settings import Capabilities, EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Adain(EngineSettings):
    """Adaptive instance normalisation (Huang & Belongie 2017): an instant preview, the same for every seed."""

    name: ClassVar[str] = "adain"
    title: ClassVar[str] = "Instant"
    capabilities: ClassVar[Capabilities] = Capabilities(interactive=True, runtimes=("onnx", "openvino"))
