"""The diffusion engine on tiny random models: what it paints, and what each of its settings does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import diffusers as untyped
import numpy as np
import pytest
import torch

from diffstyle import Cancelled, Diffusion, InputError, Picture, Style, Stylizer, Task
from diffstyle.backbones.schedulers import make_scheduler
from diffstyle.core.fields import fields_of
from diffstyle.core.model_options import SchedulerName
from diffstyle.core.quiet import quiet
from diffstyle.engines.base import Step
from diffstyle.engines.diffusion.controlnet_hints import condition
from tests.helpers import tiny
from tests.helpers.models import diffusion_engine, load_tiny
from tests.helpers.pictures import grainy, largest_difference, mean_difference

diffusers: Any = untyped
CHANGES: dict[str, Any] = {
    "denoise": 0.3,
    "start": "painter",
    "style_scale": 0.2,
    "style_start": 0.5,
    "style_end": 0.5,
    "blocks": "up_blocks.1=1",
    "blend": "tokens",
    "steps": 3,
    "guidance": 4.0,
    "scheduler": "euler-a",
    "prompt": "a red cat",
    "negative": "blurry",
    "style_content": "oil painting of waves",
    "guide": "nnst",
    "tile": 136,
    "overlap": 64,
}
"""For every setting of the engine a value that changes the picture; the others are in test_self_attention.py."""
OTHERS = {"guide_scale", "style_attention", "query_preservation", "attention_temperature", "attention_blocks"}


@pytest.fixture(scope="module")
def plain(painting: Style, other_painting: Style) -> Task:
    """Two styles in tiles, with guidance: a task on which every setting of the engine acts."""
    blend = Style.mix({painting: 0.7, other_painting: 0.3})
    return Task(grainy(168, 96), blend, engine=Diffusion(steps=2, guidance=3.0, tile=128, overlap=32))


@pytest.fixture(scope="module")
def plain_picture(plain: Task, worded: Stylizer) -> Picture:
    return worded.render(plain).picture


@pytest.mark.parametrize("name", [info.name for info in fields_of(Diffusion) if info.name not in OTHERS])
def test_every_setting_changes_the_picture(name: str, plain: Task, plain_picture: Picture, worded: Stylizer) -> None:
    assert isinstance(plain.engine, Diffusion)
    changed = worded.render(replace(plain, engine=replace(plain.engine, **{name: CHANGES[name]}))).picture
    assert changed != plain_picture
    assert changed.size == plain_picture.size


@pytest.mark.parametrize("off", [{"style_scale": 0.0}, {"style_end": 0.0}, {"blocks": "down_blocks.0=0"}])
def test_a_style_that_does_not_act_changes_nothing(
    off: dict[str, Any], diffuser: Stylizer, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    def paint(style: Style, **values: Any) -> Picture:
        return diffuser.stylize(small_photo, style, engine=Diffusion(steps=2, **values)).picture

    assert paint(painting, **off) == paint(other_painting, **off)
    assert paint(painting) != paint(other_painting)


@pytest.mark.parametrize("backbone", ["wordless", "worded", "xl"])
def test_a_render_is_what_diffusers_gives(
    backbone: str, tiny_models: Path, small_photo: Picture, painting: Style
) -> None:
    stylizer = load_tiny(tiny_models, backbone)
    plain = plain_pipeline(backbone, tiny_models)
    content = small_photo.padded(8)
    embedding = stylizer.encoder.encode(painting).embedding[None, None]
    extra: dict[str, Any] = {"prompt": "a cat"}
    if backbone == "wordless":
        nothing = torch.zeros(1, 1, tiny.WIDTH)
        extra = {"prompt_embeds": nothing, "negative_prompt_embeds": nothing}
        extra |= {"control_image": condition(content, "soft-edge")[None], "controlnet_conditioning_scale": 1.0}
    for guidance in (1.0, 4.0):
        settings = Diffusion(denoise=0.5, steps=4, guidance=guidance, scheduler="ddim", prompt="a cat")
        ours = stylizer.stylize(small_photo, painting, engine=settings, seed=5).picture
        embeds = embedding if guidance <= 1 else torch.cat([torch.zeros_like(embedding), embedding])
        with torch.no_grad():
            theirs = plain(
                image=content[None],
                strength=0.51,  # of 8 steps, rounded down: the last 4
                num_inference_steps=8,
                guidance_scale=guidance,
                generator=torch.Generator().manual_seed(5),
                ip_adapter_image_embeds=[embeds],
                output_type="pt",
                **extra,
            ).images[0]
        assert float((ours.pixels - theirs[:, : ours.height, : ours.width]).abs().max()) <= 1e-3
        assert mean_difference(ours, small_photo) > 0.02


def plain_pipeline(backbone: str, models: Path) -> Any:
    """diffusers' own pipeline of a tiny model, with its adapter and ControlNet, loaded without diffstyle."""
    xl = backbone == "xl"
    absent: dict[str, Any] = dict.fromkeys(("text_encoder", "tokenizer")) if backbone == "wordless" else {}
    absent |= {"image_encoder": None, "feature_extractor": None} | ({} if xl else {"safety_checker": None})
    kind = diffusers.StableDiffusionXLImg2ImgPipeline if xl else diffusers.StableDiffusionImg2ImgPipeline
    with quiet():
        plain = kind.from_pretrained(str(models / backbone), **absent)
        if backbone == "wordless":
            net = diffusers.ControlNetModel.from_pretrained(str(models / backbone / "controlnet"))
            plain = diffusers.StableDiffusionControlNetImg2ImgPipeline(
                **plain.components, controlnet=net, requires_safety_checker=False
            )
        plain.scheduler = make_scheduler("ddim", plain.scheduler.config)
        weights = f"{backbone}.adapter.safetensors"
        plain.load_ip_adapter(str(models), subfolder="", weight_name=weights, image_encoder_folder=None)
    plain.set_progress_bar_config(disable=True)
    return plain


