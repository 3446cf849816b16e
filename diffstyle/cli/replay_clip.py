"""Replays of clips."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.core.fields import values_of
from diffstyle.core.picture import Picture
from diffstyle.core.settings import Settings
from diffstyle.engines.registry import engine_from
from diffstyle.engines.replay import upgraded
from diffstyle.formats.recipe import Recipe
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_recipe import ClipRecipe, read_clip_recipe
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.encoding import CONTAINERS, PICTURES
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import timed
from diffstyle.video.frames import Frame
from diffstyle.video.render import render_clip
from diffstyle.video.steadying.searches import weights_of_search

_SCRIBBLE = "scribble:"


def is_clip(path: Path) -> bool:
    """Whether a file or folder is a clip, and no picture."""
    if path.is_dir():
        return True
    suffix = path.suffix.lower()
    if suffix not in PICTURES:
        return suffix in CONTAINERS
    try:
        read_clip_recipe(path)
    except InputError:
        return False
    return True


def replay_clip(
    clip: Path, content: Path, out: Path | None, mask: Path | None, load: Callable[[Recipe], Stylizer]
) -> int:
    """Make a clip again from the recipe inside it; 1 if it did not come out the same.

    `load` loads the model that a recipe names.
    """
    recipe = read_clip_recipe(clip)
    target = out or clip.with_name(f"{clip.stem}.replay{clip.suffix}")
    photos = open_clip(content, rate=recipe.cut.rate)
    if photos.digest() != recipe.frame.content:
        raise InputError(
            f"{content} is not the clip that {clip} was made from: that one was called {recipe.frame.content_source}."
        )
    if target.exists():
        raise InputError(f"{target} is there already: choose another name with -o.")
    task = _task_of(recipe, clip, mask)
    stylizer = load(recipe.frame)
    stylizer.use_adapters([task.style, *(k.style for k in task.keyframes)])
    first = Picture(next(timed(photos.frames(recipe.cut.start), recipe.cut)).read().pixels)
    resolved = stylizer.prepare(task.first(Frame(0, Fraction(0), first)))
    if dict(stylizer.engine(resolved.engine.name).weights_of(resolved)) != dict(recipe.frame.weights):
        raise InputError(f"{clip} was made with other weights: install diffstyle {recipe.frame.version} to replay it.")
    if weights_of_search(recipe.steadiness) != recipe.flow_weights:
        raise InputError(f"{clip} was made with other weights of {recipe.steadiness.flow}: it cannot be replayed.")
    render_clip(photos, task, target, stylizer=stylizer, cut=recipe.cut, output=recipe.output)
    same = _alike(target, clip)
    print(f"{target}: {'identical to' if same else 'not the same clip as'} {clip}")
    return 0 if same else 1


def _task_of(recipe: ClipRecipe, clip: Path, mask: Path | None) -> ClipTask:
    frame = upgraded(recipe.frame)
    if any(what is not None and what.startswith(_SCRIBBLE) for what in (recipe.only, recipe.without)):
        raise InputError(f"{clip} was made with a scribble, which is not in its recipe: paint it anew.")
    if recipe.mask_clip and (mask is None or open_clip(mask).digest() != recipe.mask_clip):
        raise InputError(f"{clip} was made with a clip as its mask: give that one with --mask.")
    return ClipTask(
        frame.style,
        engine=engine_from(frame.engine, frame.engine_values),
        negative_style=frame.negative_style,
        regions=frame.regions,
        keyframes=recipe.keyframes,
        mask=frame.mask,
        mask_clip=mask if recipe.mask_clip else None,
        only=recipe.only,
        without=recipe.without,
        steadiness=recipe.steadiness,
        **values_of(frame.settings, Settings),
    )


def _alike(one: Path, other: Path) -> bool:
    """Whether two clips show the same frames at the same times."""
    rate = Fraction(25)  # of folders, which do not say
    pairs = zip_longest(open_clip(one, rate=rate).frames(), open_clip(other, rate=rate).frames())
    return all(a is not None and b is not None and a.time == b.time and a.read() == b.read() for a, b in pairs)
