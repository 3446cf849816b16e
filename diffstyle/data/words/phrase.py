"""Writes what words say as words again: the inverse of `parse`, for words that somebody edits fact by fact."""

from __future__ import annotations

from diffstyle.data.words.parse import Words

_SATURATIONS = {"grey": "monochrome"}  # "grey" alone is a colour


def phrase(words: Words) -> str:
    """The facts of `words` in one line, which `parse` reads alike; what was not understood is left out.

    >>> from diffstyle.data.words.parse import parse
    >>> phrase(parse("a linocut, navy blue ink on cream paper, no mosaic"))
    'linocut, navy blue ink, on cream paper, no mosaic'
    """
    several = len(words.media) > 1
    named = [f"{round(100 * share)}% {name}" if several else name for name, share in words.media]
    said = [
        " and ".join(named),
        *words.movements,
        *(f"in the manner of {artist}" for artist in words.artists),
        f"{' and '.join(words.inks)} ink" if words.inks else "",
        f"on {words.paper} paper" if words.paper else "",
        words.tone,
        words.contrast and f"{words.contrast} contrast",
        _SATURATIONS.get(words.saturation, words.saturation),
        words.grain,
        *(f"no {name}" for name in words.excluded),
    ]
    return ", ".join(filter(None, said))
