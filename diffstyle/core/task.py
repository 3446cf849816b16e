"""What to render and what came of it. Every default is declared here and nowhere else."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from diffstyle.core.errors import InputError

if TYPE_CHECKING:
    from diffstyle.core.mask import Mask, Region
    from diffstyle.core.model_options import ModelOptions
    from diffstyle.core.picture import Picture
    from diffstyle.core.style import Style

EngineName = Literal["adain", "diffusion"]
SchedulerName = Literal["ddim", "dpm++", "unipc", "euler-a", "lcm", "tcd"]
Start = Literal["content", "preview"]
Blend = Literal["mix", "tokens"]
Colours = Literal["off", "keep", "match", "palette"]
MAX_SIDE = 8192
MAX_STEPS = 200
MAX_WORDS = 2000

_SHARES = ("strength", "structure", "texture", "denoise", "style_start", "style_end", "colour_weight", "smooth")
_NUMBERS: Mapping[str, type] = {
    **dict.fromkeys((*_SHARES, "style_scale", "guidance", "feather", "contrast", "sharpness", "stroke"), float),
    **dict.fromkeys(("seed", "size", "steps", "depth", "tile", "overlap"), int),
}
_BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(_SHARES, (0, 1)),
    "style_scale": (0, 3),
    **dict.fromkeys(("contrast", "sharpness"), (0, 3)),
    "stroke": (0.1, 4),
    "tile": (128, 2048),
    "overlap": (16, 1024),
    "guidance": (0, 30),
    "feather": (0, 1000),
    "size": (64, MAX_SIDE),
    "steps": (1, MAX_STEPS),
}
DEPTHS = (8, 16)
_OPTIONAL = ("scheduler", "start")
_CHOICES: Mapping[str, Any] = {
    "engine": EngineName,
    "scheduler": SchedulerName,
    "start": Start,
    "blend": Blend,
    "colour": Colours,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The part of a task that is plain values: what the command line and the web page ask for.

    Parameters
    ----------
    strength
        How far to go from the photo (0) to the style (1).
    size
        Longest side of the result in pixels; the photo's own if not given.
    seed
        The same number gives the same picture; adain ignores it, but where strokes are carried
        over.
    feather
        Over how many pixels of the result the edges of masks are softened.
    engine
        What paints: diffusion the final render, adain the instant preview.
    colour
        Whose colours the result has: the painting's as it comes (off), the photo's hues (keep), the style's exactly
        (match), or the photo in the style's colours, with no texture (palette).
    colour_weight
        How far to go to those colours, from 0 to 1.
    contrast
        Local contrast of the photo before it is painted, 1 as it is.
    sharpness
        How much of its own fine detail the photo is given before it is painted, 0 none.
    smooth
        How much grain is taken off what was painted, edges left: from 0, none, to 1.
    stroke
        Size of the strokes as a share of the picture, 1 as in a picture of 512 pixels; as the engine paints at the size
        of the result if not given.
    tile
        Diffusion: paint in overlapping tiles of so many pixels, which needs less memory; if not given, twice the side
        that the model was trained on, for larger pictures.
    overlap
        Diffusion: by how many pixels tiles overlap, at most half of one.
    depth
        Bits a channel of the saved file: 8, or 16 in PNG and TIFF.
    structure
        How strongly the photo's shapes are held, from 0 to 1, by ControlNets and where strokes are carried over, which
        brings back edges that were lost; 0.5 is as ControlNets were trained.
    texture
        How far strokes are carried from the style's pictures to the painting, from 0, as the engine painted them, to 1;
        the model's own if not given.
    denoise
        Diffusion: at strength 1, the share of the noise schedule that is run again, the model's own if not given; more
        repaints more boldly.
    start
        Diffusion: begin from the photo's colours (content) or from the preview of the same style (preview); the model's
        own if not given.
    style_scale
        Diffusion: how strongly the style adapter acts, 1 as it was trained.
    style_start
        Diffusion: the style adapter acts from this share of the steps on.
    style_end
        Diffusion: and until this one.
    blocks
        Diffusion: where the style adapter acts: all, style, style+layout, or block names as up_blocks.1=0.8.
    blend
        Diffusion: several styles as their mean (mix), or each with tokens of its own (tokens).
    steps
        Diffusion: how many denoising steps are run, or as many as there are noise levels below `denoise`; the
        model's own number if not given.
    guidance
        Diffusion: classifier-free guidance; the model's own if not given, 1 is none and twice as fast.
    scheduler
        Diffusion: the sampler; the model's own if not given.
    prompt
        Diffusion: words beside the style's, where the model reads words.
    negative
        Diffusion: words for what is not wanted.
    """

    strength: float = 1.0
    size: int | None = None
    seed: int = 0
    feather: float = 0.0
    engine: EngineName = "diffusion"
    colour: Colours = "off"
    colour_weight: float = 1.0
    contrast: float = 1.0
    sharpness: float = 0.0
    smooth: float = 0.0
    stroke: float | None = None
    tile: int | None = None
    overlap: int = 64
    depth: int = 8
    structure: float = 0.5
    texture: float | None = None
    denoise: float | None = None
    start: Start | None = None
    style_scale: float = 1.0
    style_start: float = 0.0
    style_end: float = 1.0
    blocks: str = "all"
    blend: Blend = "mix"
    steps: int | None = None
    guidance: float | None = None
    scheduler: SchedulerName | None = None
    prompt: str = ""
    negative: str = ""

    def __post_init__(self) -> None:
        for name, plain in _NUMBERS.items():  # numpy's numbers are not JSON's
            value = getattr(self, name)
            try:
                if value is not None:
                    object.__setattr__(self, name, plain(value))
            except (TypeError, ValueError):
                raise InputError(f"{name} is {value!r}: give a number.") from None
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and (not math.isfinite(value) or not low <= value <= high):
                raise InputError(f"{name} is {value}: give a number from {low} to {high}.")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed}: give a whole number from 0 to {2**63 - 1}.")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in get_args(choices) and not (value is None and name in _OPTIONAL):
                raise InputError(f"{name} is {value!r}: give one of {', '.join(get_args(choices))}.")
        if self.tile is not None and 2 * self.overlap > self.tile:
            raise InputError(f"overlap is {self.overlap}: give at most half of tile, {self.tile // 2}.")
        if self.depth not in DEPTHS:
            raise InputError(f"depth is {self.depth}: give 8 or 16.")
        if self.style_start > self.style_end:
            raise InputError(f"style_start is {self.style_start}: it must not be after style_end, {self.style_end}.")
        for name in ("prompt", "negative"):
            if len(getattr(self, name)) > MAX_WORDS:
                raise InputError(f"{name} has {len(getattr(self, name))} characters: give at most {MAX_WORDS}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Settings):
    """Everything that decides the outcome of a render.

    `negative_style` is what the result is to look unlike. Where `mask` is 0 the content stays as it is, bit for bit.
    `regions` have styles of their own, a later one lies over the earlier ones, and `style` is for all the rest.
    """

    content: Picture
    style: Style
    negative_style: Style | None = None
    mask: Mask | None = None
    regions: tuple[Region, ...] = ()

    @classmethod
    def of(
        cls,
        content: Picture,
        style: Style,
        settings: Settings,
        *,
        negative_style: Style | None = None,
        mask: Mask | None = None,
        regions: tuple[Region, ...] = (),
    ) -> Task:
        parts: dict[str, Any] = {"negative_style": negative_style, "mask": mask, "regions": regions}
        return cls(content=content, style=style, **parts, **settings_dict(settings))

    @property
    def settings(self) -> Settings:
        return Settings(**settings_dict(self))


def styles(task: Task) -> list[Style]:
    """The style of what no region covers, and that of each region."""
    return [task.style, *(r.style for r in task.regions)]


def settings_dict(settings: Settings) -> dict[str, Any]:
    """Field values by name, of the plain part alone."""
    return {f.name: getattr(settings, f.name) for f in fields(Settings)}


@dataclass(frozen=True, slots=True)
class Result:
    """A rendered `picture`, the `task` it came from, `seconds` by phase, digests by weights file, the engine's
    `runtime` (device, dtype and threads), and the `options` with which the model was loaded.
    """

    picture: Picture
    task: Task
    seconds: Mapping[str, float]
    weights: Mapping[str, str]
    runtime: Mapping[str, str]
    options: ModelOptions

    @property
    def measures(self) -> Mapping[str, float]:
        """What controls measured of the picture, by name: a ΔE, a seam score."""
        return self.picture.measures

    def save(self, path: str | Path) -> Path:
        """Write PNG, JPEG or WebP with the whole recipe inside, so that `diffstyle replay` can repeat it."""
        from diffstyle.formats.recipe import save_result

        return save_result(self, Path(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """What a form needs to ask for one field of `Settings`: its plain type `kind`, the lowest and highest number, the
    words to choose from, and whether it may be left to the model (`optional`: None).
    """

    name: str
    kind: type
    default: Any
    help: str
    optional: bool
    bounds: tuple[float, float] | None
    choices: tuple[str, ...]


def setting_fields() -> tuple[SettingField, ...]:
    """The fields of `Settings` in their order, described by their types, their bounds and its docstring."""
    hints, helps = get_type_hints(Settings), _helps(Settings.__doc__ or "")
    found: list[SettingField] = []
    for field in fields(Settings):
        hint = hints[field.name]
        plain = [h for h in get_args(hint) if h is not type(None)] if type(None) in get_args(hint) else [hint]
        choices = get_args(plain[0]) if get_origin(plain[0]) is Literal else ()
        found.append(
            SettingField(
                name=field.name,
                kind=str if choices else plain[0],
                default=field.default,
                help=helps[field.name],
                optional=type(None) in get_args(hint),
                bounds=_BOUNDS.get(field.name),
                choices=choices,
            )
        )
    return tuple(found)


def _helps(docstring: str) -> dict[str, str]:
    """The descriptions of a numpy-style Parameters section, by name."""
    helps: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(docstring).partition("----------\n")[2].splitlines():
        if line.startswith(" "):
            helps[name] = f"{helps[name]} {line.strip()}".strip()
        elif line.strip():
            name = line.strip()
            helps[name] = ""
    return helps
