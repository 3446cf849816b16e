"""The node that loads a model."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from diffstyle import Stylizer
from diffstyle.core.model_options import ModelOptions

from .sockets import CATEGORY, ModelSocket, inputs_of, plain_tensors, values_from


class LoadModel(io.ComfyNode):
    """`Stylizer.of`, with every option of `ModelOptions`."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        return io.Schema(
            node_id="DiffstyleLoadModel",
            display_name="Load diffstyle Model",
            category=CATEGORY,
            description="Loads what paints: the starter, which comes with diffstyle, or Stable Diffusion.",
            inputs=inputs_of(ModelOptions),
            outputs=[ModelSocket.Output("loaded", display_name="DIFFSTYLE_MODEL")],
        )

    @classmethod
    @plain_tensors
    def execute(cls, **given: Any) -> io.NodeOutput:
        """Raise InputError for a model that is missing, damaged, or does not fit its adapters."""
        return io.NodeOutput(Stylizer.of(ModelOptions(**values_from(ModelOptions, given))))
