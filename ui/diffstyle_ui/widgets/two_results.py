"""Two results in one frame: a divider between them if they have the same shape, else side by side; enlarged on wish."""

from __future__ import annotations

import html

import gradio as gr

SAME_SHAPE = 0.01  # by how much the aspect ratios may differ for one to lie on the other

CSS = """
.duel { margin: 0; outline: none; }
.duel .pictures { position: relative; overflow: hidden; border-radius: 10px; line-height: 0;
  background: var(--compare-ground); }
.duel .pictures > div { position: relative; display: flex; justify-content: center; align-items: center; }
.duel img { display: block; max-width: 100%; max-height: 68vh; width: auto; height: auto; }
.duel.over .pictures { display: grid; justify-items: center; }
.duel.over .sheet { position: relative; width: fit-content; max-width: 100%; }
.duel.over .second { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--split, 50%)); }
.duel .one { position: relative; min-width: 0; }
.duel.over .second .one { width: 100%; height: 100%; } .duel.over .second img { width: 100%; height: 100%; }
.duel.over .sheet::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--split, 50%); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / 25%); pointer-events: none; }
.duel input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.duel:not(.over) input { display: none; }
.duel:not(.over) .sheet { display: grid; grid-template-columns: 1fr 1fr; gap: 6px; align-items: center;
  background: var(--block-background-fill); }
.duel:not(.over) .sheet > div { background: var(--compare-ground); min-width: 0; height: 100%; }
.duel .sheet:focus-within { outline: 3px solid var(--accent-strong); outline-offset: -3px; }
.duel .first, .duel .second { display: flex; justify-content: center; align-items: center; position: relative; }
.duel .pictures span { position: absolute; bottom: 10px; left: 10px; max-width: calc(100% - 20px); padding: 3px 9px;
  border-radius: 99px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; pointer-events: none;
  font: 600 12px/1.4 var(--font); color: #fff; background: rgb(20 18 16 / 62%); }
.duel.over .pictures span { max-width: calc(50% - 20px); } .duel.over .second span { left: auto; right: 10px; }
.duel .tools { display: flex; flex-wrap: wrap; gap: 8px; padding-top: 8px; align-items: center; }
.duel .tools button { border: 1px solid var(--border-color-primary); border-radius: 8px; padding: 6px 12px;
  font-size: 13px; cursor: pointer; background: var(--button-secondary-background-fill);
  color: var(--body-text-color); }
.duel .tools button:hover { border-color: var(--border-color-accent); }
.duel .tools button:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: 1px; }
.duel .tools kbd { font: 11px var(--font-mono); opacity: .65; margin-left: 6px; border: 1px solid currentcolor;
  border-radius: 4px; padding: 0 4px; }
.duel dialog { position: fixed; inset: 0; width: 100vw; height: 100dvh; max-width: none; max-height: none; border: 0;
  margin: 0; padding: 12px; background: #161412; color: #f4f0ea; overflow: hidden; }
.duel dialog[open] { display: flex; flex-direction: column; }
.duel dialog .pictures { flex: 1; min-height: 0; border-radius: 0; background: none; display: grid;
  place-content: center; }
.duel dialog .sheet { background: none !important; } .duel dialog .sheet > div { background: none !important; }
.duel dialog { --room: calc(100dvh - 84px); --across: calc(50vw - 16px); }
.duel.over dialog { --across: calc(100vw - 24px); }
.duel dialog .one { width: min(var(--across), var(--room) * var(--ratio)); }
.duel dialog img { width: 100%; height: auto; max-height: none; }
.duel dialog .tools { justify-content: center; }
.duel dialog .tools button { background: #2b2724; color: inherit; border-color: #4a443f; }
@media (max-width: 640px) { .duel .tools kbd { display: none; }
  .duel:not(.over) dialog .sheet { grid-template-columns: 1fr; }
  .duel:not(.over) dialog { --room: calc(50dvh - 46px); --across: calc(100vw - 24px); } }
"""

