"""Runs in Blender: installs the extension's archive, paints through its operators, and writes what came of it.

`DIFFSTYLE_TASK` is a JSON object: the addresses of servers, the archive, and the folder to write to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy
import numpy as np

TASK: dict[str, str] = json.loads(os.environ["DIFFSTYLE_TASK"])
FOLDER = Path(TASK["folder"])
FOUND: dict[str, Any] = {}
MODULE = "bl_ext.user_default.diffstyle"


def run(operator: Any, **arguments: str) -> str:
    """Run an operator; what it says if it fails, or "" """
    try:
        result = operator(**arguments)
    except RuntimeError as error:
        return str(error)
    return "" if result == {"FINISHED"} else str(result)


def pixels(image: Any) -> np.ndarray[Any, Any]:
    """The numbers of an image, the lowest row first."""
    flat = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(image.size[1], image.size[0], image.channels)


def new_images(before: set[str]) -> list[Any]:
    """The images that there were not before."""
    return [image for image in bpy.data.images if image.name not in before]


def texture(name: str, *, floats: bool = False) -> tuple[Any, np.ndarray[Any, Any]]:
    """A texture of noise with alpha, and its numbers."""
    image = bpy.data.images.new(name, 96, 64, alpha=True, float_buffer=floats)
    numbers = np.random.default_rng(0).random((64, 96, 4), np.float32)
    if floats:
        numbers[..., 3] = 1
    else:
        numbers = np.rint(numbers * 255) / np.float32(255)
    image.pixels.foreach_set(numbers.ravel())
    return image, numbers


def scene_of_a_ball(samples: int = 16) -> None:
    """A ball and a cube on a plane, lit from the side; its render is small."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 240, 160, 50
    for operator, arguments, colour in (
        (bpy.ops.mesh.primitive_plane_add, {"size": 30}, (0.55, 0.5, 0.42, 1)),
        (
            bpy.ops.mesh.primitive_uv_sphere_add,
            {"location": (0, 0, 1), "segments": 48, "ring_count": 24},
            (0.8, 0.1, 0.05, 1),
        ),
        (bpy.ops.mesh.primitive_cube_add, {"location": (-2.2, 1.2, 0.8), "size": 1.6}, (0.05, 0.25, 0.7, 1)),
        (bpy.ops.mesh.primitive_cone_add, {"location": (2.0, 1.4, 1.0)}, (0.1, 0.5, 0.15, 1)),
    ):
        operator(**arguments)
        made = bpy.context.object
        if made.data.name.startswith("Sphere"):
            bpy.ops.object.shade_smooth()
        material = bpy.data.materials.new("material")
        material.use_nodes = True
        material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = colour
        made.data.materials.append(material)
    bpy.ops.object.light_add(type="SUN", rotation=(0.7, 0.3, 0.5))
    bpy.context.object.data.energy = 4
    bpy.ops.object.camera_add(location=(0, -8, 3.2), rotation=(1.25, 0, 0))
    scene.camera = bpy.context.object
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.45, 0.6, 0.85, 1)
    scene.world = world


def main() -> None:
    """All scenes."""
    bpy.ops.extensions.package_install_files(filepath=TASK["archive"], repo="user_default", enable_on_install=True)
    FOUND["enabled"] = MODULE in bpy.context.preferences.addons
    preferences = bpy.context.preferences.addons[MODULE].preferences
    FOUND["address"] = preferences.address
    preferences.address = TASK["server"]
    ours = bpy.ops.diffstyle
    FOUND["no-render"] = run_with_style(ours.stylise_render)
    scene_of_a_ball()
    settings = bpy.context.scene.diffstyle
    FOUND["no-style"] = run(ours.stylise_render)
    FOUND["list"] = run(ours.list_styles)
    FOUND["names"] = [style.name for style in settings.names]
    bpy.ops.render.render()
    settings.style = "charcoal drawing"
    output = bpy.context.scene.render.image_settings
    output.file_format, output.color_depth = "PNG", "16"
    before = {image.name for image in bpy.data.images}
    FOUND["render"] = run(ours.stylise_render)
    (made,) = new_images(before)
    FOUND["render-image"] = [made.name, list(made.size), made.packed_file is not None, made.is_float]
    FOUND["output"] = [output.file_format, output.color_depth]
    bpy.data.images["Render Result"].save_render(str(FOLDER / "render.png"))
    made.save(filepath=str(FOLDER / "painted.png"))
    another_size(ours)
    textures(ours, settings)
    editors(ours, settings)
    gone(settings)
    refused(ours, preferences)
    bpy.ops.preferences.addon_disable(module=MODULE)
    FOUND["disabled"] = not hasattr(bpy.types.Scene, "diffstyle")
    (FOLDER / "found.json").write_text(json.dumps(FOUND))


def run_with_style(operator: Any) -> str:
    """Run an operator with a style."""
    bpy.context.scene.diffstyle.style = "neon"
    return run(operator)


def another_size(ours: Any) -> None:
    """A render is painted at the size that it has, whatever the settings are by now, and reduced or not."""
    scene = bpy.context.scene
    before = {image.name for image in bpy.data.images}
    scene.render.resolution_percentage, scene.diffstyle.size = 100, 60
    FOUND["another-size"] = run(ours.stylise_render)
    FOUND["another-size-image"] = [list(image.size) for image in new_images(before)]
    scene.render.resolution_percentage, scene.diffstyle.size = 50, 0


