"""The operators: they paint in the background where there are windows, and at once in scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .diffstyle_client import DiffstyleError, Work, png_size
from .images import RENDER, image_png, painted_image, render_png
from .properties import server_of

_SECONDS = 0.1  # between two looks at the work


class _Painting:
    """What all operators that paint have in common; a subclass says what is sent, and what becomes of the result."""

    preview = False

    if TYPE_CHECKING:  # an annotation is a property for Blender

        def report(self, kind: set[str], text: str) -> None:
            """Blender's own, in every operator."""

    def send(self, context: Any) -> tuple[bytes, int]:
        """The picture as PNG, and its bits a channel."""
        raise NotImplementedError

    def keep(self, context: Any, data: bytes) -> Any:
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
        picture, depth = self.send(context)
        self._work = Work(server, picture, properties.look(depth=depth), preview=self.preview)
        self._work.start()

    def _finish(self, context: Any) -> set[str]:
        image = self.keep(context, self._work.result())
        for area in context.screen.areas if context.screen is not None else ():
            if area.type == "IMAGE_EDITOR":
                area.spaces.active.image = image
        self.report({"INFO"}, f"Painted {image.name}")
        return {"FINISHED"}


def _title(context: Any, what: str) -> str:
    return f"{what}, {context.scene.diffstyle.style.strip()}"[:60]


class StyliseRender(_Painting, bpy.types.Operator):
    """Repaint the render as it is displayed, as a new image"""

    bl_idname = "diffstyle.stylise_render"
    bl_label = "Stylise Render"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def send(self, context: Any) -> tuple[bytes, int]:
        """The render with its view transform."""
        data, depth = render_png(context.scene, context.scene.diffstyle.size)
        percent = context.scene.render.resolution_percentage / 100
        side = (context.scene.render.resolution_x * percent, context.scene.render.resolution_y * percent)
        self._size = (int(side[0]), int(side[1]))
        return data, depth

    def keep(self, context: Any, data: bytes) -> Any:
        """A new image beside the render."""
        return painted_image(data, _title(context, "Render"), self._size)


class StyliseImage(_Painting, bpy.types.Operator):
    """Repaint the texture in the Image Editor, as a new image"""

    bl_idname = "diffstyle.stylise_image"
    bl_label = "Stylise Texture"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    __annotations__ = {
        "image": bpy.props.StringProperty(name="Image", description="Its name; empty for the one in the Image Editor")
    }

    def send(self, context: Any) -> tuple[bytes, int]:
        """The texture."""
        self._source = image_of(context, self)
        return image_png(self._source, context.scene.diffstyle.size)

    def keep(self, context: Any, data: bytes) -> Any:
        """A new image of the texture's size, which takes its place in all materials if the scene says so."""
        source: Any = self._source
        image = painted_image(data, _title(context, source.name), (source.size[0], source.size[1]), like=source)
        if context.scene.diffstyle.replace:
            source.use_fake_user = True  # or it would be gone after the next save
            source.user_remap(image)
        return image


class PreviewStyle(_Painting, bpy.types.Operator):
    """Show the render, or the texture in the Image Editor, in the style: small and quick"""

    bl_idname = "diffstyle.preview"
    bl_label = "Preview"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    __annotations__ = {"image": bpy.props.StringProperty(name="Image")}
    preview = True

    def send(self, context: Any) -> tuple[bytes, int]:
        """The texture if there is one, else the render."""
        image = image_of(context, self)
        if image is None or image.name == RENDER:
            return render_png(context.scene, 512)
        return image_png(image, 512)

    def keep(self, context: Any, data: bytes) -> Any:
        """An image that the next preview replaces."""
        del context
        before = bpy.data.images.get("diffstyle preview")
        if before is not None:
            bpy.data.images.remove(before)
        return painted_image(data, "diffstyle preview", png_size(data))


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
    """The image that an operator names, or else that of the Image Editor; None if there is none."""
    if operator.image:
        return bpy.data.images.get(operator.image)
    return getattr(context.space_data, "image", None)
