"""The node pack for InvokeAI, on a stand-in for its API for nodes, with a real server."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.plugins.images import photo, pixels

PACK, STAND_IN = ROOT / "plugins" / "invokeai", Path(__file__).parent / "invokeai_stand_in"


@pytest.fixture
def host(server: str) -> Generator[SimpleNamespace, None, None]:
    """The node's class, its modules, and a context with the image 0.png, loaded as `load_custom_nodes` does."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STAND_IN))
        patch.setenv("DIFFSTYLE_SERVER", server)
        spec = importlib.util.spec_from_file_location("diffstyle_nodes", PACK / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        api: Any = importlib.import_module("invokeai.invocation_api")
        node = api.BaseInvocation.registered["diffstyle_stylise"]
        context = api.InvocationContext()
        context.images.save(photo())
        yield SimpleNamespace(
            node=node, context=context, api=api, client=sys.modules["diffstyle_nodes.diffstyle_client"]
        )
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("invokeai", "diffstyle_nodes"):
            del sys.modules[name]


def painted(host: SimpleNamespace, name: str = "0.png", **values: Any) -> Image.Image:
    """What the node saves for an image."""
    given = {"image": {"image_name": name}, "style": "charcoal drawing", **values}
    output = host.node(**given).invoke_internal(host.context)
    image = host.context.images.kept[output.image.image_name]
    assert (output.width, output.height) == image.size
    return image


def test_the_node_declares_what_the_client_knows(host: SimpleNamespace) -> None:
    fields: dict[str, Any] = host.node.model_fields
    assert host.node.config["title"] == "Stylise (diffstyle)"
    assert all(field.description for name, field in fields.items() if field.json_schema_extra and name != "id")
    assert get_args(fields["colour"].annotation) == host.client.COLOURS
    assert (fields["strength"].default, fields["structure"].default) == (1.0, 0.5)
    with pytest.raises(ValueError, match="less than or equal to 1"):
        host.node(strength=2)
    with pytest.raises(ValueError, match="missing value or connection for field image"):
        host.node(style="neon").invoke_internal(host.context)


def test_an_image_is_painted_and_shown_meanwhile(host: SimpleNamespace) -> None:
    result = painted(host)
    assert (result.size, result.mode) == ((96, 64), "RGB")
    assert np.abs(pixels(result) - pixels(photo())).mean() > 10
    told = host.context.util.told
    assert told[-1][:2] == ("diffstyle paints", 1.0)
    assert next(shown for _, _, image, shown in told if image is not None) == (96, 64)


def test_alpha_masks_and_sizes(host: SimpleNamespace) -> None:
    alpha = host.context.images.save(photo(mode="RGBA")).image_name
    assert np.array_equal(pixels(painted(host, alpha, strength=0)), pixels(photo(mode="RGBA")))
    mask = Image.new("L", (96, 64), 0)
    mask.paste(255, (0, 0, 48, 64))
    name = host.context.images.save(mask).image_name
    result = pixels(painted(host, mask={"image_name": name}))
    assert np.array_equal(result[:, 50:], pixels(photo())[:, 50:])
    assert not np.array_equal(result[:, :46], pixels(photo())[:, :46])
    small = pixels(painted(host, mask={"image_name": name}, size=64))
    assert np.array_equal(small[:, 50:], pixels(photo())[:, 50:])
    huge = host.context.images.save(photo(1000, 500)).image_name
    assert painted(host, huge, size=64).size == (1000, 500)


def test_what_is_cancelled_ends_the_session(host: SimpleNamespace) -> None:
    host.context.util.canceled = True
    common: Any = importlib.import_module("invokeai.app.services.session_processor.session_processor_common")
    with pytest.raises(common.CanceledException):
        painted(host)
    assert list(host.context.images.kept) == ["0.png"]


def test_what_cannot_be_painted_is_said(
    host: SimpleNamespace, no_server: str, old_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = host.client.DiffstyleError
    with pytest.raises(error, match="There is no style"):
        painted(host, style=" ")
    huge = host.context.images.save(photo(1000, 500)).image_name
    with pytest.raises(error, match=r"0\.4 million"):
        painted(host, huge)
    monkeypatch.setenv("DIFFSTYLE_SERVER", no_server)
    with pytest.raises(error, match="No diffstyle server answers"):
        painted(host)
    monkeypatch.setenv("DIFFSTYLE_SERVER", old_server)
    with pytest.raises(error, match="this plugin needs"):
        painted(host)
