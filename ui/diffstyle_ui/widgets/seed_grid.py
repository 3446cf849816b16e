"""Results of several seeds side by side; a click selects a seed."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

SEEDS = 4

CSS = """
.seeds { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px; padding: 3px; }
@media (max-width: 640px) { .seeds { grid-template-columns: repeat(2, 1fr); } }
.seeds button { padding: 0; border: 0; border-radius: 8px; overflow: hidden; cursor: pointer; text-align: left;
  background: var(--background-fill-secondary); color: var(--body-text-color); }
.seeds img { display: block; width: 100%; }
.seeds small { display: block; padding: 4px 8px; font-size: 12px; }
.seeds button:hover { box-shadow: 0 0 0 2px var(--border-color-accent); }
.seeds button:focus-visible { outline: 3px solid var(--accent-strong); }
"""

_ON_LOAD = """
element.addEventListener('click', (e) => {
  const button = e.target.closest('button[data-seed]');
  if (button) trigger('select', { seed: Number(button.dataset.seed) });
});
"""


def seed_grid(*, elem_id: str) -> gr.HTML:
    """The grid, empty at first. Its value is the HTML of `grid_html`; its `select` event carries the `seed`."""
    return gr.HTML("", elem_id=elem_id, label="Variations", js_on_load=_ON_LOAD, apply_default_css=False)


def grid_html(results: Sequence[tuple[int, str]]) -> str:
    """The HTML for pairs of a seed and the data URL of its picture."""
    buttons = "".join(
        f'<button type="button" data-seed="{seed}"><img src="{picture}" alt="The picture of seed {seed}">'
        f"<small>Seed {seed}</small></button>"
        for seed, picture in results
    )
    return f'<div class="seeds" role="group" aria-label="Variations">{buttons}</div>'
