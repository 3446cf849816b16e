"""Two pictures in one frame, before and after: a divider, zoom, full screen, and what takes the picture away."""

from __future__ import annotations

import html

import gradio as gr

from diffstyle_ui.widgets.files import beside

MIDDLE = 50

CSS = beside("comparison.css")

# the divider and the zoom keep their positions when a new picture arrives
_ON_LOAD = beside("roving.js", "comparison.js")

_ICONS = {
    "out": ("Zoom out", "M5 12h14"),
    "in": ("Zoom in", "M5 12h14M12 5v14"),
    "full": ("Full screen", "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"),
    "share": ("Share", "M12 15V3M7 8l5-5 5 5M5 13v7h14v-7"),
}
_LINK = "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1"
_DOWNLOAD = "M12 3v12M7 10l5 5 5-5M5 20h14"


def comparison(*, elem_id: str, label: str, empty: str) -> gr.HTML:
    """The frame. Its value is the HTML of `pair`, or a placeholder such as `empty`."""
    return gr.HTML(empty, elem_id=elem_id, label=label, js_on_load=_ON_LOAD, apply_default_css=False)


def pair(
    before: str,
    after: str,
    *,
    description: str,
    names: tuple[str, str] = ("Photo", "Result"),
    badge: str = "",
    hint: str = "",
    file: str = "",
    filename: str = "diffstyle.jpg",
    link: str = "",
) -> str:
    """The HTML for two data URLs of pictures with the same aspect ratio.

    `names` label the two sides; `description` is the alternative text of the second picture; `badge` says what it is,
    `hint` what one may do. What is downloaded is `file`, a URL, or the picture itself, as `filename`. `link` is the
    query of a link to this style, which can be copied.
    """
    final = " final" if file else ""
    return (
        '<figure class="compare"><div class="view"><div class="pictures">'
        f'<img class="before" src="{before}" alt="{names[0]}">'
        f'<img class="after" src="{after}" alt="{html.escape(description)}">'
        f'<input type="range" min="0" max="100" value="{MIDDLE}" aria-label="Divider between photo and result">'
        "</div></div>"
        f'<span class="left" aria-hidden="true">{names[0]}</span>'
        f'<span class="right" aria-hidden="true">{names[1]}</span>'
        + (f'<span class="badge{final}">{html.escape(badge)}</span>' if badge else "")
        + (f'<button type="button" class="hint" data-tool="photo">{html.escape(hint)}</button>' if hint else "")
        + f'<div class="tools" role="toolbar" aria-label="Picture">{_tools(file, filename, link)}</div>'
        '<span class="said sr-only" role="status"></span></figure>'
    )


def _tools(file: str, filename: str, query: str) -> str:
    buttons = "".join(
        f'<button type="button" data-tool="{tool}" aria-label="{name}" title="{name}">{_icon(path)}</button>'
        for tool, (name, path) in _ICONS.items()
    )
    if query:
        name = "Copy a link to this style"
        buttons += (
            f'<button type="button" data-tool="link" data-query="{html.escape(query)}" aria-label="{name}"'
            f' title="{name}">{_icon(_LINK)}</button>'
        )
    link = f' href="{html.escape(file)}"' if file else ""
    return (
        f'{buttons}<a class="download" data-tool="download" role="button" tabindex="0"{link}'
        f' download="{html.escape(filename)}" aria-label="Download" title="Download">{_icon(_DOWNLOAD)}</a>'
    )


def _icon(path: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>'
