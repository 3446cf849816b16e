"""Variations of one render side by side; a click shows one large, where it can be chosen."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

CSS = """
.variations { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px; padding: 3px;
  align-items: start; }
@media (max-width: 640px) { .variations { grid-template-columns: repeat(2, 1fr); } }
.variations button { padding: 0; border: 0; border-radius: 8px; overflow: hidden; cursor: zoom-in; text-align: left;
  background: var(--background-fill-secondary); color: var(--body-text-color); }
.variations img { display: block; width: 100%; }
.variations small { display: block; padding: 4px 8px; font-size: 12px; }
.variations button:hover { box-shadow: 0 0 0 2px var(--border-color-accent); }
.variations button[aria-current=true] { box-shadow: 0 0 0 3px var(--accent-strong); }
.variations button:focus-visible { outline: 3px solid var(--accent-strong); }
dialog.over-page { position: fixed; inset: 0; width: 100vw; height: 100dvh; max-width: none; max-height: none;
  border: 0; margin: 0; padding: 14px; background: rgb(22 20 18 / 96%); color: #f4f0ea; }
dialog.over-page[open] { display: grid; grid-template-rows: minmax(0, 1fr) auto; gap: 12px; }
dialog.over-page > img { width: 100%; height: 100%; min-height: 0; object-fit: contain; }
dialog.over-page .bar { display: flex; flex-wrap: wrap; justify-content: center; align-items: center; gap: 8px; }
dialog.over-page .bar button { min-height: 40px; padding: 8px 16px; border: 1px solid #4a443f; border-radius: 8px;
  background: #2b2724; color: inherit; font-size: 14px; cursor: pointer; }
dialog.over-page .bar button:hover { border-color: #b8b0a7; }
dialog.over-page .bar button.choose { background: #b5432a; border-color: #b5432a; color: #fff; font-weight: 600; }
dialog.over-page .bar button:focus-visible { outline: 3px solid #f08a6c; outline-offset: 2px; }
"""

# a further picture that arrives replaces the HTML: what is open is opened again
_ON_LOAD = """
let open = null, chosen = null;
const dialog = () => element.querySelector('dialog');
const buttons = () => [...element.querySelectorAll('.variations button')];
const show = (number) => {
  const button = buttons().find((b) => b.dataset.number === number);
  if (!button) { open = null; return; }
  open = number;
  const { src, alt } = button.querySelector('img');
  Object.assign(dialog().querySelector('img'), { src, alt });
  dialog().querySelector('.choose').textContent = `Use this: ${button.textContent}`;
  if (!dialog().open) { dialog().showModal(); dialog().querySelector('.choose').focus(); }
};
const step = (by) => {
  const all = buttons(), at = all.findIndex((b) => b.dataset.number === open);
  show(all[(at + by + all.length) % all.length].dataset.number);
};
const mark = () => buttons().forEach((b) => b.setAttribute('aria-current', String(b.dataset.number === chosen)));
const acts = {
  back: () => step(-1), next: () => step(1), close: () => dialog().close(),
  choose: () => { chosen = open; dialog().close(); mark(); trigger('select', { n: Number(chosen) }); },
};
element.addEventListener('click', (e) => {
  const button = e.target.closest('button');
  if (button?.dataset.number) show(button.dataset.number);
  else if (button?.dataset.do) acts[button.dataset.do]();
  else if (e.target === dialog()) dialog().close();
});
element.addEventListener('keydown', (e) => {
  if (!dialog()?.open || !['ArrowLeft', 'ArrowRight'].includes(e.key)) return;
  e.preventDefault(); step(e.key === 'ArrowLeft' ? -1 : 1);
});
element.addEventListener('close', () => {
  buttons().find((b) => b.dataset.number === open)?.focus(); open = null;
}, true);
watch('value', () => { mark(); if (open) show(open); });
"""

_LARGE = """<dialog class="over-page" aria-label="One variation"><img alt="">
<div class="bar"><button type="button" data-do="back" aria-label="The one before">←</button>
<button type="button" data-do="choose" class="choose"></button>
<button type="button" data-do="next" aria-label="The next one">→</button>
<button type="button" data-do="close">Close</button></div></dialog>"""


def variation_grid(*, elem_id: str) -> gr.HTML:
    """The grid, empty at first. Its value is the HTML of `grid_html`; its `select` event carries the number `n`."""
    return gr.HTML("", elem_id=elem_id, label="Variations", js_on_load=_ON_LOAD, apply_default_css=False)


def grid_html(results: Sequence[tuple[int, str, str]]) -> str:
    """The HTML for triples of a number, the data URL of a picture in the size in which it is enlarged, and what is said
    of it.
    """
    buttons = "".join(
        f'<button type="button" data-number="{number}"><img src="{picture}" alt="{html.escape(label)}">'
        f"<small>{html.escape(label)}</small></button>"
        for number, picture, label in results
    )
    return f'<div class="variations" role="group" aria-label="Variations">{buttons}</div>{_LARGE}'
