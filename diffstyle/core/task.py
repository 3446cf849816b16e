"""What to render: as it was asked for, and with everything filled in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from diffstyle.core.errors import InputError
from diffstyle.core.fields import check_values, values_of
from diffstyle.core.mask import Mask, MaskLike, Region, RegionLike, region
from diffstyle.core.picture import Picture, PictureLike
from diffstyle.core.settings import EngineSettings, Settings, check_honoured
from diffstyle.core.style import Style


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task(Settings):
    """What was asked for: everything that decides the outcome of a render.

    `engine` is the settings of an engine, its name for its defaults, or None for the one that the model paints with.
    The result moves away from `negative_style`. Where `mask` is 0 the content stays as it is, bit for bit. `regions`
    have styles of their own; a later one lies over the earlier ones, and `style` is for all the rest. Pictures and
    masks may be files, arrays or PIL images. `Settings` describes the rest.
    """

    content: PictureLike = field(kw_only=False)
    style: Style = field(kw_only=False)
    engine: EngineSettings | str | None = None
    negative_style: Style | None = None
    mask: MaskLike | None = None
    regions: Sequence[RegionLike] = ()

    def __post_init__(self) -> None:
        check_values(self, Settings)
        _check_style("style", self.style)
        if self.negative_style is not None:
            _check_style("negative_style", self.negative_style)
        if not isinstance(self.engine, (EngineSettings, str, type(None))):  # pyright: ignore
            raise InputError(f"engine is {self.engine!r}: give the name of an engine, or its settings.")
        _check_regions(self.regions)

    @property
    def styles(self) -> list[Style]:
        """The style of what no region covers, and that of each region."""
        return [self.style, *(r.style if isinstance(r, Region) else r[1] for r in self.regions)]


@dataclass(frozen=True, slots=True, eq=False)
class Previous:
    """The painting of the frame before, `painted`, warped along the flow to the frame that is painted now; `trust` is 0
    where that shows something else, as what was hidden before or lies at the boundary of a motion, and 1 where it is
    sure to show the same.
    """

    painted: Picture
    trust: Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResolvedTask(Settings):
    """A `Task` with every default filled in: what an engine renders.

    Pictures are open, masks have the size of the content, styles hold all that the engine needs of them, and `engine`
    holds the values that the model chose where the task left them open. `previous` is for frames of a clip: `temporal`
    engines keep to it, whatever size it has, others ignore it.
    """

    content: Picture
    style: Style
    engine: EngineSettings
    negative_style: Style | None = None
    mask: Mask | None = None
    regions: tuple[Region, ...] = ()
    previous: Previous | None = None

    def __post_init__(self) -> None:
        check_values(self, Settings)

    @property
    def styles(self) -> list[Style]:
        """The style of what no region covers, and that of each region."""
        return [self.style, *(r.style for r in self.regions)]


def _check_style(name: str, value: object) -> None:
    if not isinstance(value, Style):
        words = value if isinstance(value, str) else "mosaic"
        raise InputError(f"{name} is {value!r}: give a Style, such as Style.from_text({json.dumps(words)}).")


def _check_regions(regions: object) -> None:
    if isinstance(regions, str) or not isinstance(regions, Sequence):
        raise InputError("regions must be a list: give pairs of a mask and a style.")
    for n, item in enumerate(cast("Sequence[object]", regions)):
        if isinstance(item, Region):
            continue
        pair = cast("tuple[object, ...]", item) if isinstance(item, (tuple, list)) else ()
        if len(pair) != 2:
            raise InputError(f"regions[{n}] is not a region: give a pair of a mask and a style.")
        _check_style(f"the style of regions[{n}]", pair[1])


def settings_of(task: Settings) -> Settings:
    """The part of a task that every engine shares."""
    return Settings(**values_of(task, Settings))


def with_settings(task: Task, settings: Settings) -> Task:
    """`task` with all shared settings replaced."""
    return replace(task, **values_of(settings, Settings))


def resolve(task: Task, engine: EngineSettings, measure: Callable[[Style], Style]) -> ResolvedTask:
    """`task` with its pictures opened, masks fitted to the content, and styles measured; `engine` is taken as it is.

    Raises InputError for a setting that differs from its default although the engine cannot honour it.
    """
    check_honoured(task, engine, negative=task.negative_style is not None)
    content = Picture.of(task.content)
    content.check_visible()
    mask = None if task.mask is None else Mask.of(task.mask).fitted(content)
    regions = [region(r) for r in task.regions]
    negative = task.negative_style
    return ResolvedTask(
        content=content,
        style=measure(task.style),
        engine=engine,
        negative_style=None if negative is None else measure(negative),
        mask=mask,
        regions=tuple(Region(r.mask.fitted(content), measure(r.style)) for r in regions),
        **values_of(task, Settings),
    )


def with_content(task: ResolvedTask, content: Picture, change: Callable[[Mask], Mask]) -> ResolvedTask:
    """`task` for another view of its content; `change` gives its masks the same view."""
    mask = None if task.mask is None else change(task.mask)
    regions = tuple(replace(r, mask=change(r.mask)) for r in task.regions)
    return replace(task, content=content, mask=mask, regions=regions)


def feathered(task: ResolvedTask) -> ResolvedTask:
    """With masks of the content's size and soft edges; `feather` is 0 afterwards."""

    def soft(mask: Mask) -> Mask:
        return mask.resized(task.content.size).feathered(task.feather)

    return replace(with_content(task, task.content, soft), feather=0.0)


def map_styles(task: ResolvedTask, change: Callable[[Style], Style]) -> ResolvedTask:
    """`task` with `change` applied to the style and to those of its regions."""
    regions = tuple(replace(r, style=change(r.style)) for r in task.regions)
    return replace(task, style=change(task.style), regions=regions)


def record_of(engine: EngineSettings) -> dict[str, Any]:
    """An engine's settings as plain JSON values: its name and `values`."""
    return {"name": engine.name, "values": values_of(engine)}
