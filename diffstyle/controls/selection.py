"""Masks from what a photo shows: its foreground, its sky, a box, or words."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.assets.hub import known_models, where
from diffstyle.controls.foreground import foreground
from diffstyle.controls.sky import likely_sky
from diffstyle.core.errors import InputError
from diffstyle.core.mask import Mask
from diffstyle.core.picture import Picture, PictureLike

SUBJECT = ("foreground", "subject", "person")  # three names for what a photo is of
LONGEST = 384  # longest side on which a box is cut out
ROUNDS = 5  # of GrabCut
SMALLEST, LARGEST = 0.01, 0.95  # shares of a picture: what is beyond is no clear foreground
WORDS_FROM, WORDS_UP = 0.3, 0.7  # CLIPSeg's certainties that become 0 and 1
LIGHT = 0.75  # from here on a stroke is white
NEAR = 0.12  # of the longest side: what lies so near to a white stroke is thought to be of the subject at first
MOST_MARKED = 0.9
EDGE = 0.02  # of the longest side: how far the rule for the sky may miss its edge
_BOX = re.compile(r"box:(\d+),(\d+),(\d+),(\d+)")
_SEED = 7


class NothingFound(InputError):
    """What was asked for is not in the picture, although it may be in another."""


def select(content: PictureLike, what: str) -> Mask:
    """Where `what` is: `foreground`, or `subject` or `person`; `background`; `sky`; `box:LEFT,TOP,RIGHT,BOTTOM` for
    what stands out inside that box; `scribble:FILE` for what `scribbled` makes of that picture; or words for CLIPSeg
    (Lüddecke & Ecker 2022), whose weights `diffstyle models pull clipseg` fetches.

    The foreground is what `foreground` takes for the subject of the photo: a person, an animal or a thing, whichever
    stands out. The background is the rest. The sky is found by the rule of `likely_sky`, and its edge by GrabCut
    (Rother et al. 2004). Raises InputError where nothing is found.
    """
    picture = Picture.of(content)
    what = what.strip()
    if what in SUBJECT:
        return _checked(foreground(picture), what)
    if what == "background":
        return inverse(_checked(foreground(picture), SUBJECT[0]))
    if what == "sky":
        return _sky(picture)
    if box := _BOX.fullmatch(what):
        left, top, right, bottom = map(int, box.groups())
        if not (left < right <= picture.width and top < bottom <= picture.height):
            raise InputError(f"The {what} is not inside the {picture.width}x{picture.height} photo: give another.")
        return _cut_out(picture, (left, top, right, bottom), what)
    if what.startswith("scribble:"):
        return scribbled(picture, what.removeprefix("scribble:"))
    if not what or what.startswith("box:"):
        raise InputError(
            f"Cannot read {what!r}: give person, subject, background, sky, box:LEFT,TOP,RIGHT,BOTTOM, scribble:FILE, or"
            " words."
        )
    folder = where(known_models()["clipseg"])
    if folder is None:
        raise InputError(
            f"Finding {what!r} in a photo needs CLIPSeg: `diffstyle models pull clipseg` fetches it; person, subject,"
            " background, sky, box:LEFT,TOP,RIGHT,BOTTOM and scribble:FILE need nothing."
        )
    return _checked(found_by_words(picture, what, folder), what)


def scribbled(content: PictureLike, marks: PictureLike) -> Mask:
    """What GrabCut takes for the subject that a few strokes in `marks`, a picture of the photo's shape, point out.

    White strokes lie on the subject, black ones on what is not of it; the rest is grey, or transparent. Raises
    InputError without a white stroke.
    """
    import cv2

    picture, strokes = Picture.of(content), Picture.of(marks)
    small = _small(picture)
    height, width = small.shape[:2]

    def reached(marked: Tensor) -> npt.NDArray[np.bool_]:
        """Thin strokes must not be lost: all that they touch at the smaller size."""
        return F.adaptive_max_pool2d(marked.float()[None, None], (height, width))[0, 0].numpy() > 0

    grey = strokes.pixels.mean(0)
    drawn = torch.ones_like(grey) if strokes.alpha is None else strokes.alpha[0]
    inside, outside = reached((grey > LIGHT) & (drawn > 0.5)), reached((grey < 1 - LIGHT) & (drawn > 0.5))
    if not inside.any():
        raise InputError(f"{strokes.source} has no white strokes: draw some on what is wanted, on grey or on nothing.")
    if (inside | outside).mean() > MOST_MARKED:
        raise InputError(
            f"{strokes.source} leaves nothing to be found: draw a few strokes on grey or on nothing, or make it a mask."
        )
    labels = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    if not outside.any():  # it has to learn from somewhere what the background is
        labels[[0, -1]] = labels[:, [0, -1]] = cv2.GC_BGD
    near = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3) < NEAR * max(height, width)
    labels[near] = cv2.GC_PR_FGD
    labels[outside], labels[inside] = cv2.GC_BGD, cv2.GC_FGD
    return _grabbed(picture, small, labels, None, strokes.source)


def _sky(picture: Picture) -> Mask:
    """The sky: `likely_sky`, corrected by GrabCut near its edge."""
    import cv2

    small = _small(picture)
    sky = likely_sky(small)
    if not sky.any():
        raise NothingFound(
            f"No sky was found in {picture.source}: it must be smooth, bright or blue, and at the top edge."
        )
    reach = max(2, round(EDGE * max(sky.shape)))
    inside = cv2.distanceTransform(np.pad(sky, ((reach, 0), (reach, reach)), "edge").astype(np.uint8), cv2.DIST_L2, 3)
    deep = inside[reach:, reach:-reach] > reach
    far = cv2.distanceTransform((~sky).astype(np.uint8), cv2.DIST_L2, 3) > 2 * reach
    labels = np.where(sky, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[deep], labels[far] = cv2.GC_FGD, cv2.GC_BGD
    return _grabbed(picture, small, labels, None, "sky")


def found_by_words(picture: Picture, words: str, folder: Path) -> Mask:
    """Where CLIPSeg, of the transformers model in `folder`, sees what `words` say."""
    from PIL import Image

    processor, model = _clipseg(folder)
    image = Image.fromarray(Picture(picture.pixels).to_array())
    inputs = processor(text=[words], images=[image], padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = cast("Tensor", model(**inputs).logits)
    certain = logits.sigmoid().reshape(1, *logits.shape[-2:])
    return Mask(((certain - WORDS_FROM) / (WORDS_UP - WORDS_FROM)).clamp(0, 1), words).resized(picture.size)


@lru_cache(maxsize=1)
def _clipseg(folder: Path) -> tuple[Any, Any]:
    import transformers

    from diffstyle.core.quiet import quiet

    untyped: Any = transformers
    with quiet():
        processor = untyped.CLIPSegProcessor.from_pretrained(folder)
        model = untyped.CLIPSegForImageSegmentation.from_pretrained(folder, use_safetensors=True).eval()
    return processor, model


def _cut_out(picture: Picture, box: tuple[int, int, int, int], what: str) -> Mask:
    """What GrabCut takes for foreground inside `box`, at the size of the picture."""
    small = _small(picture)
    height, width = small.shape[:2]
    scale = width / picture.width
    left, top, right, bottom = (round(edge * scale) for edge in box)
    # something must be outside: GrabCut learns what the background is from there
    left, top, right, bottom = max(1, left), max(1, top), min(width - 1, right), min(height - 1, bottom)
    if right - left < 2 or bottom - top < 2:
        raise InputError(f"The {what} is too small a part of {picture.source}: give a larger box.")
    return _grabbed(picture, small, np.zeros((height, width), np.uint8), (left, top, right - left, bottom - top), what)


def _grabbed(
    picture: Picture,
    small: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    rectangle: tuple[int, int, int, int] | None,
    what: str,
) -> Mask:
    """What GrabCut finds in `small` from a rectangle (left, top, width, height) or else from labels, as a mask of the
    whole picture.
    """
    import cv2

    models = (np.zeros((1, 65)), np.zeros((1, 65)))
    mode = cv2.GC_INIT_WITH_MASK if rectangle is None else cv2.GC_INIT_WITH_RECT
    cv2.setRNGSeed(_SEED)  # its clusters begin at random
    cv2.grabCut(small[..., ::-1].copy(), labels, rectangle or (0, 0, 0, 0), *models, ROUNDS, mode)
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return _checked(Mask(torch.from_numpy(inside)[None], what).resized(picture.size), what)


def _small(picture: Picture) -> npt.NDArray[np.uint8]:
    scale = min(1.0, LONGEST / max(picture.size))
    width, height = (max(16, round(side * scale)) for side in picture.size)
    return Picture(picture.opaque()).resized((width, height)).to_array()


def _checked(mask: Mask, what: str) -> Mask:
    share = float(mask.values.mean())
    if not SMALLEST <= share <= LARGEST:
        found = "nothing" if share < SMALLEST else "nearly everything"
        raise NothingFound(f"{what}: {found} in the photo was found to be that; give a box or a mask.")
    return mask


def inverse(mask: Mask) -> Mask:
    """Where `mask` is not."""
    return mask.changed(lambda shares: 1 - shares)
