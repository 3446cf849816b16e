"""Searches settings for a photo and a style by figures, on small renders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffstyle.core.errors import InputError
from diffstyle.core.fields import values_of
from diffstyle.core.picture import Picture
from diffstyle.core.settings import EngineSettings, Settings
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.evaluation.axes import choices, spans
from diffstyle.evaluation.case import Case, compared_size, view
from diffstyle.evaluation.metrics.extra import extra
from diffstyle.evaluation.target import Target

if TYPE_CHECKING:
    from diffstyle.stylizer import Stylizer


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Settings that were tried: the small picture they made, and its figures by the names of the target."""

    settings: Settings
    figures: Mapping[str, float]
    picture: Picture


def search(
    stylizer: Stylizer,
    photo: Picture,
    style: Style,
    target: Target,
    *,
    engine: EngineSettings | str | None = None,
    budget: int = 20,
    size: int = 256,
    seed: int = 0,
    on_trial: Callable[[int, int], None] | None = None,
) -> list[Trial]:
    """Trials of strength, structure (where the engine honours it), stroke and colour, the defaults being the first.

    All figures of the target are searched together by the tree-structured Parzen estimator for several objectives
    (Ozaki et al. 2020; Optuna's TPESampler), in memory, the same for the same seed. Renders have a longest side of
    `size` pixels. Raises InputError for a style without a picture to compare with, and without Optuna.
    """
    optuna: Any = extra("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    small, given = photo.reduced(size), style_picture(style)
    shape = compared_size(small.size, size)
    base = view(small, shape)
    reference = view(given, compared_size(given.size, size))
    varied = spans(stylizer.settings_for(Task(small, style, engine=engine)).capabilities)
    trials: list[Trial] = []

    def objective(trial: Any) -> tuple[float, ...]:
        if on_trial is not None:
            on_trial(len(trials), budget)
        numbers = {span.name: trial.suggest_float(span.name, span.low, span.high, log=span.log) for span in varied}
        words = {choice.name: trial.suggest_categorical(choice.name, choice.options) for choice in choices()}
        settings = Settings(**numbers, **words, seed=seed)
        task = Task(small, style, engine=engine, **values_of(settings))
        picture = stylizer.render(task).picture
        case = Case(name="", photo=base, style=reference, out=view(picture, shape))
        figures = {term.name: term.value(case) for term in target.terms}
        trials.append(Trial(settings, figures, picture))
        return tuple(figures.values())

    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(4, budget // 3))
    directions = ["maximize" if term.goal == "max" else "minimize" for term in target.terms]
    study = optuna.create_study(directions=directions, sampler=sampler)
    defaults = values_of(Settings(stroke=1.0))
    study.enqueue_trial({axis.name: defaults[axis.name] for axis in (*varied, *choices())})
    study.optimize(objective, n_trials=budget)
    return trials


def style_picture(style: Style) -> Picture:
    """The picture that weighs most in a style. InputError for a style in words alone."""
    pictures = [(r.weight, p) for r in style.references for p in r.pictures]
    if not pictures:
        raise InputError("Tuning compares results with the style's picture: give one, --style painting.jpg.")
    return max(pictures, key=lambda pair: pair[0])[1]
