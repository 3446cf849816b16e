"""`diffstyle replay`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from diffstyle.errors import InputError
from diffstyle.files import check_writable


def replay(
    picture: Path,
    /,
    *,
    content: Path,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
) -> int:
    """Make a picture again from the recipe inside it.

    Parameters
    ----------
    picture
        A picture that diffstyle saved.
    content
        The photo it was made from.
    out
        The file to write; PICTURE.replay.png if not given.
    """
    from diffstyle.picture import Picture
    from diffstyle.recipe import output_format, read_recipe
    from diffstyle.stylizer import Stylizer
    from diffstyle.task import Task

    recipe = read_recipe(picture)
    target = out or picture.with_name(f"{picture.stem}.replay{picture.suffix}")
    kind = output_format(target)
    check_writable(target)
    photo = Picture.open(content)
    if photo.digest() != recipe.content:
        raise InputError(
            f"{content} is not the photo that {picture} was made from: that one was called {recipe.content_source}."
        )
    stylizer = Stylizer.load()
    result = stylizer.render(Task.of(photo, recipe.style, recipe.settings))
    if dict(result.weights) != dict(recipe.weights):
        print(f"diffstyle: {picture} was made with other weights, so this is not the same picture.", file=sys.stderr)
    result.save(target)
    same = kind == output_format(picture) and target.read_bytes() == picture.read_bytes()
    print(f"{target}: {'identical to' if same else 'not the same file as'} {picture}")
    return 0
