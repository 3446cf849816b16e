"""Controls of our own that are dragged: they ask again when they have been answered, and only for the last place.

Gradio's `always_last` does the same for its own widgets, but repeats an event with the data of the first one.
"""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr

# `ask(data)` triggers `input`, at once or when the answer has come; an answer that never comes is not waited for long
ASK = """
const ask = (() => {
  let asked = 0, next = null;
  const send = (data) => { asked = Date.now(); next = null; trigger('input', data); };
  watch('answered', () => { asked = 0; if (next) send(next); });
  return (data) => { if (asked && Date.now() - asked < 3000) next = data; else send(data); };
})();
"""


def dragged(value: str, *, elem_id: str, label: str, script: str) -> gr.HTML:
    """A control whose `script` calls `ask`; the handler of its `input` gives back `answer()` for it."""
    return gr.HTML(value, elem_id=elem_id, label=label, js_on_load=ASK + script, apply_default_css=False, answered=0)


def answer() -> Any:
    """Tells the control that it may ask again."""
    return gr.update(answered=secrets.randbelow(2**40))
