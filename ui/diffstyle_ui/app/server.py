"""Starting and stopping the page's server."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from diffstyle import InputError
from diffstyle.serving.hosts import is_address
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.guard import Guard
from diffstyle_ui.app.link_preview import ICON, describe_page, serve_picture
from diffstyle_ui.app.theme import CSS, theme
from diffstyle_ui.app.upload_parts import watch_parts


def start(
    blocks: gr.Blocks,
    context: AppContext,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    auth: tuple[str, str] | None = None,
    root_path: str | None = None,
    names: Sequence[str] = (),
) -> str:
    """Start the server, which answers to `names` too, and return its address.

    Raises InputError if host and port cannot be used.
    """
    limits = context.limits
    guard = Middleware(
        Guard,
        sessions=context.sessions,
        waiting=context.waiting,
        signed_in=lambda cookies: auth is None or _has_token(blocks, cookies),
        names=(*names, *([] if is_address(host) else [host])),
    )
    watch_parts()
    describe_page()
    blocks.queue(max_size=limits.queue_size, default_concurrency_limit=1, api_open=False)
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
            favicon_path=ICON,
            footer_links=["api"],
            prevent_thread_lock=True,
            app_kwargs={"middleware": [guard], "docs_url": None, "redoc_url": None, "openapi_url": None},
        )
    except OSError as error:
        raise InputError(f"Cannot listen at {host}, port {port or 'any from 7860 on'}: choose another one.") from error
    context.waiting.attach(blocks)
    app: Any = blocks.app
    serve_picture(app, context.space)
    rest = [m for m in app.user_middleware if m is not guard]
    app.user_middleware = [guard, *rest]  # Gradio puts its own before it
    app.middleware_stack = app.build_middleware_stack()
    return address


def _has_token(blocks: gr.Blocks, cookies: dict[str, str]) -> bool:
    """Whether `cookies` hold a token that Gradio gave to somebody who signed in."""
    app: Any = blocks.app
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(cookies.get(name)) is not None for name in names)


def stop(blocks: gr.Blocks) -> None:
    """Stop the server without waiting for open pages."""
    server = getattr(blocks, "server", None)
    if server is not None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it reports a forced exit as an error
        server.force_exit = True
    blocks.close(verbose=False)
