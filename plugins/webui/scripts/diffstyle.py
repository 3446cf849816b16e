"""Extension for AUTOMATIC1111's web UI and Forge: diffstyle in the Extras tab and as a script of img2img."""

from __future__ import annotations

from typing import Any

import gradio as gr
from diffstyle_client import (
    ADDRESS,
    COLOURS,
    MAX_SIDE,
    STRENGTH,
    STRUCTURE,
    Cancelled,
    DiffstyleError,
    Look,
    Server,
    chosen_style,
)
from diffstyle_pil import stylised
from modules import images, processing, script_callbacks, scripts, scripts_postprocessing, shared
from PIL import Image, ImageOps

_TITLE = "diffstyle"
_SECTION = ("diffstyle", "diffstyle")
_LABELS = ("The style's", "The photo's hues", "Exactly the style's", "Recolour only, no texture")
_STEPS = 100  # of the progress bar


def server() -> Server:
    """The server of the settings."""
    options = shared.opts
    address, key = getattr(options, "diffstyle_server", ADDRESS), getattr(options, "diffstyle_key", "")
    return Server(address or ADDRESS, key or "")


def on_ui_settings() -> None:
    """Add the page diffstyle to the settings."""
    address = shared.OptionInfo(ADDRESS, "Where diffstyle serve answers", section=_SECTION)
    key = shared.OptionInfo("", "API key, of a server that has --api-keys", section=_SECTION)
    shared.opts.add_option("diffstyle_server", address)
    shared.opts.add_option("diffstyle_key", key)


script_callbacks.on_ui_settings(on_ui_settings)


def controls() -> dict[str, Any]:
    """The fields of both places, by the names of their values."""
    with gr.Row():
        words = gr.Textbox(label="Style", placeholder="in words, such as charcoal drawing")
        name = gr.Dropdown(label="Named style, if there are no words", choices=[""], value="")
        listed = gr.Button("List named styles")
    with gr.Row():
        strength = gr.Slider(label="Strength", minimum=0, maximum=1, step=0.01, value=STRENGTH)
        structure = gr.Slider(label="Structure", minimum=0, maximum=1, step=0.01, value=STRUCTURE)
    with gr.Row():
        colour = gr.Dropdown(label="Colours", choices=list(_LABELS), value=_LABELS[0])
        longest = gr.Slider(label="Longest side painted, 0: all pixels", minimum=0, maximum=MAX_SIDE, step=64, value=0)
    listed.click(fn=named_styles, inputs=[], outputs=[name])
    return {
        "words": words,
        "name": name,
        "strength": strength,
        "structure": structure,
        "colour": colour,
        "longest": longest,
    }


def named_styles() -> Any:
    """The choices of the named styles."""
    try:
        found = server()
        found.check()
        return gr.update(choices=["", *found.style_names()])
    except DiffstyleError as error:
        raise gr.Error(str(error)) from error


def paint(
    image: Image.Image,
    seed: int,
    *,
    words: str,
    name: str,
    strength: float,
    structure: float,
    colour: str,
    longest: float,
    mask: Image.Image | None = None,
) -> Image.Image:
    """One picture, painted with the web UI's progress bar; its Interrupt raises Cancelled."""
    look = Look(
        style=chosen_style(words or "", name or ""),
        strength=strength,
        structure=structure,
        colour=COLOURS[_LABELS.index(colour)],
        seed=seed,
    )
    state = shared.state

    def on_progress(done: float, picture: Image.Image | None) -> None:
        state.sampling_steps, state.sampling_step = _STEPS, round(_STEPS * done)
        if picture is not None:
            state.assign_current_image(picture)

    def cancelled() -> bool:
        return bool(state.interrupted or state.skipped)

    return stylised(
        image, look, server(), mask=mask, longest=int(longest), on_progress=on_progress, cancelled=cancelled
    )


class StyleScript(scripts.Script):
    """The script of img2img: it paints the init images instead of the model; an inpainting mask holds."""

    def title(self) -> str:
        """Its name in the list."""
        return _TITLE

    def show(self, is_img2img: bool) -> bool:
        """In img2img alone, which has a picture to paint."""
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its fields."""
        del is_img2img
        return list(controls().values())

    def run(  # pyright: ignore[reportIncompatibleMethodOverride] - the host passes the values of `ui`
        self,
        p: Any,
        words: str,
        name: str,
        strength: float,
        structure: float,
        colour: str,
        longest: float,
    ) -> Any:
        """Paint each picture of the batch, with seeds that count up."""
        processing.fix_seed(p)
        photos: list[Image.Image] = list(p.init_images)
        count = max(len(photos), p.batch_size * p.n_iter)
        shared.state.job_count = count
        mask: Image.Image | None = p.image_mask
        if mask is not None and getattr(p, "inpainting_mask_invert", 0):
            mask = ImageOps.invert(mask.convert("L"))
        painted: list[Image.Image] = []
        try:
            for number in range(count):
                photo, seed = photos[number % len(photos)], int(p.seed) + number
                fitting = None if mask is None else mask.resize(photo.size)
                painted.append(
                    paint(
                        photo,
                        seed,
                        words=words,
                        name=name,
                        strength=strength,
                        structure=structure,
                        colour=colour,
                        longest=longest,
                        mask=fitting,
                    )
                )
                shared.state.nextjob()
        except Cancelled:
            pass  # what was painted is shown, as the web UI does
        style = chosen_style(words or "", name or "")
        found = processing.Processed(p, painted, int(p.seed), f"diffstyle: {style}, strength {strength:g}")
        if shared.opts.samples_save:
            for number, image in enumerate(painted):
                seed, kind = int(p.seed) + number, shared.opts.samples_format
                images.save_image(image, p.outpath_samples, "", seed, style, kind, info=found.info, p=p)
        return found


class StylePostprocessing(scripts_postprocessing.ScriptPostprocessing):
    """The part of the Extras tab."""

    name = _TITLE
    order = 20_000  # after upscaling and faces

    def ui(self) -> dict[str, Any]:
        """Its fields."""
        with gr.Accordion(_TITLE, open=False):
            enable = gr.Checkbox(label="Repaint in a style", value=False)
            return {"enable": enable, **controls()}

    def process(  # pyright: ignore[reportIncompatibleMethodOverride] - the host passes the values of `ui`
        self,
        pp: Any,
        enable: bool = False,
        words: str = "",
        name: str = "",
        strength: float = STRENGTH,
        structure: float = STRUCTURE,
        colour: str = _LABELS[0],
        longest: float = 0,
    ) -> None:
        """Paint the picture, if this part is enabled. DiffstyleError after Interrupt, or the web UI would save the
        picture that was not painted as a result; one that is skipped it drops itself.
        """
        if not enable:
            return
        settings: dict[str, Any] = {"words": words, "name": name, "strength": strength, "structure": structure}
        try:
            pp.image = paint(pp.image, 0, **settings, colour=colour, longest=longest)
        except Cancelled:
            if shared.state.interrupted:
                raise DiffstyleError("Interrupted: the picture was not painted.") from None
            return
        pp.info[_TITLE] = chosen_style(words or "", name or "")
