"""The node. InvokeAI reads its annotations as classes, so that they are not postponed in this file."""

import os
from typing import Literal, Optional

from PIL import Image

from invokeai.app.services.session_processor.session_processor_common import CanceledException
from invokeai.invocation_api import (
    BaseInvocation,
    ImageField,
    ImageOutput,
    InputField,
    InvocationContext,
    UIComponent,
    WithBoard,
    WithMetadata,
    invocation,
)

from .diffstyle_client import ADDRESS, MAX_SEED, MAX_SIDE, STRENGTH, STRUCTURE, Cancelled, Look, Server
from .diffstyle_pil import stylised

SERVER, KEY = "DIFFSTYLE_SERVER", "DIFFSTYLE_API_KEY"
"""Variables of InvokeAI's environment: fields of a node are saved with every image, and a key must not be."""


@invocation(
    "diffstyle_stylise",
    title="Stylise (diffstyle)",
    tags=["style", "style transfer", "diffstyle"],
    category="image",
    version="0.2.0",
)
class StyliseInvocation(BaseInvocation, WithMetadata, WithBoard):
    """Repaints an image in a style, by diffstyle serve"""

    image: ImageField = InputField(description="The image to repaint")
    style: str = InputField(
        default="",
        description="In words, such as 'charcoal drawing', or the name of a style",
        ui_component=UIComponent.Textarea,
    )
    mask: Optional[ImageField] = InputField(default=None, description="White where the image is painted")  # noqa: UP045
    strength: float = InputField(default=STRENGTH, ge=0, le=1, description="How far to go to the style")
    structure: float = InputField(default=STRUCTURE, ge=0, le=1, description="How strongly shapes are held")
    colour: Literal["off", "keep", "match", "palette"] = InputField(
        default="off", description="Whose colours: the style's, the photo's hues, exactly the style's, or recolour only"
    )
    seed: int = InputField(default=0, ge=0, le=MAX_SEED, description="The same number gives the same picture")
    size: int = InputField(
        default=0, ge=0, le=MAX_SIDE, description="Longest side that is painted, then enlarged; 0 for all pixels"
    )

    def invoke(self, context: InvocationContext) -> ImageOutput:
        """Paint the image and save the result."""
        photo = context.images.get_pil(self.image.image_name)
        mask = None if self.mask is None else context.images.get_pil(self.mask.image_name, "L")
        look = Look(
            style=self.style,
            strength=self.strength,
            structure=self.structure,
            colour=self.colour,
            seed=self.seed,
        )
        server = Server(os.environ.get(SERVER) or ADDRESS, os.environ.get(KEY, ""))

        def on_progress(done: float, picture: Image.Image | None) -> None:
            context.util.signal_progress("diffstyle paints", done, picture, photo.size if picture else None)

        try:
            painted = stylised(
                photo,
                look,
                server,
                mask=None if mask is None else mask.resize(photo.size),
                longest=self.size,
                on_progress=on_progress,
                cancelled=context.util.is_canceled,
            )
        except Cancelled:
            raise CanceledException from None
        return ImageOutput.build(context.images.save(painted))
