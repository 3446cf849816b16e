"""Photos and styles as diffusers passes them, and the one call that paints a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from diffstyle import InputError, Picture, Style, Stylizer, Task
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.errors import explain
from diffstyle.core.settings import MAX_SEED
from diffstyle.engines.base import Step
from diffstyle.formats.recipe import Recipe

OutputType = Literal["pil", "np", "pt"]
Images: TypeAlias = "list[Image.Image] | npt.NDArray[np.float32] | Tensor"
ImageLike: TypeAlias = "Picture | str | Path | Image.Image | npt.NDArray[Any] | Tensor"
StyleLike: TypeAlias = "Style | ImageLike"
GeneratorLike: TypeAlias = "torch.Generator | Sequence[torch.Generator]"
OnStep: TypeAlias = Callable[[int, Step], "bool | None"]


def pictures_of(image: ImageLike | Sequence[ImageLike]) -> list[Picture]:
    """The pictures in `image`: one or several files, PIL images, arrays or tensors.

    Arrays are (H, W, C) or (N, H, W, C), tensors (C, H, W) or (N, C, H, W), of uint8 or of floats in [0, 1]; C is 1, 3,
    or 4 with alpha. Floats keep their precision. Raises InputError for anything else.
    """
    if isinstance(image, Sequence) and not isinstance(image, str):
        if not image:
            raise InputError("image is an empty list: give at least one photo.")
        return [picture for one in image for picture in pictures_of(one)]
    if isinstance(image, Tensor):
        plain = image.detach().cpu()
        plain = plain.float() if plain.is_floating_point() else plain
        array: npt.NDArray[Any] = plain.numpy()
        return pictures_of(np.moveaxis(array, -3, -1) if array.ndim > 2 else array)  # (..., h, w, c)
    if isinstance(image, np.ndarray) and image.ndim == 4:
        return [Picture.of(one) for one in image]
    return [Picture.of(image)]


def style_of(style: StyleLike | Sequence[StyleLike]) -> Style:
    """`style` itself, or the one that it says: words, the name of a style, a picture, a file, or a blend of several.

    Files are pictures, `.style.safetensors` or `.ipadpt` files, and recipes saved as `.json`.
    """
    if isinstance(style, Style):
        return style
    if isinstance(style, (str, Path)):
        return _from_recipe(Path(style)) if str(style).endswith(".json") else parse_style([str(style)])
    if isinstance(style, Sequence):
        if not style:
            raise InputError("style is an empty list: give at least one style.")
        return style_of(style[0]) if len(style) == 1 else Style.mix([(style_of(one), 1.0) for one in style])
    return Style.from_images(pictures_of(style))


def _from_recipe(path: Path) -> Style:
    try:
        return Recipe.from_json(path.read_text("utf-8")).style
    except OSError as error:
        raise explain(error, f"read {path}") from None
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"Cannot read {path}: it is no recipe; write one with result.recipe().to_json().") from error


def seeds_of(generator: GeneratorLike | None, seed: int, *, count: int) -> list[int]:
    """One seed for each of `count` photos: `seed` for all of them, or numbers drawn from `generator`.

    Drawing advances a generator, as in diffusers: a second call with the same one paints another variation.
    """
    if generator is None:
        return [seed] * count
    if seed != 0:
        raise InputError("Give a generator or a seed, not both.")
    each = [generator] * count if isinstance(generator, torch.Generator) else list(generator)
    if len(each) != count:
        raise InputError(f"There are {count} photos and {len(each)} generators: give one generator for each photo.")
    return [int(torch.randint(MAX_SEED, (), generator=g, device=g.device)) for g in each]


def paint(
    stylizer: Stylizer,
    task: Task,
    photos: Sequence[Picture],
    *,
    masks: Sequence[Picture] = (),
    generator: GeneratorLike | None = None,
    output_type: OutputType = "pil",
    on_step: OnStep | None = None,
) -> Images:
    """Each of `photos` painted as `task` says, whose content is replaced.

    There is one mask for each photo, one for all, or none. `on_step` gets the index of the photo and the step; when it
    returns False, `Cancelled` is raised. The result is a list of PIL images, or all pictures in one float32 array
    (N, H, W, C) or tensor (N, C, H, W), for which they must be of one size.
    """
    if output_type not in get_args(OutputType):
        raise InputError(f"output_type is {output_type!r}: give one of {', '.join(get_args(OutputType))}.")
    sizes = sorted({photo.size for photo in photos})
    if output_type != "pil" and len(sizes) > 1:
        raise InputError(f"The photos are of {len(sizes)} sizes and do not fit into one array: use output_type='pil'.")
    if len(masks) not in (0, 1, len(photos)):
        raise InputError(f"There are {len(photos)} photos and {len(masks)} masks: give one mask, or one a photo.")
    painted: list[Picture] = []
    for n, (photo, seed) in enumerate(zip(photos, seeds_of(generator, task.seed, count=len(photos)), strict=True)):

        def report(step: Step, index: int = n) -> bool | None:
            return None if on_step is None else on_step(index, step)

        mask = masks[n % len(masks)] if masks else None
        painted.append(stylizer.render(replace(task, content=photo, mask=mask, seed=seed), report).picture)
    return _as_output(painted, output_type)


def _as_output(pictures: Sequence[Picture], output_type: OutputType) -> Images:
    if output_type == "pil":
        return [picture.to_pil() for picture in pictures]
    with_alpha = any(picture.alpha is not None for picture in pictures)
    planes: list[Tensor] = []
    for picture in pictures:
        alpha = torch.ones_like(picture.pixels[:1]) if picture.alpha is None else picture.alpha
        planes.append(torch.cat([picture.pixels, alpha]) if with_alpha else picture.pixels)
    batch = torch.stack(planes)  # (n, c, h, w)
    return batch if output_type == "pt" else cast("npt.NDArray[np.float32]", batch.movedim(1, -1).numpy())
