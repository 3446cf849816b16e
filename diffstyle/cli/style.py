"""`diffstyle style`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def list_styles() -> int:
    """Name the styles that come with diffstyle."""
    from diffstyle.zoo import style_files

    print("\n".join(style_files()))
    return 0


def make(
    styles: Annotated[list[str], Parameter(name="STYLE", negative=())],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    name: str = "",
    licence: str = "",
) -> int:
    """Keep a style, or a blend of several, in a small file that needs no picture.

    Parameters
    ----------
    styles
        Pictures, style files or names, each with :WEIGHT behind it if you like.
    out
        The file to write, ending in .style.safetensors.
    name
        What to call it.
    licence
        Under which licence it may be used.
    """
    from dataclasses import replace

    from diffstyle.style_spec import parse_style
    from diffstyle.stylizer import Stylizer

    style = Stylizer.load().measure(parse_style(styles))
    replace(style, name=name or style.name, licence=licence or style.licence).save(out)
    print(out)
    return 0
