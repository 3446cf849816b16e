"""What a style's pictures show, which is not to appear in the result: subtracted, and measured."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.picture import Picture
from diffstyle.encoders.clip import StyleEncoder


def without_content(vectors: Tensor, encoder: StyleEncoder, words: str) -> Tensor:
    """(n, d) unit vectors without the part that lies in the direction of `words` (InstantStyle, Wang et al. 2024).

    A departure: the paper subtracts the whole embedding of the words; here only the style's own share of it goes, so
    that words for something that is not there change nothing.
    """
    direction = encoder.texts([words])[0].to(vectors)
    share = (vectors @ direction).clamp_min(0)[:, None]
    return F.normalize(vectors - share * direction, dim=1)


def leakage(encoder: StyleEncoder, painted: Picture, photo: Picture, words: str) -> float:
    """How much nearer the painting lies to `words` than the photo does, as a difference of cosines, from -2 to 2.

    It is 0 where the style brought nothing of its subject. It cannot tell a subject from a style that the words name,
    and an encoder that was trained on styles alone, as the starter's, hardly knows subjects.
    """
    of_words = encoder.texts([words])[0]
    found = encoder.pictures([Picture(painted.opaque()), Picture(photo.opaque())]) @ of_words
    return float(found[0] - found[1])
