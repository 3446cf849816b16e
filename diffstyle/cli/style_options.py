"""What a picture is to look like, and where, as people type it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.hints import say_if_unknown
from diffstyle.core.errors import InputError

if TYPE_CHECKING:
    from diffstyle.core.mask import Mask, Region
    from diffstyle.core.picture import Picture
    from diffstyle.core.style import Style
    from diffstyle.core.task import Settings, Task
    from diffstyle.stylizer import Stylizer

REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options that say it.

    Parameters
    ----------
    style
        Words, a picture, a style file or a name from `diffstyle style list`, with :WEIGHT behind it if you like;
        text:, image:, preset: or adapter: before it settles which. Give --style several times for a blend.
    negative_style
        Diffusion: what the result is to look unlike, given as --style is.
    mask
        A picture in greys, or with transparency: the photo stays as it is where it is black, or clear.
    only
        Paint this alone: foreground (what stands out), background, box:LEFT,TOP,RIGHT,BOTTOM (what stands out in
        there), or words, as "person", which need `diffstyle models pull clipseg`.
    except_
        Paint all but this, said as --only is.
    region
        MASK=STYLE, a part of the photo with a style of its own; several if you like, later ones lie over earlier ones.
        rest=STYLE is --style; without either, what is in no region stays as it is.
    """

    style: Annotated[list[str], Parameter(name=["--style", "-s"], negative=())] = ()  # pyright: ignore
    negative_style: Annotated[list[str] | None, Parameter(negative=())] = None
    mask: Path | None = None
    only: str | None = None
    except_: Annotated[str | None, Parameter(name="--except")] = None
    region: Annotated[list[str] | None, Parameter(negative=())] = None

    @property
    def files(self) -> list[Path]:
        """All that are read for it."""
        from diffstyle.assets.style_spec import style_paths

        pairs = [_pair(text) for text in self.region or []]
        masks = [self.mask, *(Path(where) for where, _ in pairs if where != REST)]
        specs = [*self.style, *(self.negative_style or []), *(style for _, style in pairs)]
        return [*style_paths(specs), *(m for m in masks if m is not None)]


@dataclass(frozen=True, slots=True)
class Look:
    """The same, read and measured."""

    style: Style
    negative_style: Style | None
    mask: Mask | None
    regions: tuple[Region, ...]
    only: str | None
    without: str | None

    @classmethod
    def of(cls, asked: Asked) -> Look:
        from diffstyle.assets.style_spec import parse_style
        from diffstyle.core.mask import Mask, Region, shared_out

        pairs = [_pair(text) for text in asked.region or []]
        specs = [*asked.style, *(style for where, style in pairs if where == REST)]
        regions = tuple(Region(Mask.of(Path(w)), parse_style([s])) for w, s in pairs if w != REST)
        if not specs and not regions:
            raise InputError('Say the style: --style "watercolour", a picture, or a name from `diffstyle style list`.')
        mask = None if asked.mask is None else Mask.of(asked.mask)
        sizes = {m.size for m in (mask, *(r.mask for r in regions)) if m is not None}
        if len(sizes) > 1:
            raise InputError("The masks are of different sizes: save them all at the size of the photo.")
        if not specs:  # nothing is left to paint but the regions
            left, _ = shared_out(regions)
            covered = 1 - left if mask is None else (1 - left).minimum(mask.shares)
            mask = Mask(covered, "regions")
        unwanted = parse_style(asked.negative_style) if asked.negative_style else None
        style = parse_style(specs) if specs else regions[0].style
        return cls(style, unwanted, mask, regions, asked.only, asked.except_)

    @property
    def styles(self) -> list[Style]:
        """All that are painted."""
        return [self.style, *(r.style for r in self.regions)]

    def measured(self, stylizer: Stylizer, settings: Settings) -> Look:
        """As the engine of `settings` needs it; if words are hardly known, that is said."""

        def measure(style: Style) -> Style:
            return stylizer.measure(
                style, settings.engine, start=settings.start, colour=settings.colour, texture=settings.texture
            )

        style = measure(self.style)
        regions = tuple(replace(r, style=measure(r.style)) for r in self.regions)
        for each in dict.fromkeys([style, *(r.style for r in regions)]):
            say_if_unknown(each)
        unwanted = (
            None if self.negative_style is None else stylizer.measure(self.negative_style, settings.engine, texture=0)
        )
        return replace(self, style=style, negative_style=unwanted, regions=regions)

    def task(self, content: Picture, settings: Settings) -> Task:
        from diffstyle.core.task import Task

        return Task.of(
            content,
            self.style,
            settings,
            negative_style=self.negative_style,
            mask=self._mask(content),
            regions=self.regions,
        )

    def _mask(self, content: Picture) -> Mask | None:
        """Where all of --mask, --only and --except let something be painted."""
        import torch

        from diffstyle.controls.selection import inverse, select

        masks = [] if self.mask is None else [self.mask.fitted(content)]
        masks += [] if self.only is None else [select(content, self.only)]
        masks += [] if self.without is None else [inverse(select(content, self.without))]
        if len(masks) < 2:
            return masks[0] if masks else None
        source = " and ".join(mask.source for mask in masks)
        return replace(masks[0], shares=torch.stack([m.shares for m in masks]).amin(0), source=source)


def _pair(text: str) -> tuple[str, str]:
    """Mask and style of MASK=STYLE; a name with a = in it is found if there is such a file."""
    cuts = [n for n, c in enumerate(text) if c == "="]
    if not cuts or not text[: cuts[0]].strip() or not text[cuts[0] + 1 :].strip():
        raise InputError(f'Cannot read --region {text}: give MASK=STYLE, as sky.png="watercolour".')
    cut = next((n for n in cuts if text[:n] != REST and Path(text[:n]).is_file()), cuts[0])
    return text[:cut], text[cut + 1 :]
