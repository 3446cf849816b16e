"""The named styles as a grid of thumbnails to choose from."""

from __future__ import annotations

import html

import gradio as gr

from diffstyle import StyleSpace
from diffstyle_ui.widgets.html import encoded_url

CSS = """
.wall { display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 8px; max-height: 292px;
  overflow-y: auto; padding: 3px; scrollbar-width: thin; }
.wall button { display: block; padding: 0; border: 0; border-radius: 8px; overflow: hidden; cursor: pointer;
  background: var(--background-fill-secondary); color: var(--body-text-color); text-align: left; }
.wall img { display: block; width: 100%; aspect-ratio: 3 / 2; object-fit: cover; }
.wall small { display: block; padding: 3px 6px 5px; font-size: 11px; line-height: 1.25; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.wall button:hover { box-shadow: 0 0 0 2px var(--border-color-accent); }
.wall button:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: 1px; }
.wall button[aria-pressed=true] { box-shadow: 0 0 0 3px var(--accent-strong); }
.wall button[aria-pressed=true] small { font-weight: 700; }
"""

# the scroll position and the focus survive an update
_ON_LOAD = """
let top = 0, last = null;
element.addEventListener('scroll', (e) => { top = e.target.scrollTop; }, true);
element.addEventListener('click', (e) => {
  const button = e.target.closest('button[data-name]');
  if (button) { last = button.dataset.name; trigger('select', { name: last }); }
});
watch('chosen', () => {
  for (const button of element.querySelectorAll('button[data-name]'))
    button.setAttribute('aria-pressed', String(props.chosen.includes(button.dataset.name)));
  element.querySelector('.wall').scrollTop = top;
  if (last) element.querySelector(`button[data-name="${last}"]`).focus({ preventScroll: true });
  last = null;
});
"""


def style_wall(space: StyleSpace, *, elem_id: str = "presets") -> gr.HTML:
    """The grid. Its `select` event carries the `name` of a style; the names in its property `chosen` are marked."""
    return gr.HTML(
        _wall_html(space),
        elem_id=elem_id,
        label="Named styles",
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        chosen=[],
    )


def _wall_html(space: StyleSpace) -> str:
    buttons = "".join(
        f'<button type="button" data-name="{html.escape(name)}" aria-pressed="false"'
        f' title="{html.escape(style.card)}"><img src="{encoded_url(style.thumbnail)}" alt="" loading="lazy">'
        f"<small>{html.escape(display_name(name))}</small></button>"
        for name, style in space.styles.items()
    )
    return f'<div class="wall" role="group" aria-label="Named styles">{buttons}</div>'


def display_name(name: str) -> str:
    """The name of a style for people: "van-gogh-irises" becomes "Van gogh irises"."""
    words = name.replace("-", " ")
    return words[:1].upper() + words[1:]
