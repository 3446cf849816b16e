"""`diffstyle replay`"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter

from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import check_writable

if TYPE_CHECKING:
    from diffstyle.core.model_options import MemoryMode


def replay(
    picture: Path,
    /,
    *,
    content: Path,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    model: str | None = None,
    adapter: Annotated[list[str] | None, Parameter(negative=(), json_list=False)] = None,
    controlnet: Annotated[list[str] | None, Parameter(negative=(), json_list=False)] = None,
    lora: Annotated[list[str] | None, Parameter(negative=(), json_list=False)] = None,
    encoder: str | None = None,
    mask: Path | None = None,
) -> int:
    """Make a picture, or a clip, again from the recipe inside it. Exit code 1 if it did not come out the same.

    Parameters
    ----------
    picture
        A picture or a clip that diffstyle saved.
    content
        The photo, or the clip, it was made from.
    out
        The file to write; if not given, NAME.replay and the picture's own suffix.
    model
        Where the model is, if the recipe names a file or a folder.
    adapter
        Where its adapters are, likewise.
    controlnet
        Where its ControlNets are, likewise.
    lora
        Where its LoRAs are, likewise.
    encoder
        Where the adapters' encoder is, likewise.
    mask
        The clip that was its mask, if a clip was.
    """
    import torch

    from diffstyle.cli.replay_clip import is_clip, replay_clip
    from diffstyle.core.device import dtype_name
    from diffstyle.core.picture import Picture
    from diffstyle.engines.replay import task_of
    from diffstyle.formats.picture_file import output_format
    from diffstyle.formats.recipe import Recipe, read_recipe
    from diffstyle.stylizer import Stylizer

    def load(recipe: Recipe) -> Stylizer:
        torch.set_num_threads(recipe.threads)  # sums in another order would differ in the last bit
        old = recipe.options
        found = {"model": model or old.model, "encoder": encoder or old.encoder}
        several = {
            "adapter": _moved(adapter, old.adapter),
            "controlnet": _moved(controlnet, old.controlnet),
            "lora": _moved(lora, old.lora),
        }
        memory = cast("MemoryMode", recipe.runtime.get("memory", old.memory))
        ran = {"device": recipe.device, "dtype": dtype_name(recipe.dtype), "memory": memory}
        return Stylizer.of(replace(old, **cast("dict[str, Any]", found | several | ran)))

    with _same_threads():
        if is_clip(picture):
            return replay_clip(picture, content, out, mask, load)
        recipe = read_recipe(picture)
        target = out or picture.with_name(f"{picture.stem}.replay{picture.suffix}")
        output_format(target)
        check_writable(target, (picture, content))
        photo = Picture.open(content)
        if photo.digest() != recipe.content:
            raise InputError(
                f"{content} is not the photo that {picture} was made from: that one was called {recipe.content_source}."
            )
        stylizer = load(recipe)
        task = task_of(recipe, replace(photo, source=recipe.content_source))
        stylizer.use_adapters(task.styles)
        resolved = stylizer.prepare(task)
        if dict(stylizer.engine(recipe.engine).weights_of(resolved)) != dict(recipe.weights):
            raise InputError(f"{picture} was made with other weights: install diffstyle {recipe.version} to replay it.")
        stylizer.render(resolved).save(target, depth=recipe.depth)
        same = Picture.open(target) == Picture.open(picture)
        print(f"{target}: {'identical to' if same else 'not the same picture as'} {picture}")
        return 0 if same else 1


@contextmanager
def _same_threads() -> Generator[None, None, None]:
    """torch has as many threads afterwards as it had."""
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _moved(given: list[str] | None, recorded: tuple[str, ...]) -> tuple[str, ...]:
    """The recorded files at other places; what stood behind their names still counts where nothing new does."""
    from itertools import zip_longest

    from diffstyle.core.model_options import part_of

    if not given:
        return recorded
    pairs = list(zip_longest(given, recorded, fillvalue=""))[: len(given)]
    return tuple(new if part_of(new) else new + part_of(old) for new, old in pairs)
