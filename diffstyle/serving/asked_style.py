"""`AskedStyle`: the style that a form describes, in words, with pictures or as a style file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.core.style import Style
from diffstyle.formats import style_file
from diffstyle.serving.api_errors import ApiError, checked
from diffstyle.serving.form_body import Form
from diffstyle.serving.form_values import share
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.style_words import style_of, weighted_style
from diffstyle.serving.uploaded_files import open_reference

MOST_REFERENCES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedStyle:
    """Styles that are read already (`known`), and `pictures` that are not, each with a weight; at least one."""

    known: tuple[tuple[Style, float], ...]
    pictures: tuple[tuple[Path, float], ...]

    @property
    def prompts(self) -> list[str]:
        """The words of each reference, "" for one without words."""
        return [*(prompt for style, _ in self.known for prompt in style.prompts), *("" for _ in self.pictures)]

    def read(self, limits: ServerLimits) -> Style:
        """The mix of all of it. Raises InputError for a file that is no picture."""
        parts = [(Style.from_image(open_reference(path, limits)), weight) for path, weight in self.pictures]
        parts += self.known
        return parts[0][0] if len(parts) == 1 else Style.mix(parts)


def read_style(form: Form, pictures: Sequence[Path]) -> AskedStyle:
    """The style of an edit: its `prompt`, the `pictures` and the `style_file`.

    Words take `prompt_weight` of a mix, the others equal parts of the rest. Raises ApiError if there is none of them,
    and for what cannot be read.
    """
    words, file = form.text("prompt").strip(), form.file("style_file")
    others = len(pictures) + (file is not None)
    if not words and not others:
        said = "There is no style: describe it in prompt, or send pictures of it behind the photo."
        raise ApiError(400, said, param="prompt", code="missing_parameter")
    if others > MOST_REFERENCES:
        raise ApiError(400, f"There are {others} pictures of styles: send at most {MOST_REFERENCES}.", param="image")
    weight = share(form, "prompt_weight", 0.5) if others else 1.0
    known: list[tuple[Style, float]] = []
    if words and weight > 0:
        known.append((checked(lambda: style_of(words), "prompt"), weight))
    rest = 1 - weight if words else 1.0
    each = rest / others if others else 0.0
    if file is not None and each > 0:
        known.append((checked(lambda: read_style_file(file), "style_file"), each))
    return AskedStyle(known=tuple(known), pictures=tuple((path, each) for path in pictures if each > 0))


def read_mix(form: Form) -> AskedStyle:
    """The mix of each `style` (words or a name, with an optional :WEIGHT), each `picture` and each `style_file`.

    The weights of the latter are in `picture_weight` and `style_file_weight`, in the same order, 1 if not given. Raises
    ApiError if there is none of them, and for what cannot be read.
    """
    words = [text for text in form.texts.get("style", ()) if text.strip()]
    known = [checked(lambda text=text: weighted_style(text.strip()), "style") for text in words]
    files = form.files.get("style_file", ())
    for path, weight in zip(files, _weights(form, "style_file", len(files)), strict=True):
        known.append((checked(lambda path=path: read_style_file(path), "style_file"), weight))
    pictures = form.files.get("picture", ())
    if not known and not pictures:
        said = "There is no style: describe or name one in style, or send a picture or a style_file."
        raise ApiError(400, said, param="style", code="missing_parameter")
    if len(known) + len(pictures) > MOST_REFERENCES:
        said = f"There are {len(known) + len(pictures)} styles: send at most {MOST_REFERENCES}."
        raise ApiError(400, said, param="style")
    weighted = zip(pictures, _weights(form, "picture", len(pictures)), strict=True)
    return AskedStyle(known=tuple(known), pictures=tuple(weighted))


def _weights(form: Form, field: str, count: int) -> list[float]:
    """One weight for each of `count` files of a field."""
    name = f"{field}_weight"
    given = form.texts.get(name, ())
    if given and len(given) != count:
        raise ApiError(400, f"There are {len(given)} weights of {count} files: give one for each.", param=name)
    try:
        return [float(text) for text in given] or [1.0] * count
    except ValueError:
        raise ApiError(400, f"{name} is {', '.join(given)[:40]!r}: give numbers of 0 or more.", param=name) from None


def read_style_file(path: Path) -> Style:
    """The style in an uploaded file. Raises InputError, which calls the file by its name without folders."""
    try:
        return style_file.load(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
