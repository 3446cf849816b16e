"""What a picture is to look like, and where, as people type it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.options import STYLE, WHERE
from diffstyle.core.errors import InputError
from diffstyle.core.user_path import user_path
from diffstyle.formats.atomic import sha256

if TYPE_CHECKING:
    from diffstyle.core.mask import Mask, Region
    from diffstyle.core.picture import Picture
    from diffstyle.core.settings import EngineSettings, Settings
    from diffstyle.core.style import Style
    from diffstyle.core.task import Task

REST, SCRIBBLE = "rest", "scribble:"
_NUMBERS = re.compile(r"\d{1,2}(:(\d+\.?\d*|\.\d+))?(,\d{1,2}(:(\d+\.?\d*|\.\d+))?){0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleOptions:
    """Style, masks and regions.

    Parameters
    ----------
    style
        Words, a picture, a style file or a name from `diffstyle style list`, optionally with :WEIGHT. The prefixes
        text:, image:, preset: and adapter: settle which. Give --style several times for a blend. A student's styles
        have numbers too, here and wherever a style is given: 2:0.7,1:0.3.
    negative_style
        A style that the result moves away from, given like --style.
    mask
        A greyscale or transparent picture: the photo stays as it is where the mask is black or transparent.
    only
        Paint only this: person or subject (also called foreground), background, sky, box:LEFT,TOP,RIGHT,BOTTOM (what
        stands out in the box), scribble:FILE (white strokes on the subject, black on the background), or words such as
        "the clouds", which need `diffstyle models pull clipseg`.
    except_
        Paint everything but this, given like --only.
    region
        MASK=STYLE, a part of the photo with a style of its own. Later regions lie over earlier ones. rest=STYLE is
        --style; without either, whatever is in no region stays as it is.
    """

    style: Annotated[
        list[str], Parameter(name=["--style", "-s"], group=STYLE, negative=(), show_default=False, json_list=False)
    ] = ()  # pyright: ignore
    negative_style: Annotated[list[str] | None, Parameter(group=STYLE, negative=(), json_list=False)] = None
    mask: Annotated[Path | None, Parameter(group=WHERE)] = None
    only: Annotated[str | None, Parameter(group=WHERE)] = None
    except_: Annotated[str | None, Parameter(name="--except", group=WHERE)] = None
    region: Annotated[list[str] | None, Parameter(group=WHERE, negative=(), json_list=False)] = None
    numbered: Annotated[tuple[str, ...], Parameter(parse=False)] = ()  # the styles that numbers stand for

    def named(self, engine: EngineSettings, keyframes: Sequence[str] = ()) -> StyleOptions:
        """The same, with names in place of numbers, as in 2:0.7,1:0.3, for an engine that lists its own styles;
        `specs` then knows them in regions and `keyframes`.

        Raises InputError for a number that is not in the list.
        """
        regions = [style for _, style in map(_pair, self.region or [])]
        if not any(map(_is_numbers, [*self.style, *regions, *keyframes])):
            return self
        named = replace(self, numbered=engine.style_names())
        for spec in (*regions, *keyframes):
            named.specs(spec)
        return replace(named, style=[n for s in self.style for n in named.specs(s)])

    def specs(self, spec: str) -> list[str]:
        """The specs that the style of a region or a keyframe stands for: several if it is a list of numbers."""
        return list(_by_number(spec, self.numbered)) if self.numbered and _is_numbers(spec) else [spec]

    @property
    def files(self) -> list[Path]:
        """All files that the options name."""
        from diffstyle.assets.style_spec import style_paths

        pairs = [_pair(text) for text in self.region or []]
        masks = [self.mask, *(Path(where) for where, _ in pairs if where != REST)]
        styles = [spec for _, style in pairs for spec in self.specs(style)]
        specs = [*self.style, *(self.negative_style or []), *styles]
        return [*style_paths(specs), *(m for m in masks if m is not None), *self._scribbles]

    @property
    def _scribbles(self) -> list[Path]:
        return [user_path(w[len(SCRIBBLE) :]) for w in (self.only, self.except_) if w and w.startswith(SCRIBBLE)]

    def marks(self) -> list[str]:
        """The sha256 of each scribble."""
        return [sha256(path) for path in self._scribbles if path.is_file()]


@dataclass(frozen=True, slots=True)
class Asked:
    """The same, read."""

    style: Style
    negative_style: Style | None
    mask: Mask | None
    regions: tuple[Region, ...]
    only: str | None
    without: str | None

    @classmethod
    def of(cls, options: StyleOptions) -> Asked:
        from diffstyle.assets.style_spec import parse_style
        from diffstyle.core.mask import Mask, Region, composite_weights

        pairs = [_pair(text) for text in options.region or []]
        specs = [*options.style, *(spec for where, style in pairs if where == REST for spec in options.specs(style))]
        regions = tuple(Region(Mask.of(Path(w)), parse_style(options.specs(s))) for w, s in pairs if w != REST)
        if not specs and not regions:
            raise InputError('Give the style: --style "watercolour", a picture, or a name from `diffstyle style list`.')
        mask = None if options.mask is None else Mask.of(options.mask)
        sizes = {m.size for m in (mask, *(r.mask for r in regions)) if m is not None}
        if len(sizes) > 1:
            raise InputError("The masks are of different sizes: save them all at the size of the photo.")
        if not specs:  # only the regions are painted
            left, _ = composite_weights(regions)
            covered = 1 - left if mask is None else (1 - left).minimum(mask.values)
            mask = Mask(covered, "regions")
        negative = parse_style(options.negative_style) if options.negative_style else None
        style = parse_style(specs) if specs else regions[0].style
        return cls(style, negative, mask, regions, options.only, options.except_)

    def task(self, content: Picture, settings: Settings, engine: EngineSettings) -> Task:
        """The task of one photo."""
        from diffstyle.core.fields import values_of
        from diffstyle.core.task import Task

        return Task(
            content,
            self.style,
            engine=engine,
            negative_style=self.negative_style,
            mask=self._mask(content),
            regions=self.regions,
            **values_of(settings),
        )

    def _mask(self, content: Picture) -> Mask | None:
        """The intersection of --mask, --only and --except."""
        import torch

        from diffstyle.controls.selection import inverse, select

        masks = [] if self.mask is None else [self.mask.fitted(content)]
        masks += [] if self.only is None else [select(content, self.only)]
        masks += [] if self.without is None else [inverse(select(content, self.without))]
        if len(masks) < 2:
            return masks[0] if masks else None
        source = " and ".join(mask.source for mask in masks)
        return replace(masks[0], values=torch.stack([m.values for m in masks]).amin(0), source=source)


def _is_numbers(spec: str) -> bool:
    """Whether a spec is a list such as 2:0.7,1:0.3, and no file has its name, with or without the weight."""
    listed = _NUMBERS.fullmatch(spec) is not None  # and short enough for the name of a file
    return listed and not Path(spec).is_file() and not Path(spec.partition(":")[0]).is_file()


def _by_number(spec: str, names: Sequence[str]) -> Iterator[str]:
    """The spec of each style of a list such as 2:0.7,1:0.3, by its name."""
    for part in spec.split(","):
        number, _, weight = part.partition(":")
        if not 1 <= int(number) <= len(names):
            listed = ", ".join(f"{n} {name}" for n, name in enumerate(names, 1))
            raise InputError(f"There is no style {int(number)} in {spec!r}: the student paints {listed}.")
        yield f"text:{names[int(number) - 1]}:{weight or 1}"


def _pair(text: str) -> tuple[str, str]:
    """Mask and style of MASK=STYLE; the name of an existing file may contain a =."""
    cuts = [n for n, c in enumerate(text) if c == "="]
    if not cuts or not text[: cuts[0]].strip() or not text[cuts[0] + 1 :].strip():
        raise InputError(f'Cannot read --region {text}: give MASK=STYLE, as sky.png="watercolour".')
    cut = next((n for n in cuts if text[:n] != REST and Path(text[:n]).is_file()), cuts[0])
    return text[:cut], text[cut + 1 :]
