"""Base of our own draggable widgets: one request at a time, then one for the latest position.

Gradio's `trigger_mode="always_last"` does the same for its own widgets, but it repeats an event with the data of the
first one.
"""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr

# `ask(data)` triggers `input` at once, or when the pending request is answered; it waits at most 3 s for that
ASK = """
const ask = (() => {
  let asked = 0, next = null;
  const send = (data) => { asked = Date.now(); next = null; trigger('input', data); };
  watch('answered', () => { asked = 0; if (next) send(next); });
  return (data) => { if (asked && Date.now() - asked < 3000) next = data; else send(data); };
})();
"""


def drag_control(value: str, *, elem_id: str, label: str, script: str) -> gr.HTML:
    """A widget whose `script` calls `ask`. The handler of its `input` event returns `answered()` for it."""
    return gr.HTML(value, elem_id=elem_id, label=label, js_on_load=ASK + script, apply_default_css=False, answered=0)


def answered() -> Any:
    """The update which tells the widget that its request is answered."""
    return gr.update(answered=secrets.randbelow(2**40))
