"""What happens around a training: it waits in the queue, and can be stopped from the moment it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.events import Dependency

from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, Widget, bind, bind_after
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.html import IDLE, status
from diffstyle_ui.widgets.training_stage import TrainingStage


class TrainingEvents:
    """The events of a `stage`. `handler` of `starts` yields updates of its outputs, then of `more`."""

    def __init__(self, context: AppContext, stage: TrainingStage) -> None:
        self.context, self.stage = context, stage
        bind([stage.timer.tick], self.place, [], [stage.status], kind="immediate")
        bind([stage.stop.click], self.stop, [], [stage.stop], kind="immediate")

    def starts(
        self, trigger: Any, handler: Callable[..., Any], inputs: Sequence[Widget], more: Sequence[Widget]
    ) -> Dependency:
        """Train when `trigger` happens; the buttons are enabled again after an error, too."""
        stage = self.stage
        buttons: list[Widget] = [stage.start, stage.stop, stage.timer]
        bind([trigger], self.queued, [], buttons, kind="immediate")
        event = bind([trigger], handler, inputs, [*stage.outputs, *more], kind="train")
        bind_after(event, self.ready, [], [*buttons, stage.status], kind="immediate", failed=True)
        return event

    def queued(self) -> tuple[Any, ...]:
        """A training was asked for: it may wait, and can be stopped already."""
        return DISABLED, ENABLED, gr.Timer(active=True)

    def ready(self) -> tuple[Any, ...]:
        """The training failed, was refused, or was withdrawn while it waited."""
        return ENABLED, DISABLED, gr.Timer(active=False), IDLE

    def place(self, request: gr.Request) -> Any:
        """The place of a training that waits."""
        before = self.context.waiting.place(request, "train")
        if not before:
            return UNCHANGED
        others = "one training" if before == 1 else f"{before} trainings"
        return status(f"Waiting: {others} before yours.")

    @user_errors
    def stop(self, request: gr.Request) -> Any:
        self.context.stop_trainings(request)
        self.context.session(request).to_teach = ()  # one that waits is withdrawn
        return DISABLED
