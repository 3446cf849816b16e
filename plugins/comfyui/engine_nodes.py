"""One node for each engine that has settings of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from comfy_api.latest import io

from diffstyle.core.fields import fields_of
from diffstyle.engines.registry import engine_names, settings_class

from .sockets import CATEGORY, EngineSocket, inputs_of, values_from


class EngineNode(io.ComfyNode):
    """The settings that only `engine` knows. `engine_nodes` makes a subclass for each."""

    engine: ClassVar[str]

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        settings = settings_class(cls.engine)
        return io.Schema(
            node_id=f"DiffstyleEngine{cls.engine.title()}",
            display_name=f"{settings.title} Settings",
            category=f"{CATEGORY}/engines",
            description=f"Settings that only the engine {cls.engine} knows; connect them to Stylise.",
            inputs=inputs_of(settings),
            outputs=[EngineSocket.Output("engine_settings", display_name="DIFFSTYLE_ENGINE")],
        )

    @classmethod
    def execute(cls, **given: Any) -> io.NodeOutput:
        """Raise InputError for settings that do not go together."""
        settings = settings_class(cls.engine)
        return io.NodeOutput(settings(**values_from(settings, given)))


def engine_nodes() -> list[type[io.ComfyNode]]:
    """A node class for each engine of the registry that has settings."""
    return [
        type(f"{name.title()}Engine", (EngineNode,), {"engine": name, "__module__": __name__})
        for name in engine_names()
        if fields_of(settings_class(name))
    ]
