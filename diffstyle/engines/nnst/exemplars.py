"""The exemplars of a style: those of its pictures, and for words those of the nearest named style."""

from __future__ import annotations

from dataclasses import replace

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.style import Reference, Style
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.encoders.space import StyleSpace
from diffstyle.engines.nnst.exemplar import crop_margins
from diffstyle.formats.exemplar import encode_exemplar


def with_exemplars(style: Style, encoder: StyleEncoder) -> Style:
    """`style` with an exemplar in every reference.

    A picture brings its own, without its paper margins or mount. Words, and what is known by its embedding alone, are
    painted from the named style that lies nearest. InputError where neither is known.
    """
    if all(r.exemplar for r in style.references):
        return style
    if any(r.prompt and not r.exemplar and r.picture is None for r in style.references):
        style = encoder.encode(style, partial=True)
    return replace(style, references=tuple(_with_exemplar(r, encoder.space) for r in style.references))


def _with_exemplar(reference: Reference, space: str) -> Reference:
    if reference.exemplar:
        return reference
    if reference.picture is not None:
        inside = Picture(crop_margins(reference.picture.opaque()))
        return replace(reference, exemplar=encode_exemplar(inside))
    if space not in reference.embeddings:
        raise InputError(
            f"The style {reference.source} has neither a picture nor an embedding in {space} to paint from: make it"
            " again from its picture or words."
        )
    presets = StyleSpace.presets()
    for name, _ in presets.nearest(Style((reference,)), len(presets.styles)):
        if exemplar := presets.styles[name].references[0].exemplar:
            return replace(reference, exemplar=exemplar)
    raise InputError("The named styles have no exemplars: install diffstyle again.")
