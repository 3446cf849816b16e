"""The exemplars of a style: those of its pictures, and for words those that the atlas has."""

from __future__ import annotations

from dataclasses import replace

from diffstyle.assets.atlas import Atlas
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.style import MAX_EXEMPLARS, Reference, Style
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.exemplars.exemplar import crop_margins, with_shades
from diffstyle.engines.exemplars.typical import most_typical
from diffstyle.engines.exemplars.words import Source, named_alone
from diffstyle.formats.exemplar import encode_exemplar


def with_exemplars(style: Style, encoder: StyleEncoder) -> Style:
    """`style` with exemplars in every reference.

    A picture brings its own, without its paper margins or mount; of a collection, the most typical pictures do. Words,
    and what is known by its embedding alone, are painted from what they name in the atlas, or what lies nearest.
    InputError where neither is known.

    Words whose names choose the exemplars are not embedded, unless they are part of a blend: loading the encoder takes
    seconds.
    """
    if all(r.exemplars for r in style.references):
        return style
    unpainted = [r for r in style.references if r.prompt and not r.exemplars and not r.pictures]
    if unpainted and not (len(style.references) == 1 and _named_alone(unpainted[0])):
        style = encoder.encode(style, partial=True)
    return replace(style, references=tuple(_with_exemplars(r, encoder) for r in style.references))


def _with_exemplars(reference: Reference, encoder: StyleEncoder) -> Reference:
    if reference.exemplars:
        return reference
    if reference.pictures:
        return replace(reference, exemplars=_own(reference.pictures, encoder))
    if encoder.space not in reference.embeddings and not _named_alone(reference):
        raise InputError(
            f"The style {reference.source} has neither a picture nor an embedding in {encoder.space} to paint from:"
            " make it again from its picture or words."
        )
    atlas = Atlas.load()
    source = Source.of(reference.prompt, reference.embeddings.get(atlas.space), atlas)
    return replace(reference, exemplars=source.exemplars)


def _named_alone(reference: Reference) -> bool:
    return named_alone(reference.prompt, Atlas.load())


def _own(pictures: tuple[Picture, ...], encoder: StyleEncoder) -> tuple[bytes, ...]:
    inside = [Picture(with_shades(crop_margins(p.opaque()))) for p in pictures]
    chosen = range(len(inside))
    if len(inside) > MAX_EXEMPLARS:
        chosen = most_typical(inside, encoder.pictures(pictures), MAX_EXEMPLARS)
    return tuple(encode_exemplar(inside[n]) for n in chosen)