class Editor:
    """An Image Editor, as an operator sees it: there are no windows here."""

    type = "IMAGE_EDITOR"

    def __init__(self, image: Any) -> None:
        self.image = image


class Context:
    """The context of a button in an Image Editor."""

    def __init__(self, image: Any) -> None:
        self.space_data = Editor(image)

    def __getattr__(self, name: str) -> Any:
        return getattr(bpy.context, name)


def pressed(kind: str, context: Context, *, meanwhile: Callable[[], None] | None = None) -> Any:
    """Run the methods of an operator class as Blender does for a button; the image that it leaves in the editor."""
    module = import_module(f"{MODULE}.operators")

    class Operator(getattr(module, kind).__mro__[1]):
        """The operator without Blender's own base class, which only Blender can make."""

        image = ""
        preview = getattr(module, kind).preview
        send, keep = getattr(module, kind).send, getattr(module, kind).keep

        def report(self, kind: set[str], text: str) -> None:
            del kind
            FOUND.setdefault("reports", []).append(text)

    operator: Any = Operator()
    operator._begin(context)
    if meanwhile is not None:
        meanwhile()
    operator._work.join()
    operator._finish(context)
    return context.space_data.image


def editors(ours: Any, settings: Any) -> None:
    """A preview in an editor is no source: what it shows is previewed and painted again."""
    context = Context(bpy.data.images["bytes"])
    names = [pressed("PreviewStyle", context).name for _ in range(2)]
    FOUND["editor-preview"] = [*names, context.space_data.image["diffstyle_source"]]
    settings.strength = 0
    painted = pressed("StyliseImage", context)
    settings.strength = 1
    FOUND["editor-painted"] = [painted.name, list(painted.size)]
    FOUND["editor-off"] = float(np.abs(pixels(painted) - pixels(bpy.data.images["bytes"])).max())
    context = Context(bpy.data.images["Render Result"])
    pressed("PreviewStyle", context)
    FOUND["render-preview"] = [context.space_data.image["diffstyle_source"], list(context.space_data.image.size)]
    FOUND["render-preview-painted"] = run(ours.stylise_image, image="diffstyle preview")
    context.space_data.image["diffstyle_source"] = "nothing"
    FOUND["preview-of-nothing"] = run(ours.stylise_image, image="diffstyle preview")
    FOUND["preview-typo"] = run(ours.preview, image="TYPO")


def gone(settings: Any) -> None:
    """A texture that is deleted while it is painted: the painted image is there all the same."""
    image, _ = texture("short")
    settings.replace = True

    def delete() -> None:
        bpy.data.images.remove(image)
        settings.replace, settings.style = False, "neon"

    made = pressed("StyliseImage", Context(image), meanwhile=delete)
    FOUND["gone"] = [made.name, list(made.size), made.packed_file is not None]
    settings.style = "charcoal drawing"


def textures(ours: Any, settings: Any) -> None:
    """Textures of bytes and floats come back as they were with strength 0; then one is replaced."""
    settings.strength = 0
    for name, floats in (("bytes", False), ("floats", True)):
        image, numbers = texture(name, floats=floats)
        before = {one.name for one in bpy.data.images}
        FOUND[name] = run(ours.stylise_image, image=name)
        (made,) = new_images(before)
        if floats:  # in linear light, as the source has them
            encoded = pixels(made)[..., :3]
            linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
            direct = float(np.abs(encoded - numbers[..., :3]).max())
            FOUND["floats-off"] = min(direct, float(np.abs(linear - numbers[..., :3]).max()))
            FOUND["floats-deep"] = made.is_float
        else:
            FOUND["bytes-off"] = float(np.abs(pixels(made) - numbers).max())
            FOUND["bytes-space"] = made.colorspace_settings.name == image.colorspace_settings.name
    settings.strength, settings.replace, settings.size = 1, True, 48
    material = bpy.data.materials.new("textured")
    material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images["bytes"]
    FOUND["replace"] = run(ours.stylise_image, image="bytes")
    FOUND["replaced"] = [node.image.name, list(node.image.size), "bytes" in bpy.data.images]
    settings.replace, settings.size = False, 0
    FOUND["preview"] = run(ours.preview, image="bytes")
    FOUND["preview-size"] = list(bpy.data.images["diffstyle preview"].size)
    FOUND["preview"] += run(ours.preview, image="bytes")


def refused(ours: Any, preferences: Any) -> None:
    """What is said of what cannot be painted."""
    FOUND["no-image"] = run(ours.stylise_image, image="nothing")
    FOUND["the-render"] = run(ours.stylise_image, image="Render Result")
    bpy.data.images.new("tiles", 8, 8, tiled=True)
    FOUND["tiles"] = run(ours.stylise_image, image="tiles")
    bpy.data.images.new("huge", 1000, 500)
    FOUND["huge"] = run(ours.stylise_image, image="huge")
    for name, address in (
        ("no-server", TASK["no_server"]),
        ("old-server", TASK["old_server"]),
        ("elsewhere", "http://style.example"),
    ):
        preferences.address = address
        FOUND[name] = run(ours.stylise_image, image="bytes")


if __name__ == "__main__":
    main()
