"""A style in words: painted while one types, with what was understood as chips that can be edited.

Gradio's Textbox sends every key; here only a pause of half a second, or Enter, asks the server.
"""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from diffstyle_ui.widgets.drag_control import ASK
from diffstyle_ui.widgets.files import beside

PAUSE_MS = 500
EXAMPLES = (
    "linocut, dark red on cream",
    "a loose watercolour",
    "in the manner of Claude Monet",
    "charcoal on kraft paper",
    "stained glass, blue and gold",
    "Japanese woodblock print by Hokusai",
    "risograph in pink and teal",
    "thick impasto oil paint",
)

CSS = beside("words_box.css")

_ON_LOAD = ASK + beside("words_box.js").replace("PAUSE", str(PAUSE_MS)).replace("EXAMPLES", str(list(EXAMPLES)))


def words_box(*, elem_id: str) -> gr.HTML:
    """The box. Its `input` event carries the `words`, how many styles of the mix to `keep` before them, and whether to
    `replace` one alone, so that those after it are kept, too; `edit` the `facts` as they were edited, pairs of
    `kind` and `value` with weights, and the same two. A click on an element with `data-words` in the mix edits that
    style. The property `facts` shows chips, `said` sets the words, `count` is the number of styles in the mix.
    """
    return gr.HTML(
        '<div class="words"><input type="text" maxlength="1000" autocomplete="off" spellcheck="false"'
        f' aria-label="Describe a style" placeholder="{html.escape(EXAMPLES[0])}">'
        '<button type="button" class="more" aria-label="Keep this style and describe another"'
        ' title="Keep this style and describe another">+</button></div>'
        '<div class="facts" role="group" aria-label="What was understood"></div>',
        elem_id=elem_id,
        label="Describe a style",
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        answered=0,
        facts=[],
        said={"words": "", "keep": 0},
        count=0,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What changes in the box: the `words`, how many styles of the mix to `keep` before them, and the chips of `facts`;
    None leaves words or chips as they are. `replace`: further words replace that one style alone.
    """

    words: str | None = None
    keep: int = 0
    facts: Sequence[Mapping[str, object]] | None = None
    replace: bool = False

    def properties(self) -> dict[str, Any]:
        """The values of the box's properties."""
        place = {"keep": self.keep, "replace": self.replace, "at": time.monotonic()}
        said: dict[str, Any] = {} if self.words is None else {"said": {"words": self.words, **place}}
        return said | ({} if self.facts is None else {"facts": list(self.facts)})


NOTHING_SAID, SILENT = Said(), Said("", 0, ())


def fact(kind: str, value: str, options: Sequence[str] | None = None, weight: float = 1) -> dict[str, object]:
    """A chip: one fact, with what it may be changed to; without `options` it was not understood."""
    return {"kind": kind, "value": value, "options": None if options is None else list(options), "weight": weight}