@pytest.mark.parametrize("scheduler", get_args(SchedulerName))
def test_every_scheduler_paints_and_follows_the_seed(
    scheduler: SchedulerName, diffuser: Stylizer, small_photo: Picture, painting: Style
) -> None:
    seen: list[tuple[int, int]] = []

    def paint(seed: int) -> Picture:
        task = Task(small_photo, painting, engine=Diffusion(scheduler=scheduler, steps=3), seed=seed)
        return diffuser.render(task, lambda s: seen.append((s.done, s.total))).picture

    first = paint(0)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 3), (3, 3))
    assert paint(0) == first != paint(1)
    assert bool(torch.isfinite(first.pixels).all())


def test_every_step_shows_the_picture_so_far(diffuser: Stylizer, small_photo: Picture, painting: Style) -> None:
    shown: list[Picture] = []

    def look(step: Step) -> None:
        if step.preview is not None:
            shown.append(step.preview())

    diffuser.render(Task(small_photo, painting, engine=Diffusion(steps=4)), look)
    assert len(shown) == 4
    assert all(p.size == small_photo.size for p in shown)
    assert shown[0] != shown[-1]


def test_cancelling_takes_one_step(diffuser: Stylizer, small_photo: Picture, painting: Style) -> None:
    task = Task(small_photo, painting, engine=Diffusion(steps=6))
    before = diffuser.render(task).picture
    seen: list[int] = []

    def stop(step: Step) -> bool:
        seen.append(step.done)
        return step.done < 3

    with pytest.raises(Cancelled):
        diffuser.render(task, stop)
    assert seen == [0, 1, 2, 3]
    assert diffuser.render(task).picture == before


def test_strength_zero_runs_no_network(diffuser: Stylizer, small_photo: Picture, painting: Style) -> None:
    calls: list[None] = []

    def count(_: Any, __: Any) -> None:
        calls.append(None)

    hook = diffusion_engine(diffuser).backbone.unet.register_forward_pre_hook(count)
    try:
        assert diffuser.stylize(small_photo, painting, strength=0).picture == small_photo
        assert diffuser.stylize(small_photo, painting, engine=Diffusion(denoise=0)).picture == small_photo
        assert not calls
        diffuser.stylize(small_photo, painting, engine=Diffusion(steps=5))
        assert len(calls) == 5
    finally:
        hook.remove()


def test_a_negative_style_acts_where_there_is_guidance(worded: Stylizer, small_photo: Picture, painting: Style) -> None:
    unlike = Style.from_text("charcoal")

    def paint(guidance: float, negative: Style | None = None) -> Picture:
        engine = Diffusion(steps=2, guidance=guidance)
        return worded.stylize(small_photo, painting, negative_style=negative, engine=engine).picture

    assert paint(4, unlike) != paint(4)
    ignored = paint(1, unlike)
    assert ignored == paint(1)
    assert "Negative prompt ignored: it needs guidance > 1." in ignored.notes


def test_a_style_in_words_needs_no_adapter_where_words_are_read(tiny_models: Path, small_photo: Picture) -> None:
    worded = load_tiny(tiny_models, "worded", adapter=[])
    engine = Diffusion(steps=2, guidance=4)
    one, other = (worded.stylize(small_photo, Style.from_text(t), engine=engine).picture for t in ("woodcut", "neon"))
    assert one != other
    with pytest.raises(InputError, match="--adapter"):
        worded.stylize(
            small_photo, Style.from_image(np.zeros((64, 64, 3), np.uint8)), engine=Diffusion(start="content")
        )


def test_several_styles_are_mixed_or_keep_tokens_of_their_own(
    diffuser: Stylizer, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    def paint(style: Style, blend: Any) -> Picture:
        return diffuser.stylize(small_photo, style, engine=Diffusion(steps=2, blend=blend)).picture

    mixed = Style.mix({painting: 0.7, other_painting: 0.3})
    assert paint(mixed, "mix") != paint(mixed, "tokens")
    alone = paint(painting, "tokens")
    assert largest_difference(alone, paint(painting, "mix")) <= 1e-5
    assert largest_difference(paint(Style.mix({painting: 1, other_painting: 1e-6}), "tokens"), alone) <= 1e-3


def test_a_block_that_the_model_lacks_is_refused_with_those_it_has(
    diffuser: Stylizer, small_photo: Picture, painting: Style
) -> None:
    with pytest.raises(InputError, match=r"down_blocks\.0.*up_blocks\.1"):
        diffuser.stylize(small_photo, painting, engine=Diffusion(blocks="up_blocks.7=1"))


def test_a_picture_is_the_same_in_any_company(diffuser: Stylizer, tiny_models: Path, painting: Style) -> None:
    photos = [grainy(w, h) for w, h in ((64, 48), (100, 70), (33, 90))]
    alone = [load_tiny(tiny_models, "wordless").stylize(p, painting, seed=n).picture for n, p in enumerate(photos)]
    assert [diffuser.stylize(p, painting, seed=n).picture for n, p in enumerate(photos)] == alone


def test_outside_a_mask_is_the_photo_bit_for_bit(diffuser: Stylizer, cut_out: Picture, painting: Style) -> None:
    mask = np.zeros((cut_out.height, cut_out.width), np.uint8)
    mask[:, :60] = 255
    out = diffuser.stylize(cut_out, painting, mask=mask, engine=Diffusion(steps=2)).picture
    assert torch.equal(out.pixels[..., 60:], cut_out.pixels[..., 60:])
    assert float((out.pixels - cut_out.pixels)[..., :50].abs().mean()) > 0.02
