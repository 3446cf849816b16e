"""The nodes that make, blend and save styles."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from diffstyle import InputError, Style, Stylizer
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import named_style, style_files

from .files import new_style_file, state_of, style_file
from .images import pictures_of
from .sockets import CATEGORY, ModelSocket, StyleSocket, plain_tensors

_STYLES = f"{CATEGORY}/styles"
_SLOTS = 4
_MAX_WEIGHT = 10.0


def _schema(node_id: str, display_name: str, description: str, inputs: list[io.Input]) -> io.Schema:
    return io.Schema(
        node_id=node_id,
        display_name=display_name,
        category=_STYLES,
        description=description,
        inputs=inputs,
        outputs=[StyleSocket.Output("style", display_name="STYLE")],
    )


class StyleFromText(io.ComfyNode):
    """`Style.from_text`."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        words = "A medium, a painter, colours, as: ukiyo-e woodblock print, indigo and cream."
        text = io.String.Input("text", default="watercolour", multiline=True, tooltip=words)
        return _schema("DiffstyleStyleFromText", "Style from Text", "The style that words describe.", [text])

    @classmethod
    @plain_tensors
    def execute(cls, text: str) -> io.NodeOutput:
        """Raise InputError for an empty text."""
        return io.NodeOutput(Style.from_text(text))


class StyleFromImages(io.ComfyNode):
    """`Style.from_images`, or `Style.from_collection`."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        images = io.Image.Input("images", tooltip="One picture or a batch.")
        collection = io.Boolean.Input(
            "collection",
            default=False,
            label_on="one artist",
            label_off="blend",
            tooltip="Whether a batch is one style of one artist, or a blend of styles in equal parts.",
        )
        what = "The style of example pictures."
        return _schema("DiffstyleStyleFromImages", "Style from Images", what, [images, collection])

    @classmethod
    @plain_tensors
    def execute(cls, images: Tensor, collection: bool) -> io.NodeOutput:
        """Raise InputError for images that cannot be used."""
        pictures = pictures_of(images, "images")
        return io.NodeOutput(Style.from_collection(pictures) if collection else Style.from_images(pictures))


class StyleFromFile(io.ComfyNode):
    """A style file or a picture of ComfyUI's folders."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        where = "A .style.safetensors, an .ipadpt or a picture, as named in ComfyUI's input or output folder."
        file = io.String.Input("file", default="", placeholder="my.style.safetensors", tooltip=where)
        return _schema("DiffstyleStyleFromFile", "Style from File", "The style in a file.", [file])

    @classmethod
    @plain_tensors
    def execute(cls, file: str) -> io.NodeOutput:
        """Raise InputError for a file that is missing or holds no style."""
        return io.NodeOutput(parse_style([str(style_file(file))]))

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None) -> str:
        """Changes with the file, so that ComfyUI reads it again; `file` is None while another node names it."""
        return "" if file is None else state_of(file)


class NamedStyle(io.ComfyNode):
    """`named_style`: the styles that ship with diffstyle."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        names = [*style_files()]
        name = io.Combo.Input("name", options=names, default=names[0], tooltip="A style that comes with diffstyle.")
        return _schema("DiffstyleNamedStyle", "Named Style", "A style that comes with diffstyle.", [name])

    @classmethod
    @plain_tensors
    def execute(cls, name: str) -> io.NodeOutput:
        """Raise InputError for an unknown name."""
        return io.NodeOutput(named_style(name))


class BlendStyles(io.ComfyNode):
    """`Style.mix`."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        inputs: list[io.Input] = []
        for n in range(1, _SLOTS + 1):
            share = "Its weight in the blend; the weights may have any sum."
            inputs.append(StyleSocket.Input(f"style_{n}", optional=n > 2))
            inputs.append(
                io.Float.Input(f"weight_{n}", default=1.0, min=0.0, max=_MAX_WEIGHT, step=0.05, tooltip=share)
            )
        return _schema("DiffstyleBlendStyles", "Blend Styles", "A blend of styles by weight.", inputs)

    @classmethod
    @plain_tensors
    def execute(cls, **given: Any) -> io.NodeOutput:
        """Raise InputError if all weights are 0."""
        slots = [n for n in range(1, _SLOTS + 1) if given.get(f"style_{n}") is not None]
        return io.NodeOutput(Style.mix([(given[f"style_{n}"], given[f"weight_{n}"]) for n in slots]))


class SaveStyle(io.ComfyNode):
    """`Style.save`, into ComfyUI's output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Declare inputs and outputs."""
        name = io.String.Input(
            "name", default="diffstyle/style", tooltip="Name in the output folder, numbered if taken."
        )
        return io.Schema(
            node_id="DiffstyleSaveStyle",
            display_name="Save Style",
            category=_STYLES,
            description="Writes a style file, which paints without the pictures or words that it was made from.",
            inputs=[ModelSocket.Input("model"), StyleSocket.Input("style"), name],
            outputs=[io.String.Output("file", display_name="file")],
            is_output_node=True,
        )

    @classmethod
    @plain_tensors
    def execute(cls, model: Stylizer, style: Style, name: str) -> io.NodeOutput:
        """Raise InputError where the file cannot be written."""
        if not name.strip():
            raise InputError("name is empty: name the style file.")
        path = model.measure(style).save(new_style_file(name.strip()))
        return io.NodeOutput(str(path), ui={"text": [str(path)]})
