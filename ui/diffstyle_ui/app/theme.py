"""Colours, fonts and CSS of the page. Nothing is fetched from other servers."""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

from diffstyle_ui.tabs import blend, fast, models, video
from diffstyle_ui.widgets import (
    clip_player,
    comparison,
    corner_pad,
    html,
    loss_curve,
    mask_editor,
    photo_box,
    preference_gallery,
    result_grid,
    style_map,
    style_rows,
    style_wall,
    training_stage,
    two_results,
    variation_grid,
    versions,
    words_box,
)
from diffstyle_ui.widgets.files import beside

FONT = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]

_PARTS = (
    html,
    clip_player,
    comparison,
    corner_pad,
    loss_curve,
    mask_editor,
    photo_box,
    preference_gallery,
    result_grid,
    variation_grid,
    style_map,
    style_rows,
    style_wall,
    training_stage,
    two_results,
    versions,
    words_box,
    blend,
    fast,
    models,
    video,
)
CSS = beside("page.css") + "".join(part.CSS for part in _PARTS)


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
        link_text_color="#a33a22",
        link_text_color_dark="#f08a6c",
        link_text_color_hover="#7d2b18",
        link_text_color_hover_dark="#f6ac96",
        link_text_color_visited="#8a4a3a",
        link_text_color_visited_dark="#d9a394",
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
