"""An engine that is added to the registry appears in the page's form and API without any other change."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any, cast

import gradio as gr
import pytest
import torch
from diffstyle_ui.app.context import AppContext, open_context
from diffstyle_ui.app.endpoints import with_settings
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.page import build_page
from diffstyle_ui.widgets.settings_form import RenderSettings, form_values, read_form

from diffstyle import InputError, Picture, Result, Settings, Style
from diffstyle.core.model_options import ModelOptions
from tests.helpers import inverting_engine
from tests.helpers.asynchronous import run_async
from tests.helpers.inverting_engine import Inverting


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    votes = tmp_path_factory.mktemp("votes") / "votes.csv"
    with inverting_engine.registered(), open_context(ModelOptions(), Limits(), votes) as context:
        yield context


@pytest.fixture(scope="module")
def blocks(context: AppContext) -> gr.Blocks:
    async def build() -> gr.Blocks:
        return build_page(context)

    # in a loop: without one, Gradio makes loops that nobody closes; in a thread: browser tests run a loop in this one
    return run_async(build())


def test_the_form_has_a_hidden_group_for_it(blocks: gr.Blocks) -> None:
    components = {getattr(block, "elem_id", None): cast("Any", block) for block in blocks.blocks.values()}
    assert ("Inverting", "inverting") in components["setting-engine"].choices
    assert components["setting-inverting-amount"].info == "How much of the negative is mixed in."
    assert components["setting-inverting-amount"].maximum == 1
    assert not components["engine-inverting"].visible


def test_the_api_has_its_settings(blocks: gr.Blocks) -> None:
    endpoints = cast("dict[str, Any]", blocks.get_api_info())["named_endpoints"]
    parameters = {p["parameter_name"]: p for p in endpoints["/render"]["parameters"]}
    assert parameters["amount"]["parameter_default"] == 1.0
    described = parameters["amount"]["type"]
    assert (described["type"], described["minimum"], described["maximum"]) == ("number", 0, 1)
    assert "inverting" in str(parameters["engine"]["type"])
    assert parameters["steps"]["parameter_default"] is None  # two engines have it, with different defaults


def test_api_values_reach_it(context: AppContext) -> None:
    def render(settings: RenderSettings) -> RenderSettings:
        return settings

    endpoint = with_settings(render, context.renderer.default_engine)
    names = list(cast("Any", endpoint).__signature__.parameters)
    defaults = {name: p.default for name, p in cast("Any", endpoint).__signature__.parameters.items()}

    def call(**given: Any) -> RenderSettings:
        return endpoint(*[(defaults | given)[name] for name in names])

    assert call(engine="inverting", amount=0.5, steps=7).engine == Inverting(amount=0.5, steps=7)
    assert call(engine="inverting").engine == Inverting()
    with pytest.raises(InputError, match="no setting amount"):
        call(amount=0.5)


def test_the_page_renders_with_it(context: AppContext, photo: Picture) -> None:
    asked = RenderSettings(Settings(strength=0.5), Inverting(amount=0.5))
    assert read_form(form_values(asked)) == asked
    task = asked.task(photo, Style.from_text("anything"))
    *_, result = context.renderer.render(lambda: task, Event(), lambda result: result)
    assert isinstance(result, Result)
    assert result.recipe().engine == "inverting"
    assert result.recipe().engine_values["amount"] == 0.5
    expected = photo.pixels.lerp(1 - photo.pixels, 0.25)
    assert torch.allclose(result.picture.pixels, expected, atol=1e-5)
