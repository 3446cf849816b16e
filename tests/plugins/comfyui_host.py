"""Loads custom nodes as ComfyUI does, and checks and runs workflows in its API format, on the stand-in."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from tests.helpers.asynchronous import run_async

STAND_IN = Path(__file__).parent / "comfyui_stand_in"
Workflow = Mapping[str, Mapping[str, Any]]
CORE = {
    "LoadImage": ("IMAGE", "MASK"),
    "SaveImage": (),
}  # ComfyUI's own nodes that the examples use, with their outputs


@contextmanager
def loaded(folder: Path) -> Generator[dict[str, Any]]:
    """The nodes of a custom node's folder by their id, as ComfyUI's `load_custom_node` registers them."""
    name = str(folder).replace(".", "_x_")
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STAND_IN))
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        from comfy_api.latest import ComfyExtension

        extension = run_async(module.comfy_entrypoint())
        assert isinstance(extension, ComfyExtension)
        run_async(extension.on_load())
        yield {node.GET_SCHEMA().node_id: node for node in run_async(extension.get_node_list())}
        own = ("comfy", "comfy_api", "folder_paths", name)
        for other in set(sys.modules) - before:
            if other.partition(".")[0] in own or other.startswith(name):
                del sys.modules[other]


def problems(workflow: Workflow, nodes: Mapping[str, Any]) -> list[str]:
    """What ComfyUI's server would refuse in a workflow: unknown nodes and inputs, missing inputs, values outside their
    range or choices, links that lead nowhere or carry another type.
    """
    found: list[str] = []
    for key, node in workflow.items():
        kind, given = str(node["class_type"]), cast("Mapping[str, Any]", node["inputs"])
        if kind in CORE:
            continue
        if kind not in nodes:
            found.append(f"{key}: there is no node {kind}")
            continue
        declared: dict[str, dict[str, tuple[str, dict[str, Any]]]] = nodes[kind].INPUT_TYPES()
        inputs = {**declared["required"], **declared.get("optional", {})}
        found += [f"{key}: {name} is missing" for name in declared["required"] if name not in given]
        found += [f"{key}: there is no input {name}" for name in given if name not in inputs]
        for name in inputs.keys() & given.keys():
            found += [f"{key}: {name} {what}" for what in _refusals(given[name], *inputs[name], workflow, nodes)]
    return found


def _refusals(
    value: Any, io_type: str, options: Mapping[str, Any], workflow: Workflow, nodes: Mapping[str, Any]
) -> Iterator[str]:
    if isinstance(value, list):
        source, slot = cast("list[Any]", value)
        if source not in workflow:
            yield "is linked to a node that is not there"
            return
        kind = str(workflow[source]["class_type"])
        outputs = CORE[kind] if kind in CORE else [o.io_type for o in nodes[kind].GET_SCHEMA().outputs]
        if slot >= len(outputs) or outputs[slot] != io_type:
            yield f"takes {io_type}, not output {slot} of {kind}"
        return
    kinds: dict[str, Any] = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool, "COMBO": str}
    if io_type not in kinds or not isinstance(value, kinds[io_type]):
        yield f"is {value!r}, not {io_type}"
    elif value not in options.get("options", [value]):
        yield f"is {value!r}, which is no choice"
    elif io_type in ("INT", "FLOAT") and not options.get("min", value) <= value <= options.get("max", value):
        yield f"is {value!r}, outside its range"


def execute(node: Any, **given: Any) -> Any:
    """The output of a node, which ComfyUI's executor runs in PyTorch's inference mode."""
    with torch.inference_mode():
        return node.execute(**given)


def run(workflow: Workflow, nodes: Mapping[str, Any], core: Mapping[str, Any]) -> dict[str, Any]:
    """The output of every node of ours, by key; `core` gives what ComfyUI's own nodes put out, by key."""
    done: dict[str, Any] = {}

    def output(key: str) -> Any:
        node = workflow[key]
        if node["class_type"] in CORE:
            return core[key]
        if key not in done:
            given = dict(cast("Mapping[str, Any]", node["inputs"]))
            for name, value in given.items():
                if isinstance(value, list):
                    source, slot = cast("tuple[str, int]", tuple(cast("list[Any]", value)))
                    given[name] = output(source)[slot]
            done[key] = execute(nodes[str(node["class_type"])], **given)
        return done[key].args

    for key, node in workflow.items():
        if node["class_type"] not in CORE:
            output(key)
    return done
