"""`diffstyle style`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.hints import say_if_unknown
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import check_writable

if TYPE_CHECKING:
    from diffstyle.core.picture import Picture
    from diffstyle.core.style import Style
    from diffstyle.stylizer import Stylizer

Out = Annotated[Path, Parameter(name=["--out", "-o"])]
Styles = Annotated[list[str], Parameter(name="STYLE", negative=(), json_list=False)]
Several = Annotated[list[str], Parameter(negative=(), json_list=False)]


def show(style: Annotated[str, Parameter(name="STYLE")], /) -> int:
    """Say what a style is made of, and what is near it.

    Parameters
    ----------
    style
        A name, words, a picture or a style file.
    """
    from diffstyle.assets.style_spec import parse_style
    from diffstyle.encoders.space import StyleSpace

    space = StyleSpace.presets()
    looked_at = parse_style([style])
    print(f"name        {looked_at.label}")
    for key, value in (("card", looked_at.card), ("licence", looked_at.licence)):
        if value:
            print(f"{key:12}{value}")
    for r in looked_at.references:
        kind = "words" if r.prompt else "picture" if r.pictures else "measured"
        print(f"{kind:12}{r.weight:.0%} {r.source}")
        for name in sorted((*r.embeddings, *r.statistics)):
            print(f"            known in {name}")
        if r.exemplars:
            print(f"            painted from {len(r.exemplars)} exemplar{'s' * (len(r.exemplars) != 1)}")
    if not looked_at.spaces and not any(r.prompt or r.pictures for r in looked_at.references):
        print("nearest     unknown: it has no embedding")
        return 0
    encoded = _encoded(looked_at, space.space)
    if encoded.prompt:
        print(f"confidence  {encoded.confidence:.2f}")
    near = [(n, c) for n, c in space.nearest(encoded, 6) if n != looked_at.name][:5]
    print("nearest     " + ", ".join(f"{name} {cosine:.2f}" for name, cosine in near))
    return 0


def make(
    styles: Styles | None = None,
    /,
    *,
    out: Out,
    text: Several | None = None,
    image: Several | None = None,
    name: str = "",
    licence: str = "",
) -> int:
    """Keep a style, or a blend of several, in a small file that needs no picture.

    Parameters
    ----------
    styles
        Words, pictures, style files or names, each with :WEIGHT behind it if you like.
    out
        The file to write, ending in .style.safetensors, or in .ipadpt for the embedding alone.
    text
        A style in words, with :WEIGHT if you like; repeat it for several.
    image
        A picture of the style, with :WEIGHT if you like; repeat it for several.
    name
        What to call it.
    licence
        Under which licence it may be used.
    """
    specs = [*(styles or ()), *(f"text:{t}" for t in text or ()), *(f"image:{i}" for i in image or ())]
    if not specs:
        raise InputError("Say what the style is: words, pictures, --text or --image.")
    style = _complete(_parsed(specs, out))
    replace(style, name=name or style.name, licence=licence or style.licence).save(out)
    say_if_unknown(style)
    print(out)
    return 0


def mix(styles: Styles, /, *, out: Out, name: str = "") -> int:
    """Blend styles by weight: diffstyle style mix ukiyo-e:0.6 "charcoal drawing:0.4" -o both.style.safetensors

    Parameters
    ----------
    styles
        Words, pictures, style files or names, each with :WEIGHT behind it.
    out
        The file to write, ending in .style.safetensors.
    name
        What to call it.
    """
    if len(styles) < 2:
        raise InputError("A mix needs at least two styles.")
    return make(styles, out=out, name=name)


def path(
    start: Annotated[str, Parameter(name="FROM")],
    end: Annotated[str, Parameter(name="TO")],
    /,
    *,
    out: Out,
    n: Annotated[int, Parameter(name=["-n", "--count"])] = 5,
    content: Path | None = None,
    size: int = 256,
) -> int:
    """Paint a photo along the way from one style to another, as a strip.

    Parameters
    ----------
    start
        The style on the left: words, a picture, a style file or a name.
    end
        The style on the right.
    out
        The picture to write: .png, .jpg or .webp.
    n
        How many pictures.
    content
        The photo; one that comes with diffstyle if not given.
    size
        Longest side of each picture in pixels.
    """
    from diffstyle.assets.style_spec import parse_style, style_paths
    from diffstyle.assets.zoo import example_photo
    from diffstyle.core.picture import Picture, fitted
    from diffstyle.core.settings import Settings
    from diffstyle.core.style import Style
    from diffstyle.core.task import Task
    from diffstyle.formats.picture_file import check_output
    from diffstyle.stylizer import Stylizer

    check_output(out, None)
    check_writable(out, [*style_paths([start, end]), *([content] if content else [])])
    stylizer = Stylizer.load()
    ends = [_complete(parse_style([spec]), stylizer) for spec in (start, end)]
    for style in ends:
        say_if_unknown(style)
    photo = Picture.open(content or example_photo())
    width, height = fitted(photo.size, Settings(size=size).size or size)
    check_output(out, (n * width, height))
    painted = [stylizer.preview(Task(photo, s, size=size)).picture for s in Style.path(ends[0], ends[1], n)]
    _write_strip(painted, out)
    print(out)
    return 0


def nearest(
    style: Annotated[str, Parameter(name="STYLE")], /, *, k: Annotated[int, Parameter(name=["-k", "--count"])] = 5
) -> int:
    """Name the styles that are nearest to words, a picture or a style file.

    Parameters
    ----------
    style
        Words, a picture, a style file or a name.
    k
        How many to name.
    """
    from diffstyle.assets.style_spec import parse_style
    from diffstyle.encoders.space import StyleSpace

    space = StyleSpace.presets()
    encoded = _encoded(parse_style([style]), space.space)
    for name, cosine in space.nearest(encoded, k):
        print(f"{cosine:.3f}  {name}")
    say_if_unknown(encoded)
    return 0


def _write_strip(pictures: list[Picture], out: Path) -> None:
    """Side by side, in the order given."""
    import numpy as np
    from PIL import Image

    from diffstyle.formats.atomic import write_atomic
    from diffstyle.formats.picture_file import output_format

    strip = Image.fromarray(np.concatenate([p.to_array()[..., :3] for p in pictures], 1))
    write_atomic(out, lambda file: strip.save(file, output_format(out)))


def _parsed(specs: list[str], out: Path) -> Style:
    from diffstyle.assets.style_spec import parse_style, style_paths

    check_writable(out, style_paths(specs))
    return parse_style(specs)


def _complete(style: Style, stylizer: Stylizer | None = None) -> Style:
    """`style` with its embedding and statistics, as far as its references allow."""
    from diffstyle.stylizer import Stylizer

    stylizer = stylizer or Stylizer.load()
    if any(r.pictures or r.prompt for r in style.references):
        style = stylizer.encoder.encode(style, partial=True)
    return stylizer.measure(style)


def _encoded(style: Style, space: str) -> Style:
    from diffstyle.encoders.clip import StyleEncoder

    return style if space in style.spaces else StyleEncoder.load().encode(style)
