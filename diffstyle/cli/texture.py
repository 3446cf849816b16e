"""`diffstyle texture`"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from diffstyle.cli.options import check_range
from diffstyle.cli.progress import Progress
from diffstyle.cli.style import Out, Styles
from diffstyle.core.settings import MAX_SEED
from diffstyle.formats.atomic import check_writable


def texture(
    styles: Styles,
    /,
    *,
    out: Out,
    size: int = 1024,
    height: int | None = None,
    seed: int = 0,
    tileable: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make a texture of nothing but a style's marks: diffstyle texture monet-sunrise -o paper.png --tileable

    Parameters
    ----------
    styles
        Words, pictures, style files or names, each with :WEIGHT behind it if you like.
    out
        The file to write.
    size
        Its width in pixels, and its height if that is not given.
    height
        Its height in pixels.
    seed
        The same number gives the same texture.
    tileable
        It continues across its edges, for wallpapers and 3D surfaces.
    """
    check_range("seed", seed, 0, MAX_SEED)
    from diffstyle.assets.style_spec import parse_style, style_paths
    from diffstyle.engines.base import Step
    from diffstyle.formats.atomic import write_atomic
    from diffstyle.formats.picture_file import check_output, encode, output_format
    from diffstyle.stylizer import Stylizer

    shape = (size, size if height is None else height)
    check_output(out, shape)
    check_writable(out, style_paths(styles))
    style = parse_style(styles)
    progress = Progress("%")

    def on_step(step: Step) -> None:
        progress.update(step.done, step.total)

    try:
        picture = Stylizer.load("starter", device="cpu").texture(
            style, size=shape, seed=seed, tileable=tileable, on_step=on_step
        )
    finally:
        progress.close()
    data = encode(picture, output_format(out), "")
    write_atomic(out, lambda file: file.write(data))
    print(out)
    return 0
