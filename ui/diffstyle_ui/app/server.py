"""Starting and stopping the page's server."""

from __future__ import annotations

import logging

import gradio as gr

from diffstyle import InputError
from diffstyle_ui.app.theme import CSS, theme
from diffstyle_ui.app.uploads import Limits


def start(
    blocks: gr.Blocks,
    limits: Limits,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    auth: tuple[str, str] | None = None,
    root_path: str | None = None,
) -> str:
    """Start the server and return its address. Raises InputError if host and port cannot be used."""
    blocks.queue(max_size=limits.queue_size, default_concurrency_limit=1)
    try:
        _, address, _ = blocks.launch(
            server_name=host,
            server_port=port,
            auth=auth,
            root_path=root_path,
            share=False,
            quiet=True,
            show_error=False,  # messages of gr.Error are shown anyway; others may contain paths
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


def stop(blocks: gr.Blocks) -> None:
    """Stop the server without waiting for open pages."""
    server = getattr(blocks, "server", None)
    if server is not None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it reports a forced exit as an error
        server.force_exit = True
    blocks.close(verbose=False)
