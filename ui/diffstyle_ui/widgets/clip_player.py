"""Two clips beside each other, the original and the painted one, played in step by one button."""

from __future__ import annotations

import html

import gradio as gr

from diffstyle_ui.widgets.files import beside

CSS = beside("clip_player.css")

_PLAY = "M7 4l13 8-13 8z"
_PAUSE = "M8 5v14M16 5v14"
_SOUND = "M4 9v6h4l5 4V5L8 9zM17 8a5 5 0 0 1 0 8"
_DOWNLOAD = "M12 3v12M7 10l5 5 5-5M5 20h14"


def clip_player(*, elem_id: str, label: str, empty: str) -> gr.HTML:
    """The player. Its value is the HTML of `player_html` or `frame_html`, or a placeholder such as `empty`."""
    return gr.HTML(empty, elem_id=elem_id, label=label, js_on_load=beside("clip_player.js"), apply_default_css=False)


def player_html(
    original: str, painted: str, *, badge: str, description: str, file: str = "", again: bool = False
) -> str:
    """The HTML for the addresses of two clips of the same length; without an `original` the painted one stands alone.

    `description` says what the painted one is, `badge` in a word. It can be downloaded as `file`, if that is given.
    With `again` it plays at once, over and over, unless the visitor wants less motion; else it has its sound.
    """
    said = html.escape(description)
    first = _screen("original", original, "Original", "The original, without sound", muted=True) if original else ""
    return (
        f'<figure class="clip" data-again="{int(again)}" aria-label="{said}"><div class="screens">{first}'
        f"{_screen('painted', painted, 'Painted', said, muted=again)}</div>{_badge(badge)}"
        '<div class="bar" role="group" aria-label="Player">'
        '<button type="button" class="main" data-do="play" aria-label="Play">'
        f"{_icon(_PLAY, 'play')}{_icon(_PAUSE, 'pause')}</button>"
        '<input type="range" min="0" max="1" step="0.01" value="0" aria-label="Position">'
        '<span class="time" aria-hidden="true"></span>'
        + ("" if again else _sound())
        + (_download(painted, file) if file else "")
        + "</div></figure>"
    )


def frame_html(url: str, description: str) -> str:
    """The HTML for one frame, a data URL, while the clip is being painted."""
    return (
        f'<figure class="clip"><div class="screens"><div class="screen"><img src="{url}" alt="{description}"></div>'
        f"</div>{_badge('Painting …')}</figure>"
    )


def _badge(words: str) -> str:
    return f'<span class="badge{" final" if words == "Final" else ""}">{html.escape(words)}</span>'


def _screen(name: str, address: str, words: str, description: str, *, muted: bool) -> str:
    return (
        f'<div class="screen"><video class="{name}" src="{html.escape(address)}" playsinline preload="auto"'
        f'{" muted" if muted else ""} aria-label="{description}"></video><span aria-hidden="true">{words}</span></div>'
    )


def _sound() -> str:
    return (
        '<button type="button" data-do="mute" aria-pressed="false" aria-label="Mute" title="Mute">'
        f"{_icon(_SOUND)}</button>"
    )


def _download(address: str, file: str) -> str:
    return (
        f'<a href="{html.escape(address)}" download="{html.escape(file)}" aria-label="Download" title="Download">'
        f"{_icon(_DOWNLOAD)}</a>"
    )


def _icon(path: str, name: str = "") -> str:
    return f'<svg viewBox="0 0 24 24" class="{name}" aria-hidden="true"><path d="{path}"/></svg>'
