"""*Find a balance*: small renders to pick from, round by round, until the settings are found."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

from diffstyle import Picture, Settings, Task
from diffstyle.core.fields import values_of
from diffstyle.evaluation.axes import STROKE
from diffstyle.evaluation.preference_search import ROUNDS, PreferenceSearch
from diffstyle.serving.renderer import Renderer
from diffstyle_ui.widgets.html import data_url
from diffstyle_ui.widgets.preference_gallery import gallery_state
from diffstyle_ui.widgets.settings_form import CHOICES, LABELS, RenderSettings

_serials = itertools.count(1)


@dataclass(slots=True)
class Balance:
    """A search of one page: the `task` that it varies, on the small version of the photo, what was `asked` for in the
    form, the `search` as it is now, and the `pictures` so far, as data URLs.

    `serial` grows with every change, and from search to search; `cancel` stops the renders of the present round.
    """

    task: Task
    asked: RenderSettings
    search: PreferenceSearch
    pictures: dict[Settings, str] = field(default_factory=dict[Settings, str])
    serial: int = field(default_factory=lambda: next(_serials))
    cancel: Event = field(default_factory=Event)

    def change(self, search: PreferenceSearch) -> None:
        """Go on with `search`; renders of other rounds end."""
        self.cancel.set()
        self.search, self.serial, self.cancel = search, next(_serials), Event()

    @property
    def shown(self) -> dict[str, Any]:
        """What the gallery shows of it."""
        search = self.search
        cells = [(self.pictures.get(settings, ""), words(search, settings)) for settings in search.candidates]
        return gallery_state(cells, kept=search.kept, number=search.round, rounds=ROUNDS, serial=self.serial)

    @property
    def missing(self) -> list[Settings]:
        """The candidates of this round that are not painted yet."""
        return [settings for settings in self.search.candidates if settings not in self.pictures]

    @property
    def found(self) -> RenderSettings:
        """The form with the settings that were picked last."""
        return replace(self.asked, settings=self.search.best)


def begin(renderer: Renderer, task: Task, asked: RenderSettings) -> Balance:
    """A search around what was asked for, among what the engine that paints the task honours."""
    can = renderer.settings_for(task.engine, task.styles).capabilities
    least = max(STROKE.low, renderer.limits.least_stroke(Picture.of(task.content).size))
    search = PreferenceSearch.begin(asked.settings, can, seed=asked.settings.seed, least_stroke=least)
    return Balance(task, asked, search)


def paint(renderer: Renderer, balance: Balance) -> Iterator[int]:
    """Paint what this round misses, one by one, and say after each how many there are. Raises Cancelled when the search
    goes on, and InputError.
    """
    cancel, missing = balance.cancel, balance.missing
    for n, settings in enumerate(missing, 1):
        result = renderer.sketch(replace(balance.task, **values_of(settings)), cancel)
        balance.pictures[settings] = data_url(result.picture)
        yield len(balance.search.candidates) - len(missing) + n


def words(search: PreferenceSearch, settings: Settings) -> str:
    """What is varied, in the words of the page: "Strength 0.8, structure 0.3, strokes 1.2, colours as painted"."""
    numbers = [f"{_label(span.name)} {getattr(settings, span.name):g}" for span in search.spans]
    named = [f"{_label(c.name)} {_option(c.name, getattr(settings, c.name))}" for c in search.choices]
    said = ", ".join([*numbers, *named])
    return said[:1].upper() + said[1:]


def _label(name: str) -> str:
    return LABELS.get(name, name).lower()


def _option(name: str, value: str) -> str:
    return next((label for label, option in CHOICES[name] if option == value), value).lower()
