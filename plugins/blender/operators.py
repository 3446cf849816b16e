"""The operators: they paint in the background where there are windows, and at once in scripts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bpy

from .diffstyle_client import DiffstyleError, Work, png_size
from .images import RENDER, Source, image_png, painted_image, render_png, source_of
from .properties import server_of

_SECONDS = 0.1  # between two looks at the work
_PREVIEW = "diffstyle preview"
_SHOWS = "diffstyle_source"  # the property of a preview that names the image which it shows


class _Painting:
    """What all operators that paint have in common; a subclass says what is sent, and what becomes of the result.

    Nothing of Blender is held while the server paints: the user may delete it, and undo makes everything anew.
    """

    preview = False

    if TYPE_CHECKING:  # an annotation is a property for Blender

        def report(self, kind: set[str], text: str) -> None:
            """Blender's own, in every operator."""

    def send(self, context: Any) -> tuple[bytes, int, Source]:
        """The picture as PNG, its bits a channel, and what is noted of it."""
        raise NotImplementedError

    def keep(self, data: bytes, source: Source) -> Any:
        """Keep the painted PNG; the image that it became."""
        raise NotImplementedError

    def execute(self, context: Any) -> set[str]:
        """Paint, and wait for it: as scripts call it."""
        try:
            self._begin(context)
            self._work.join()
            return self._finish(context)
        except DiffstyleError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def invoke(self, context: Any, event: object) -> set[str]:
        """Paint in the background: as buttons call it. Esc cancels."""
        del event
        try:
            self._begin(context)
        except DiffstyleError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(_SECONDS, window=context.window)
        manager.progress_begin(0, 100)
        manager.modal_handler_add(self)
        context.workspace.status_text_set("diffstyle paints: Esc cancels")
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Look at the work."""
        if event.type == "ESC":
            self._work.cancel.set()
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        context.window_manager.progress_update(round(100 * self._work.done))
        if self._work.is_alive():
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        context.workspace.status_text_set(None)
        try:
            return self._finish(context)
        except DiffstyleError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def _begin(self, context: Any) -> None:
        properties = context.scene.diffstyle
        properties.look()  # an empty style is said before the picture is read
        server = server_of(context)
        picture, depth, self._source = self.send(context)
        self._style, self._replace = properties.style.strip(), properties.replace
        self._work = Work(server, picture, properties.look(depth=depth), preview=self.preview)
        self._work.start()

    def _finish(self, context: Any) -> set[str]:
        image = self.keep(self._work.result(), self._source)
        space = context.space_data
        if space is not None and space.type == "IMAGE_EDITOR":  # where the button was pressed, and no other one
            space.image = image
        self.report({"INFO"}, f"Painted {image.name}")
        return {"FINISHED"}

    def _title(self, what: str) -> str:
        return f"{what}, {self._style}"[:60]


class StyliseRender(_Painting, bpy.types.Operator):
    """Repaint the render as it is displayed, as a new image"""

    bl_idname = "diffstyle.stylise_render"
    bl_label = "Stylise Render"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def send(self, context: Any) -> tuple[bytes, int, Source]:
        """The render with its view transform."""
        return render_png(context.scene, context.scene.diffstyle.size)

    def keep(self, data: bytes, source: Source) -> Any:
        """A new image beside the render."""
        return painted_image(data, self._title("Render"), source)


class StyliseImage(_Painting, bpy.types.Operator):
    """Repaint the texture in the Image Editor, as a new image"""

    bl_idname = "diffstyle.stylise_image"
    bl_label = "Stylise Texture"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    __annotations__ = {
        "image": bpy.props.StringProperty(name="Image", description="Its name; empty for the one in the Image Editor")
    }

    def send(self, context: Any) -> tuple[bytes, int, Source]:
        """The texture."""
        image = image_of(context, self)
        return *image_png(image, context.scene.diffstyle.size), source_of(image)

    def keep(self, data: bytes, source: Source) -> Any:
        """A new image of the texture's size, which takes its place in all materials if the scene says so."""
        image = painted_image(data, self._title(source.name), source)
        before = bpy.data.images.get(source.name)
        if self._replace and before is not None:
            before.use_fake_user = True  # or it would be gone after the next save
            before.user_remap(image)
        return image


class PreviewStyle(_Painting, bpy.types.Operator):
    """Show the render, or the texture in the Image Editor, in the style: small and quick"""

    bl_idname = "diffstyle.preview"
    bl_label = "Preview"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    __annotations__ = {"image": bpy.props.StringProperty(name="Image")}
    preview = True

    def send(self, context: Any) -> tuple[bytes, int, Source]:
        """The texture if there is one, else the render."""
        image = image_of(context, self)
        if image is None or image.name == RENDER:
            return render_png(context.scene, 512)
        return *image_png(image, 512), Source(image.name, (0, 0))

    def keep(self, data: bytes, source: Source) -> Any:
        """An image that the next preview replaces, and that says what it shows."""
        source = replace(source, size=png_size(data))
        before = bpy.data.images.get(_PREVIEW)
        if before is not None:
            bpy.data.images.remove(before)
        image = painted_image(data, _PREVIEW, source)
        image[_SHOWS] = source.name
        return image


class ListStyles(bpy.types.Operator):
    """Ask the server for its named styles, which the field Style then suggests"""

    bl_idname = "diffstyle.list_styles"
    bl_label = "List Named Styles"

    def execute(self, context: Any) -> set[str]:
        """Fill the list of the scene."""
        try:
            server = server_of(context)
            server.check()
            found = server.style_names()
        except DiffstyleError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        names = context.scene.diffstyle.names
        names.clear()
        for name in found:
            names.add().name = name
        return {"FINISHED"}


def image_of(context: Any, operator: Any) -> Any:
    """The image that an operator names, or else that of the Image Editor; None if there is none. For a preview it is
    the image that the preview shows. DiffstyleError if there is no image of that name.
    """
    image, name = getattr(context.space_data, "image", None), operator.image
    if name:
        image = bpy.data.images.get(name)
        if image is None:
            raise DiffstyleError(f"There is no image {name!r}: give the name of one in this file.")
    if image is not None and _SHOWS in image:
        image = bpy.data.images.get(image[_SHOWS])
        if image is None:
            raise DiffstyleError("The image that this preview shows is gone or renamed: open another image.")
    return image
