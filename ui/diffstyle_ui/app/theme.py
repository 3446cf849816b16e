"""Colours, fonts and CSS of the page. Nothing is fetched from other servers."""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

from diffstyle_ui.tabs import blend, models, train
from diffstyle_ui.widgets import (
    comparison,
    corner_pad,
    html,
    loss_curve,
    mask_editor,
    result_grid,
    seed_grid,
    style_map,
    style_rows,
    style_wall,
    two_results,
)

FONT = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]

_PAGE = """
:root { --accent-strong: #b5432a; --compare-ground: #efece7; }
.dark { --accent-strong: #f08a6c; --compare-ground: #1b1917; }
.gradio-container { max-width: 1280px !important; }
#masthead { padding: 10px 2px 2px; }
#masthead h1 { margin: 0; font-size: 26px; font-weight: 700; letter-spacing: -0.02em; }
#masthead p { margin: 2px 0 0; color: var(--body-text-color-subdued); font-size: 15px; }
#stage, .stage { position: sticky; top: 12px; align-self: flex-start; }
#controls, #stage, .two-columns > .column, .stage { min-width: min(320px, 100%) !important; }
.sr-only { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.html-container { padding: 0 !important; }
.column > .block:has(.wall) { overflow: visible; }
#seed-row { align-items: flex-end; }
@media (max-width: 760px) {
  .gradio-container { padding: 10px !important; }
  #masthead p { font-size: 14px; }
  #stylise { flex-direction: column; }
  #stage, .stage { order: -1; z-index: 5; width: 100%; background: var(--body-background-fill); padding-bottom: 6px; }
  #stage .compare img { max-height: 38vh; }
  .empty { min-height: 130px; padding: 14px; }
  #controls { width: 100%; }
}
@media (prefers-reduced-motion: reduce) { * { animation-duration: 0.01s !important; transition: none !important; } }
"""
_PARTS = (
    html,
    comparison,
    corner_pad,
    loss_curve,
    mask_editor,
    result_grid,
    seed_grid,
    style_map,
    style_rows,
    style_wall,
    two_results,
    blend,
    models,
    train,
)
CSS = _PAGE + "".join(part.CSS for part in _PARTS)


def theme() -> Base:
    """The Gradio theme: light and dark, with one accent colour."""
    return Base(
        primary_hue=colors.orange,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        font=FONT,
        font_mono=MONO,
    ).set(
        body_background_fill="#faf8f5",
        body_background_fill_dark="#161412",
        body_text_color_subdued="#6b645d",
        body_text_color_subdued_dark="#b8b0a7",
        block_info_text_color="#6b645d",
        block_info_text_color_dark="#b8b0a7",
        block_label_text_color="#57514b",
        block_label_text_color_dark="#c9c2b9",
        input_placeholder_color="#7d756d",
        input_placeholder_color_dark="#a39b92",
        color_accent="#b5432a",
        border_color_accent="#d08a78",
        border_color_accent_dark="#9a5a48",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1f1c1a",
        block_border_width="1px",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        button_primary_background_fill="#b5432a",
        button_primary_background_fill_hover="#9c3721",
        button_primary_background_fill_dark="#b5432a",
        button_primary_background_fill_hover_dark="#c9543a",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        slider_color="#b5432a",
        slider_color_dark="#f08a6c",
        checkbox_background_color_selected="#b5432a",
        checkbox_background_color_selected_dark="#b5432a",
    )
