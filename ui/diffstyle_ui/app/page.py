"""The page: its tabs, and how it is served."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import gradio as gr

from diffstyle import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle_ui.app.api import Api
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.events import listen
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.renderer import Studio
from diffstyle_ui.app.sessions import Sessions
from diffstyle_ui.app.theme import CSS, theme
from diffstyle_ui.tabs.blend import BlendTab
from diffstyle_ui.tabs.history import HistoryTab
from diffstyle_ui.tabs.models import ModelsTab
from diffstyle_ui.tabs.paint import PaintTab
from diffstyle_ui.tabs.stylise import StyliseTab
from diffstyle_ui.tabs.train import TrainTab

TEMPORARY = "GRADIO_TEMP_DIR"
SWEEP_SECONDS, KEEP_SECONDS = 600, 6 * 3600

_HEAD = """<div id="masthead"><h1>diffstyle</h1>
<p>Say what a picture should look like, and see it as you speak.</p></div>"""


def page(desk: Desk) -> gr.Blocks:
    """All tabs, wired, ready to `launch`."""
    with gr.Blocks(
        title="diffstyle", analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEEP_SECONDS), fill_width=True
    ) as blocks:
        gr.HTML(_HEAD, apply_default_css=False)
        with gr.Tabs() as tabs:
            with gr.Tab("Stylise", id="stylise"):
                stylise = StyliseTab(desk)
            with gr.Tab("Blend", id="blend") as blend_tab:
                blend = BlendTab(desk)
            with gr.Tab("Paint", id="paint") as paint_tab:
                paint = PaintTab(desk)
            if desk.limits.training:
                with gr.Tab("Train", id="train"):
                    TrainTab(desk).wire(stylise)
            with gr.Tab("History", id="history") as history_tab:
                history = HistoryTab(desk, stylise, paint)
            with gr.Tab("Models", id="models") as models_tab:
                models = ModelsTab()
        blend.wire(blend_tab, tabs, stylise)
        paint.wire(paint_tab, stylise)
        history.wire(history_tab, tabs)
        listen([models_tab.select], models.refresh, [], [models.table])
        Api(desk)
        blocks.unload(desk.sessions.drop)
    return blocks


@contextmanager
def desk(options: ModelOptions, limits: Limits, votes: Path) -> Generator[Desk, None, None]:
    """A desk whose files all lie in one temporary folder, which is gone afterwards."""
    before = os.environ.get(TEMPORARY)
    folder = Path(tempfile.mkdtemp(prefix="diffstyle-ui-")).resolve()
    os.environ[TEMPORARY] = str(folder)  # where Gradio keeps uploads, and all that it ever hands out
    studio = Studio(options)
    try:
        yield Desk(studio, Sessions(folder / "sessions"), limits, votes)
    finally:
        studio.close()
        shutil.rmtree(folder, ignore_errors=True)
        if before is None:
            os.environ.pop(TEMPORARY, None)
        else:
            os.environ[TEMPORARY] = before


def launch(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    auth: tuple[str, str] | None = None,
    root_path: str | None = None,
    limits: Limits | None = None,
    options: ModelOptions | None = None,
    votes: Path,
) -> None:
    """Serve the page until it is interrupted or told to end."""
    limits = limits or Limits()
    with desk(options or ModelOptions(), limits, votes) as table:
        table.studio.load()
        blocks = page(table)
        address = serve(blocks, limits, host=host, port=port, auth=auth, root_path=root_path)
        print(f"diffstyle is at {address}; Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that files are cleaned up then, too
            Event().wait()
        close(blocks)


def serve(
    blocks: gr.Blocks,
    limits: Limits,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    auth: tuple[str, str] | None = None,
    root_path: str | None = None,
) -> str:
    """Start the server; its address."""
    blocks.queue(max_size=limits.queue_size, default_concurrency_limit=1)
    try:
        _, address, _ = blocks.launch(
            server_name=host,
            server_port=port,
            auth=auth,
            root_path=root_path,
            share=False,
            quiet=True,
            show_error=False,  # our own sentences are shown all the same; what is not ours may name paths
            max_file_size=limits.max_upload_mb * 2**20,
            allowed_paths=[],
            strict_cors=True,
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            theme=theme(),
            css=CSS,
            footer_links=["api", "settings"],
            prevent_thread_lock=True,
        )
    except OSError as error:
        raise InputError(f"Cannot listen at {host}, port {port or 'any from 7860 on'}: choose another one.") from error
    return address


def close(blocks: gr.Blocks) -> None:
    """Stop the server, without waiting for pages that are still open."""
    server = getattr(blocks, "server", None)
    if server is not None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it would call this an error
        server.force_exit = True
    blocks.close(verbose=False)