# pictures and tools move into the dialog and back, so that both show the same state
_ON_LOAD = """
const duel = () => element.querySelector('.duel');
const dialog = () => element.querySelector('dialog');
const split = (value) => { element.style.setProperty('--split', value + '%'); element.dataset.split = value; };
const over = (yes) => {
  duel().classList.toggle('over', yes);
  const button = element.querySelector('[data-do=over]');
  if (button) button.firstChild.data = yes ? 'Side by side' : 'With a divider';
};
const swap = () => {
  const [a, b] = element.querySelectorAll('.sheet > div');
  const [first, second] = [[...a.childNodes], [...b.childNodes]];
  a.replaceChildren(...second); b.replaceChildren(...first);
};
const fill = (from, to) => { for (const part of [...from.children]) if (part !== to) to.append(part); };
const enlarge = async () => {
  if (dialog().open) { dialog().close(); return; }
  try { await document.documentElement.requestFullscreen(); } catch { /* a telephone: the whole window then */ }
  fill(duel(), dialog());
  dialog().showModal();
  element.querySelector('[data-do=enlarge]').firstChild.data = 'Close';
};
const closed = () => {
  for (const part of [...dialog().children]) duel().insertBefore(part, dialog());
  element.querySelector('[data-do=enlarge]').firstChild.data = 'Full screen';
  element.querySelector('[data-do=enlarge]').focus();
  if (document.fullscreenElement) document.exitFullscreen();
};
const act = { swap, enlarge, over: () => over(!duel().classList.contains('over')) };
element.addEventListener('click', (e) => {
  const button = e.target.closest('button[data-do]');
  if (button) act[button.dataset.do]();
});
element.addEventListener('input', (e) => { if (e.target.type === 'range') split(e.target.value); });
element.addEventListener('close', closed, true);
element.addEventListener('keydown', (e) => {
  if (!duel() || e.ctrlKey || e.metaKey || e.altKey) return;
  const does = { s: 'swap', f: 'enlarge', d: 'over' }[e.key.toLowerCase()];
  const button = does && element.querySelector(`[data-do=${does}]`);
  if (button) { e.preventDefault(); act[does](); }
});
document.addEventListener('fullscreenchange', () => {
  if (!document.fullscreenElement && dialog()?.open) dialog().close();
});
watch('value', () => {
  if (document.fullscreenElement) document.exitFullscreen();
  const range = element.querySelector('input[type=range]');
  if (range) range.value = element.dataset.split || 50;
});
"""


def two_results(*, elem_id: str, label: str, empty: str) -> gr.HTML:
    """The frame. Its value is the HTML of `duel_html`, or a placeholder such as `empty`."""
    return gr.HTML(empty, elem_id=elem_id, label=label, js_on_load=_ON_LOAD, apply_default_css=False)


def duel_html(
    pictures: tuple[str, str], sizes: tuple[tuple[int, int], tuple[int, int]], labels: tuple[str, str]
) -> str:
    """The HTML for two data URLs of pictures whose `sizes` are (width, height), and what is said of each.

    The one is laid on the other only if both have the same shape: no picture is ever stretched.
    """
    (w, h), (other_w, other_h) = sizes
    same = abs(w * other_h - other_w * h) <= SAME_SHAPE * w * other_h
    sides = "".join(
        f'<div class="{name}"><div class="one" style="--ratio:{width / height:.4f}">'
        f'<img src="{url}" width="{width}" height="{height}" alt="{label}"><span aria-hidden="true">{label}</span>'
        "</div></div>"
        for name, url, (width, height), label in zip(
            ("first", "second"), pictures, sizes, map(html.escape, labels), strict=True
        )
    )
    divider = '<input type="range" min="0" max="100" value="50" aria-label="Divider between the two results">'
    tools = [("swap", "Swap", "S"), ("enlarge", "Full screen", "F")]
    tools += [("over", "Side by side", "D")] if same else []
    buttons = "".join(
        f'<button type="button" data-do="{does}" aria-keyshortcuts="{key}">{words}<kbd aria-hidden="true">{key}</kbd>'
        "</button>"
        for does, words, key in tools
    )
    return (
        f'<figure class="duel{" over" if same else ""}" tabindex="-1"><div class="pictures"><div class="sheet">{sides}'
        f'{divider if same else ""}</div></div><div class="tools">{buttons}</div><dialog aria-label="Two results">'
        "</dialog></figure>"
    )
