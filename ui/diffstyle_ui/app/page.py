"""The page: its tabs and how they are connected."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from diffstyle.core.model_options import ModelOptions
from diffstyle.serving.memory import settle, uncollected
from diffstyle_ui.app import server
from diffstyle_ui.app.api import Api
from diffstyle_ui.app.context import AppContext, open_context
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import bind
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.links import Links
from diffstyle_ui.app.user_errors import misfit
from diffstyle_ui.tabs.blend import BlendTab
from diffstyle_ui.tabs.fast import FastTab
from diffstyle_ui.tabs.history import HistoryTab
from diffstyle_ui.tabs.models import ModelsTab
from diffstyle_ui.tabs.paint import PaintTab
from diffstyle_ui.tabs.stylise import StyliseTab
from diffstyle_ui.tabs.train import TrainTab
from diffstyle_ui.tabs.video import VideoTab

SWEEP_SECONDS, KEEP_SECONDS = 600, 6 * 3600

_HEAD = """<div id="masthead"><h1>diffstyle</h1>
<p>Repaint any photo in a style that you describe, show or mix.</p></div>"""


# Gradio gives each radio button a name of its own, so that each is a tab stop and the arrow keys do nothing
_ONE_STOP = """() => {
  const group = document.querySelector('#setting-only');
  const join = () => group.querySelectorAll('input:not([name=only])').forEach((radio) => { radio.name = 'only'; });
  new MutationObserver(join).observe(group, { subtree: true, childList: true, attributeFilter: ['name'] });
  join();
}"""


class PageBlocks(gr.Blocks):
    """Blocks that answer a request which fits no handler, such as one with too few values, with a sentence."""

    async def process_api(self, *values: Any, **named: Any) -> dict[str, Any]:
        try:
            return await super().process_api(*values, **named)
        except gr.Error:
            raise
        except Exception as error:
            raise misfit(error) from None


def build_page(context: AppContext) -> gr.Blocks:
    """All tabs and API endpoints, ready to be served."""
    with PageBlocks(
        title="diffstyle", analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEEP_SECONDS), fill_width=True
    ) as blocks:
        gr.HTML(_HEAD, apply_default_css=False)
        with gr.Tabs() as tabs:
            with gr.Tab("Stylise", id="stylise"):
                controls = StyliseTab(context).controls
            with gr.Tab("Blend", id="blend") as blend_tab:
                blend = BlendTab(context)
            with gr.Tab("Paint", id="paint") as paint_tab:
                paint = PaintTab(context)
            with gr.Tab("Video", id="video") as video_tab:
                video = VideoTab(context)
            training = _draw_training(context, controls) if context.limits.training else None
            with gr.Tab("History", id="history") as history_tab:
                history = HistoryTab(context, controls, paint)
            with gr.Tab("Models", id="models") as models_tab:
                models = ModelsTab()
        if training is not None:
            fast, opened, kinds = training
            fast.connect(blocks, opened, [tabs, kinds])
        blend.connect(blend_tab, tabs, controls)
        paint.connect(paint_tab, controls)
        video.connect(video_tab, controls)
        history.connect(blocks, history_tab, tabs)
        Links(context, controls).connect(blocks)
        bind([models_tab.select], models.refresh, [], [models.table])
        Api(context)
        blocks.load(None, js=_ONE_STOP, api_visibility="private")
        blocks.unload(context.sessions.drop)
    return blocks


def _draw_training(context: AppContext, controls: Controls) -> tuple[FastTab, list[gr.Tab], gr.Tabs]:
    """The tab with both kinds of training: the one of students, what opens it, and the tabs that it lies in."""
    with gr.Tab("Train", id="train") as train, gr.Tabs() as kinds:
        with gr.Tab("Your own style", id="personal"):
            TrainTab(context).connect(controls)
        with gr.Tab("Make it fast", id="fast") as fast:
            return FastTab(context, controls), [train, fast], kinds


def launch(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    auth: tuple[str, str] | None = None,
    root_path: str | None = None,
    names: Sequence[str] = (),
    limits: Limits | None = None,
    options: ModelOptions | None = None,
    votes: Path,
) -> None:
    """Serve the page until SIGINT or SIGTERM.

    `auth` is a name and a password, `root_path` the path under which a proxy serves the page, `names` the host names
    by which visitors call it, `options` say which model renders, and `votes` is the CSV file of blind votes. What ships
    is loaded after the server answers, other models before. Raises InputError for a model that is missing or damaged,
    and for a host or port that cannot be used.
    """
    limits = limits or Limits()
    with open_context(options or ModelOptions(), limits, votes) as context:
        if context.renderer.options != ModelOptions():
            context.renderer.load()
        with uncollected():
            blocks = build_page(context)
            address = server.start(blocks, context, host=host, port=port, auth=auth, root_path=root_path, names=names)
        try:
            with suppress(KeyboardInterrupt):
                signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that files are deleted then, too
                print(f"diffstyle is at {address}; press Ctrl-C to stop it.", flush=True)
                if context.renderer.runtimes is not None:
                    print(context.renderer.runtimes, flush=True)
                context.renderer.load()
                settle()
                context.renderer.load_others()
                Event().wait()
        finally:
            server.stop(blocks)
