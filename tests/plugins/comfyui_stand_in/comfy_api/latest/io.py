"""Stand-in for ComfyUI's module of this name: see README.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


class Input:
    io_type = ""

    def __init__(
        self,
        id: str,  # noqa: A002
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None,
    ) -> None:
        self.id, self.display_name, self.optional, self.tooltip = id, display_name, optional, tooltip
        self.lazy, self.extra_dict, self.raw_link = lazy, extra_dict or {}, raw_link
        self.widget: dict[str, Any] = {}

    def as_dict(self) -> dict[str, Any]:
        own = _given(display_name=self.display_name, tooltip=self.tooltip, lazy=self.lazy, rawLink=self.raw_link)
        return own | self.widget | self.extra_dict


class Output:
    io_type = ""

    def __init__(
        self,
        id: str | None = None,  # noqa: A002
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None:
        self.id, self.display_name, self.tooltip, self.is_output_list = id, display_name, tooltip, is_output_list


class ComfyTypeIO:
    class Input(Input): ...

    class Output(Output): ...


def Custom(io_type: str) -> type[ComfyTypeIO]:  # noqa: N802
    made = type(io_type, (ComfyTypeIO,), {})
    for name in ("Input", "Output"):
        setattr(made, name, type(name, (getattr(ComfyTypeIO, name),), {"io_type": io_type}))
    return made


Image, Mask = Custom("IMAGE"), Custom("MASK")


class Boolean:
    class Input(Input):
        io_type = "BOOLEAN"

        def __init__(
            self,
            id: str,  # noqa: A002
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: bool | None = None,
            label_on: str | None = None,
            label_off: str | None = None,
            socketless: bool | None = None,
            force_input: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy)
            self.widget = _given(
                default=default, label_on=label_on, label_off=label_off, socketless=socketless, forceInput=force_input
            )


class Int:
    class Input(Input):
        io_type = "INT"

        def __init__(
            self,
            id: str,  # noqa: A002
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: int | None = None,
            min: int | None = None,  # noqa: A002
            max: int | None = None,  # noqa: A002
            step: int | None = None,
            control_after_generate: bool | None = None,
            display_mode: Any = None,
            socketless: bool | None = None,
            force_input: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy)
            self.widget = _given(
                default=default,
                min=min,
                max=max,
                step=step,
                control_after_generate=control_after_generate,
                display=display_mode,
                socketless=socketless,
                forceInput=force_input,
            )


class Float:
    class Input(Input):
        io_type = "FLOAT"

        def __init__(
            self,
            id: str,  # noqa: A002
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: float | None = None,
            min: float | None = None,  # noqa: A002
            max: float | None = None,  # noqa: A002
            step: float | None = None,
            round: float | None = None,  # noqa: A002
            display_mode: Any = None,
            socketless: bool | None = None,
            force_input: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy)
            self.widget = _given(
                default=default,
                min=min,
                max=max,
                step=step,
                round=round,
                display=display_mode,
                socketless=socketless,
                forceInput=force_input,
            )


class String:
    class Input(Input):
        io_type = "STRING"

        def __init__(
            self,
            id: str,  # noqa: A002
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            multiline: bool = False,
            placeholder: str | None = None,
            default: str | None = None,
            dynamic_prompts: bool | None = None,
            socketless: bool | None = None,
            force_input: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy)
            self.widget = _given(
                default=default,
                multiline=multiline,
                placeholder=placeholder,
                dynamicPrompts=dynamic_prompts,
                socketless=socketless,
                forceInput=force_input,
            )

    class Output(Output):
        io_type = "STRING"


class Combo:
    class Input(Input):
        io_type = "COMBO"

        def __init__(
            self,
            id: str,  # noqa: A002
            options: Sequence[str],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: str | None = None,
            control_after_generate: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy)
            self.widget = _given(
                default=default, multiselect=False, options=options, control_after_generate=control_after_generate
            )


@dataclass
class Schema:
    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list[Input])
    outputs: list[Output] = field(default_factory=list[Output])
    hidden: list[str] = field(default_factory=list[str])
    description: str = ""
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False

    def validate(self) -> None:
        """As in ComfyUI: the ids of inputs and outputs are unique, also between the two."""
        for n, output in enumerate(self.outputs):
            output.id = output.id or f"_{n}_{output.io_type}_"
        ids = [i.id for i in self.inputs] + [o.id for o in self.outputs]
        if len(set(ids)) != len(ids):
            raise ValueError(f"{self.node_id}: ids must be unique: {ids}")


class NodeOutput:
    def __init__(
        self,
        *args: Any,
        ui: Any = None,
        expand: dict[str, Any] | None = None,
        block_execution: str | None = None,
    ) -> None:
        self.args, self.ui, self.expand, self.block_execution = args, ui, expand, block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        return self.args or None


class ComfyNode:
    """Base of all nodes, which override `execute`, a class method that takes the inputs by name."""

    hidden: ClassVar[Any] = None

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:  # noqa: N802
        if not hasattr(cls, "execute"):
            raise Exception(f"No execute function was defined for node class {cls.__name__}.")
        schema = cls.define_schema()
        schema.validate()
        return schema

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[str, dict[str, Any]]]]:  # noqa: N802
        """What ComfyUI's server checks a workflow against: type and options of each input."""
        found: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {"required": {}}
        for i in cls.GET_SCHEMA().inputs:
            found.setdefault("optional" if i.optional else "required", {})[i.id] = (i.io_type, i.as_dict())
        return found
