"""The diffusion engine on tiny random models, through the very classes and files of the large ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import diffusers as untyped
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor

from diffstyle import Cancelled, InputError, Picture, Settings, Style, Stylizer, Task
from diffstyle.adapters.attach import attached
from diffstyle.adapters.blocks import profile, scale_of
from diffstyle.adapters.lora import LoraAdapter
from diffstyle.adapters.protocol import Adapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.hub import known_model
from diffstyle.backbones.backbone import Backbone, Conditioning, Control
from diffstyle.backbones.load import ControlNetSource, load_backbone
from diffstyle.backbones.recognise import recognise, recognise_shapes
from diffstyle.backbones.schedulers import SchedulerName, make_scheduler
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.device import enough_memory
from diffstyle.core.quiet import quiet
from diffstyle.engines.base import Step
from diffstyle.engines.diffusion.colours import in_colours_of
from diffstyle.engines.diffusion.controlnet_hints import DRAWN, condition, depth_of
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.engines.diffusion.load import parse_controlnet
from diffstyle.engines.diffusion.schedule import LONGEST, schedule
from tests import tiny
from tests.conftest import waves

diffusers: Any = untyped
CPU = torch.device("cpu")
BACKBONES = ("wordless", "worded", "xl")
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
every_backbone = pytest.mark.parametrize("backbone", BACKBONES)


def load(models: Path, name: str, **options: Any) -> Stylizer:
    return Stylizer.load(
        models / name, adapter=[models / f"{name}.adapter.safetensors"], device="cpu", dtype="float32", **options
    )


def engine_of(stylizer: Stylizer) -> DiffusionEngine:
    engine = stylizer.engine("diffusion")
    while isinstance(engine, Wrapper):
        engine = engine.engine
    assert isinstance(engine, DiffusionEngine)
    return engine


def bare(models: Path, name: str = "worded") -> Backbone:
    backbone = load_backbone(models / name, device=CPU, dtype=torch.float32)
    backbone.arrange()
    return backbone


def difference(a: Picture, b: Picture) -> float:
    return float((a.pixels - b.pixels).abs().max())


# what a file is


def test_files_are_recognised_by_their_tensors(tiny_models: Path, tmp_path: Path) -> None:
    tiny.lora(tmp_path / "a.safetensors")
    tiny.lora(tmp_path / "b.safetensors", kohya=True)
    tiny.single_file(tmp_path / "c.safetensors", tiny_models / "worded")
    expected = {
        tiny_models / "worded/unet/diffusion_pytorch_model.safetensors": "unet",
        tiny_models / "worded/vae/diffusion_pytorch_model.safetensors": "vae",
        tiny_models / "wordless/controlnet/diffusion_pytorch_model.safetensors": "controlnet",
        tiny_models / "worded/text_encoder/model.safetensors": "text encoder",
        tiny_models / "worded.adapter.safetensors": "ip-adapter",
        tmp_path / "a.safetensors": "lora",
        tmp_path / "b.safetensors": "lora",
        tmp_path / "c.safetensors": "single file",
    }
    found = {path: recognise(path) for path in expected}
    assert {p: r.kind for p, r in found.items()} == expected
    widths = {r.kind: r.architecture.cross_attention for r in found.values() if r.architecture is not None}
    assert widths == dict.fromkeys(("unet", "controlnet", "ip-adapter", "lora", "single file"), tiny.WIDTH)


@pytest.mark.parametrize(("name", "width"), [("sd15", 768), ("sdxl", 2048), ("sd21", 1024)])
def test_a_single_file_of_full_size_is_recognised(name: str, width: int) -> None:
    block = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    shapes = {  # in the order of a real file, the VAE first
        "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
        "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
        "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
        block: (320, width),
    }
    found = recognise_shapes(shapes)
    assert found.kind == "single file"
    assert found.architecture is not None
    assert found.architecture.name == name


# the same as diffusers by hand


@every_backbone
@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_a_render_is_what_diffusers_gives(
    backbone: str, guidance: float, tiny_models: Path, photo: Picture, painting: Style
) -> None:
    stylizer = load(tiny_models, backbone)
    settings = Settings(strength=1, denoise=0.5, steps=4, guidance=guidance, scheduler="ddim", seed=5, prompt="a cat")
    ours = stylizer.render(Task.of(photo, painting, settings)).picture

    folder = tiny_models / backbone
    xl = backbone == "xl"
    absent = dict.fromkeys(("text_encoder", "tokenizer")) if backbone == "wordless" else {}
    absent |= {} if xl else {"safety_checker": None, "feature_extractor": None}
    absent |= {"image_encoder": None} | ({"feature_extractor": None} if xl else {})
    kind = diffusers.StableDiffusionXLImg2ImgPipeline if xl else diffusers.StableDiffusionImg2ImgPipeline
    with quiet():
        plain = kind.from_pretrained(str(folder), **absent)
    extra: dict[str, Any] = {}
    content = photo.padded(8)
    if backbone == "wordless":
        net = diffusers.ControlNetModel.from_pretrained(str(folder / "controlnet"))
        plain = diffusers.StableDiffusionControlNetImg2ImgPipeline(
            **plain.components, controlnet=net, requires_safety_checker=False
        )
        extra = {"control_image": condition(content, "soft-edge")[None], "controlnet_conditioning_scale": 1.0}
    plain.scheduler = make_scheduler("ddim", plain.scheduler.config)
    weights = f"{backbone}.adapter.safetensors"
    with quiet():
        plain.load_ip_adapter(str(tiny_models), subfolder="", weight_name=weights, image_encoder_folder=None)
    plain.set_progress_bar_config(disable=True)
    embedding = stylizer.encoder.encode(painting).embedding[None, None]
    embeds = embedding if guidance <= 1 else torch.cat([torch.zeros_like(embedding), embedding])
    if backbone == "wordless":
        extra |= {
            "prompt_embeds": torch.zeros(1, 1, tiny.WIDTH),
            "negative_prompt_embeds": torch.zeros(1, 1, tiny.WIDTH),
        }
    else:
        extra |= {"prompt": "a cat"}
    with torch.no_grad():
        theirs = plain(
            image=content[None],
            strength=0.51,
            num_inference_steps=8,
            guidance_scale=guidance,
            generator=torch.Generator().manual_seed(5),
            ip_adapter_image_embeds=[embeds],
            output_type="pt",
            **extra,
        ).images[0]
    assert float((ours.pixels - theirs[:, : photo.height, : photo.width]).abs().max()) <= 1e-3
    assert float((ours.pixels - photo.pixels).abs().mean()) > 0.02


@pytest.mark.parametrize("backbone", ["worded", "xl"])
def test_a_single_file_is_its_folder(
    backbone: str, tiny_models: Path, tmp_path: Path, photo: Picture, painting: Style
) -> None:
    path = tiny.single_file(tmp_path / "model.safetensors", tiny_models / backbone)
    shutil.copytree(tiny_models / backbone, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    adapter = [tiny_models / f"{backbone}.adapter.safetensors"]
    pictures = [
        Stylizer.load(model, adapter=adapter, device="cpu", dtype="float32")
        .stylize(photo, painting, steps=3, prompt="a cat")
        .picture
        for model in (path, tiny_models / backbone)
    ]
    assert difference(*pictures) <= 1e-4


def test_an_adapter_we_save_loads_in_plain_diffusers(tiny_models: Path, tmp_path: Path) -> None:
    ours = TokensAdapter.load(tiny_models / "worded.adapter.safetensors").save(tmp_path / "again.safetensors")
    with quiet():
        plain = diffusers.StableDiffusionPipeline.from_pretrained(str(tiny_models / "worded"), safety_checker=None)
        plain.load_ip_adapter(str(tmp_path), subfolder="", weight_name=ours.name, image_encoder_folder=None)
    name, processor = next((n, p) for n, p in plain.unet.attn_processors.items() if hasattr(p, "to_k_ip"))
    saved = load_file(ours)
    place = list(plain.unet.attn_processors).index(name)
    assert torch.equal(processor.to_k_ip[0].weight, saved[f"ip_adapter.{place}.to_k_ip.weight"])
    assert torch.equal(
        plain.unet.encoder_hid_proj.image_projection_layers[0].image_embeds.weight, saved["image_proj.proj.weight"]
    )


# adapters leave no trace


def adapters_of(models: Path, folder: Path) -> dict[str, Adapter[Backbone]]:
    plus = tiny.adapter(folder / "plus.safetensors", models / "worded", plus=True, width=48)
    return {
        "tokens": TokensAdapter.load(models / "worded.adapter.safetensors"),
        "plus": TokensAdapter.load(plus),
        "lora": LoraAdapter.load(tiny.lora(folder / "lora.safetensors")),
        "kohya": LoraAdapter.load(tiny.lora(folder / "kohya.safetensors", kohya=True)),
    }


@pytest.mark.parametrize("kind", ["tokens", "plus", "lora", "kohya", "all"])
def test_what_was_attached_leaves_no_trace(kind: str, tiny_models: Path, tmp_path: Path) -> None:
    backbone = bare(tiny_models)
    known = adapters_of(tiny_models, tmp_path)
    chosen = list(known.values()) if kind == "all" else [known[kind]]
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    words = torch.randn(1, 7, tiny.WIDTH, generator=torch.Generator().manual_seed(1))

    def run(**extra: Any) -> Tensor:
        with torch.no_grad():
            return backbone.unet(noise, 500, encoder_hidden_states=words, **extra).sample

    before, state = run(), {k: v.clone() for k, v in backbone.unet.state_dict().items()}
    processors: dict[str, Any] = {k: type(p) for k, p in backbone.unet.attn_processors.items()}
    with attached(chosen, backbone):
        tokens = [a for a in chosen if isinstance(a, TokensAdapter)]
        shapes = [(1, 1, a.width) if a.variant == "base" else (1, 1, 9, a.width) for a in tokens]
        embeds = {"added_cond_kwargs": {"image_embeds": [torch.ones(s) for s in shapes]}} if tokens else {}
        assert not torch.equal(run(**embeds), before)
    after = backbone.unet.state_dict()
    assert after.keys() == state.keys()
    assert all(torch.equal(after[k], state[k]) for k in state)
    assert {k: type(p) for k, p in backbone.unet.attn_processors.items()} == processors
    assert torch.equal(run(), before)


def test_a_failure_inside_leaves_no_trace_either(tiny_models: Path, tmp_path: Path) -> None:
    backbone = bare(tiny_models)
    keys = set(backbone.unet.state_dict())
    with pytest.raises(KeyError), attached(list(adapters_of(tiny_models, tmp_path).values()), backbone):
        raise KeyError
    assert set(backbone.unet.state_dict()) == keys


@pytest.mark.parametrize("kohya", [False, True])
def test_a_lora_acts_by_its_scale(kohya: bool, tiny_models: Path, tmp_path: Path, photo: Picture) -> None:
    path = tiny.lora(tmp_path / "lora.safetensors", kohya=kohya)
    style = Style.from_text("watercolour")
    pictures: list[Picture] = []
    for scale in ("", ":0", ":0.5", ":1"):
        lora = [f"{path}{scale}"] if scale else []
        loaded = load(tiny_models, "worded", lora=lora)
        pictures.append(loaded.stylize(photo, style, steps=2).picture)
    none, zero, half, one = pictures
    assert difference(zero, none) <= 1e-5
    assert 0 < difference(half, none) < difference(one, none) * 1.5
    assert difference(one, half) > 0


# settings


@pytest.mark.parametrize("steps", [1, 4, 8, 25])
@pytest.mark.parametrize("denoise", [0.05, 0.3, 0.5, 0.8, 1.0])
def test_as_many_steps_are_run_as_asked_for(steps: int, denoise: float) -> None:
    for name in get_args(SchedulerName):
        scheduler = make_scheduler(name, BETAS)
        plan = schedule(steps, denoise, scheduler, name)
        assert plan.run == steps or plan.total == LONGEST.get(name, 1000)
        assert min(int(plan.total * plan.strength), plan.total) == plan.run
        scheduler.set_timesteps(plan.total)
        first = float(scheduler.timesteps[plan.total - plan.run]) if plan.run else 0.0
        assert first < 1000 * denoise  # never more noise than asked for
        if plan.total < LONGEST.get(name, 1000):
            assert first > 1000 * denoise * (1 - 1.6 / steps) - 30  # and hardly less, whatever the sampler


def test_a_schedule_has_an_end() -> None:
    ddim, lcm = (make_scheduler(name, BETAS) for name in ("ddim", "lcm"))
    assert schedule(8, 0.0, ddim, "ddim").run == 0
    assert schedule(8, 0.0008, ddim, "ddim").run == 1
    assert schedule(8, 0.04, lcm, "lcm").total == 50
    runs = [schedule(8, d / 100, lcm, "lcm").run for d in range(101)]
    assert runs == sorted(runs)


@pytest.mark.parametrize("scheduler", ["ddim", "dpm++", "unipc", "euler-a", "lcm", "tcd"])
def test_every_scheduler_paints(scheduler: SchedulerName, diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    seen: list[Step] = []
    pictures = [
        diffuser.stylize(photo, painting, scheduler=scheduler, steps=5, seed=n, on_step=seen.append).picture
        for n in (0, 0, 1)
    ]
    assert pictures[0] == pictures[1] != pictures[2]
    assert [s.done for s in seen[:7]] == [0, 1, 2, 3, 4, 4, 5]
    assert bool(torch.isfinite(pictures[0].pixels).all())


def test_a_step_shows_the_picture_so_far(diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    shown: list[Picture] = []

    def look(step: Step) -> None:
        if step.preview is not None:
            shown.append(step.preview())

    diffuser.stylize(photo, painting, steps=4, on_step=look)
    assert len(shown) == 4
    assert all(p.size == photo.size for p in shown)
    assert shown[0] != shown[-1]


def test_cancelling_takes_one_step(diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    before = diffuser.stylize(photo, painting, steps=6).picture
    seen: list[int] = []

    def stop(step: Step) -> bool:
        seen.append(step.done)
        return step.done < 3

    with pytest.raises(Cancelled):
        diffuser.stylize(photo, painting, steps=6, on_step=stop)
    assert seen == [0, 1, 2, 3]
    assert diffuser.stylize(photo, painting, steps=6).picture == before


@pytest.mark.parametrize(
    "change",
    [
        {"style_scale": 0.2},
        {"structure": 0.0},
        {"structure": 1.0},
        {"blocks": "up_blocks.1=1"},
        {"style_end": 0.5},
        {"style_start": 0.5},
        {"start": "preview"},
        {"guidance": 3.0},
        {"steps": 3},
        {"denoise": 0.3},
        {"seed": 9},
    ],
)
def test_every_setting_acts(change: dict[str, Any], diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    plain = diffuser.stylize(photo, painting).picture
    changed = diffuser.stylize(photo, painting, **change).picture
    assert changed != plain
    assert changed.size == photo.size


def test_a_style_that_does_not_act_changes_nothing(diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    other = Style.from_image(255 - waves(96, 96, seed=4))
    for off in ({"style_scale": 0.0}, {"style_end": 0.0}, {"blocks": "down_blocks.0=0"}):
        pictures = [diffuser.stylize(photo, s, **cast("dict[str, Any]", off)).picture for s in (painting, other)]
        assert pictures[0] == pictures[1]
    assert diffuser.stylize(photo, painting).picture != diffuser.stylize(photo, other).picture


def test_structure_is_how_strongly_the_controlnet_acts(diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    without, *held = [diffuser.stylize(photo, painting, structure=s).picture for s in (0.0, 0.1, 0.5)]
    assert 0 < difference(held[0], without) < difference(held[1], without)


def test_words_act_where_words_are_read(tiny_models: Path, photo: Picture, painting: Style) -> None:
    worded = load(tiny_models, "worded")
    plain = worded.stylize(photo, painting, steps=2, guidance=4).picture
    assert worded.stylize(photo, painting, steps=2, guidance=4, prompt="a red cat").picture != plain
    assert worded.stylize(photo, painting, steps=2, guidance=4, negative="blurry").picture != plain
    unlike = Style.from_text("charcoal")
    assert worded.stylize(photo, painting, negative_style=unlike, steps=2, guidance=4).picture != plain


def test_a_style_in_words_needs_no_adapter_where_words_are_read(tiny_models: Path, photo: Picture) -> None:
    worded = Stylizer.load(tiny_models / "worded", device="cpu", dtype="float32")
    pictures = [worded.stylize(photo, Style.from_text(t), steps=2, guidance=4).picture for t in ("woodcut", "charcoal")]
    assert pictures[0] != pictures[1]
    with pytest.raises(InputError, match="--adapter"):
        worded.stylize(photo, Style.from_image(waves(64, 64)))


def test_several_styles_mix_or_keep_tokens_of_their_own(diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    other = Style.from_image(255 - waves(96, 96, seed=4))
    mixed = Style.mix({painting: 0.7, other: 0.3})
    results = [diffuser.stylize(photo, mixed, blend=blend).picture for blend in ("mix", "tokens")]
    assert results[0] != results[1]
    alone = diffuser.stylize(photo, painting, blend="tokens").picture
    assert difference(alone, diffuser.stylize(photo, painting).picture) <= 1e-5
    nearly = diffuser.stylize(photo, Style.mix({painting: 1, other: 1e-6}), blend="tokens").picture
    assert difference(nearly, alone) <= 1e-3


def test_two_adapters_act_together(tiny_models: Path, tmp_path: Path, photo: Picture, painting: Style) -> None:
    first = tiny_models / "worded.adapter.safetensors"
    other = TokensAdapter.load(first)
    moved = replace(other, ip_adapter={k: v.roll(1, 0) for k, v in other.ip_adapter.items()})
    second = moved.save(tmp_path / "second.safetensors")

    def paint(*adapters: str) -> Picture:
        stylizer = Stylizer.load(tiny_models / "worded", adapter=adapters, device="cpu", dtype="float32")
        return stylizer.stylize(photo, painting, steps=2).picture

    both = paint(f"{first}:0.5", f"{second}:0.5")
    assert both != paint(str(first))
    assert difference(paint(f"{first}:1", f"{second}:0"), paint(str(first))) <= 1e-5


def test_blocks_have_names() -> None:
    style = profile("style", "sdxl")
    assert scale_of("up_blocks.0.attentions.1.transformer_blocks.3.attn2.processor", style) == 1
    assert scale_of("up_blocks.0.attentions.0.transformer_blocks.3.attn2.processor", style) == 0
    assert scale_of("mid_block.attentions.0.x", profile("all", "")) == 1
    assert profile("up_blocks.1=0.5,mid_block=0", "") == {"up_blocks.1": 0.5, "mid_block": 0.0}
    for bad in ("some", "up_blocks.1=much"):
        with pytest.raises(InputError, match="blocks"):
            profile(bad, "sd15")


def test_a_block_that_is_none_is_named(diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    with pytest.raises(InputError, match=r"down_blocks\.0.*up_blocks\.1"):
        diffuser.stylize(photo, painting, blocks="up_blocks.7=1")


def test_a_picture_is_the_same_in_any_company(diffuser: Stylizer, painting: Style) -> None:
    photos = [Picture.from_array(waves(w, h, seed=w)) for w, h in ((64, 48), (100, 70), (33, 90))]
    alone = [Stylizer.of(diffuser.options).stylize(p, painting, seed=n).picture for n, p in enumerate(photos)]
    together = [diffuser.stylize(p, painting, seed=n).picture for n, p in enumerate(photos)]
    assert alone == together


# ControlNets


@pytest.mark.parametrize("conditioning", [c for c in DRAWN if c != "depth"])
def test_conditionings_show_shapes(conditioning: Conditioning, photo: Picture) -> None:
    shown = condition(photo.pixels, conditioning)
    assert shown.shape == photo.pixels.shape
    assert 0 <= float(shown.min()) < float(shown.max()) <= 1
    flat = condition(torch.full((3, 40, 60), 0.4), conditioning)
    assert float(flat.std()) < 1e-4
    if conditioning != "tile":
        edge = torch.zeros(3, 40, 60)
        edge[:, :, 30:] = 1
        found = condition(edge, conditioning).mean((0, 1))
        assert 27 <= int(found.argmax()) <= 32
        assert float(found[:20].max()) < 0.05


def test_depth_needs_its_model(photo: Picture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="models pull depth"):
        condition(photo.pixels, "depth")


def test_depth_is_estimated_by_transformers(photo: Picture, tmp_path: Path) -> None:
    shown = depth_of(photo.pixels, tiny.depth_model(tmp_path / "dpt"))
    assert shown.shape == photo.pixels.shape
    assert float(shown.min()) == 0
    assert float(shown.max()) > 0.9
    assert torch.equal(shown[0], shown[2])


def test_the_depth_model_is_among_the_weights(
    tiny_models: Path, photo: Picture, painting: Style, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    depth = f"{tiny_models / 'wordless' / 'controlnet'}:depth"
    stylizer = load(tiny_models, "wordless", controlnet=[depth])
    with pytest.raises(InputError, match="models pull depth"):
        stylizer.stylize(photo, painting, steps=2)
    repository = tmp_path / f"models--{known_model('depth').repository.replace('/', '--')}"
    tiny.depth_model(repository / "snapshots" / known_model("depth").revision)
    result = stylizer.stylize(photo, painting, steps=2)
    assert len(result.weights["depth model.safetensors"]) == 12
    assert result.picture != load(tiny_models, "wordless").stylize(photo, painting, steps=2).picture
    assert not any(n.startswith("depth") for n in engine_of(load(tiny_models, "wordless")).weights)


def test_several_controlnets_each_with_scale_and_range(tiny_models: Path, photo: Picture, painting: Style) -> None:
    net = tiny_models / "wordless" / "controlnet"

    def paint(*nets: str) -> Picture:
        return load(tiny_models, "wordless", controlnet=nets).stylize(photo, painting, steps=3).picture

    one = paint(f"{net}:canny")
    assert paint(f"{net}:canny", f"{net}:tile:0") != paint(f"{net}:canny", f"{net}:tile:1")
    assert difference(paint(f"{net}:canny", f"{net}:tile:0"), one) <= 1e-4
    assert paint(f"{net}:canny:1:0-0.4") != one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net:canny", ControlNetSource("net", Control("canny"))),
        ("a:b/net:soft-edge:0.5", ControlNetSource("a:b/net", Control("soft-edge", 0.5))),
        ("net:tile:0.5:0.1-0.6", ControlNetSource("net", Control("tile", 0.5, 0.1, 0.6))),
        ("controlnet-lineart-sd15", ControlNetSource("controlnet-lineart-sd15", Control("lineart"))),
        ("controlnet-canny-sd15:0.7", ControlNetSource("controlnet-canny-sd15", Control("canny", 0.7))),
    ],
)
def test_controlnets_are_named_with_their_part(text: str, expected: ControlNetSource) -> None:
    assert parse_controlnet(text) == expected


@pytest.mark.parametrize("text", ["net", "net:sketch", "net:canny:1:0.5-0.5", "net:canny:1:0.8-0.2", "net:canny:x"])
def test_controlnets_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InputError, match="net"):
        parse_controlnet(text)


# failures


def test_no_finite_numbers_are_tried_in_float32(tiny_models: Path, photo: Picture, painting: Style) -> None:
    stylizer = Stylizer.load(
        tiny_models / "wordless", adapter=[tiny_models / "wordless.adapter.safetensors"], device="cpu", dtype="bfloat16"
    )

    def overflow(_: Any, __: Any, output: Any) -> Any:
        return output * float("nan") if output.dtype == torch.bfloat16 else output

    def spoil(_: Any, __: Any, output: Any) -> Any:
        return output * float("nan")

    hook = engine_of(stylizer).backbone.unet.conv_out.register_forward_hook(overflow)
    picture = stylizer.stylize(photo, painting).picture
    assert any("float32" in note for note in picture.notes)
    assert bool(torch.isfinite(picture.pixels).all())
    steps: list[Step] = []  # the next one begins in float32, and says so too
    again = stylizer.stylize(photo, painting, on_step=steps.append)
    assert again.picture == picture
    assert [s.done for s in steps].count(1) == 1
    assert again.picture.notes == picture.notes
    assert again.runtime["dtype"] == "float32"
    hook.remove()
    broken = engine_of(stylizer).backbone.unet.conv_out.register_forward_hook(spoil)
    with pytest.raises(InputError, match="no finite numbers"):
        stylizer.stylize(photo, painting)
    broken.remove()


def test_out_of_memory_is_tried_with_less(tiny_models: Path, photo: Picture, painting: Style) -> None:
    stylizer = load(tiny_models, "worded")
    backbone = engine_of(stylizer).backbone
    enough = {"balanced"}

    def refuse(_: Any, __: Any) -> None:
        if backbone.memory not in enough:
            raise torch.OutOfMemoryError("CUDA out of memory")

    hook = backbone.unet.register_forward_pre_hook(refuse)
    picture = stylizer.stylize(photo, painting, steps=2).picture
    assert any("memory=balanced" in note for note in picture.notes)
    assert backbone.pipeline.vae.use_slicing
    enough.clear()
    with pytest.raises(InputError, match="smaller size"):
        stylizer.stylize(photo, painting, steps=2)
    hook.remove()
    assert difference(load(tiny_models, "worded").stylize(photo, painting, steps=2).picture, picture) <= 1e-3


@pytest.mark.parametrize(
    "where", ["diffusers.StableDiffusionImg2ImgPipeline.from_pretrained", "diffstyle.backbones.backbone.arrange"]
)
@pytest.mark.parametrize(("dtype", "advice"), [("float32", "dtype=bfloat16"), ("bfloat16", "a smaller model")])
def test_out_of_memory_while_loading_is_said(
    where: str, dtype: str, advice: str, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(where, refuse)
    with pytest.raises(InputError, match=f"not enough memory on cpu to load the model worded: give {advice}") as caught:
        Stylizer.load(tiny_models / "worded", device="cpu", dtype=dtype)
    assert "fetch" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "cause", "dtype", "message"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), None, torch.float32, "give memory=low or dtype=float16"),
        (InputError("Cannot use it."), torch.OutOfMemoryError("CUDA out"), torch.float16, "give memory=low, or close"),
        (InputError("Cannot use it."), ValueError("a shape"), torch.float16, "Cannot use it"),
    ],
)
def test_a_gpu_is_offered_a_lower_mode(
    error: Exception, cause: Exception | None, dtype: torch.dtype, message: str
) -> None:
    gpu = torch.device("cuda")
    with pytest.raises(InputError, match=message), enough_memory("load", device=gpu, dtype=dtype, memory="fast"):
        raise error from cause


@pytest.mark.parametrize("memory", ["balanced", "low"])
def test_less_memory_gives_the_same_picture(memory: Any, tiny_models: Path, photo: Picture, painting: Style) -> None:
    pictures = [
        load(tiny_models, "worded", memory=m).stylize(photo, painting, steps=2).picture for m in ("fast", memory)
    ]
    assert difference(*pictures) <= 1e-3


def test_sliced_attention_keeps_the_adapter(tiny_models: Path, photo: Picture, painting: Style) -> None:
    pictures = [
        load(tiny_models, "worded", attention=a).stylize(photo, painting, steps=2).picture for a in ("sdpa", "sliced")
    ]
    assert difference(*pictures) <= 1e-3
    plain = load(tiny_models, "worded").stylize(photo, painting, steps=2, style_scale=0).picture
    assert difference(plain, pictures[1]) > 1e-2


def test_xformers_that_cannot_be_used_breaks_nothing(tiny_models: Path, photo: Picture, painting: Style) -> None:
    with pytest.warns(UserWarning, match="xformers cannot be used here"):
        stylizer = load(tiny_models, "worded", attention="xformers")
    assert (
        stylizer.stylize(photo, painting, steps=2).picture
        == load(tiny_models, "worded").stylize(photo, painting, steps=2).picture
    )


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler")
def test_a_compiled_model_paints_the_same(tiny_models: Path, photo: Picture, painting: Style) -> None:
    compiled, plain = (load(tiny_models, "worded", compile=c) for c in (True, False))
    calls: list[dict[str, Any]] = [{}, {"style_scale": 0.3}, {"seed": 3}]
    for settings in calls:
        pictures = [s.stylize(photo, painting, steps=2, **settings).picture for s in (compiled, plain)]
        assert difference(*pictures) <= 1e-3
    assert engine_of(compiled).backbone.unet._compiled_call_impl is not None


def test_compiling_without_a_compiler_is_said(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> None:
        return None

    monkeypatch.setattr("shutil.which", nothing)
    with pytest.raises(InputError, match=r"needs a C\+\+ compiler"):
        load(tiny_models, "worded", compile=True)


Spoil = Callable[[Path, Path], dict[str, Any]]


def _without(part: str) -> Spoil:
    def spoil(models: Path, folder: Path) -> dict[str, Any]:
        copy = folder / "model"
        shutil.copytree(models / "worded", copy)
        found = copy / part
        shutil.rmtree(found) if found.is_dir() else found.unlink()
        return {"model": copy}

    return spoil


def _naming(**options: str) -> Spoil:
    def spoil(_: Path, __: Path) -> dict[str, Any]:
        return dict(options)

    return spoil


def _pickled(models: Path, folder: Path) -> dict[str, Any]:
    copy = folder / "model"
    shutil.copytree(models / "worded", copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), copy / "unet" / "diffusion_pytorch_model.bin")
    weights.unlink()
    return {"model": copy}


def _cut_off(models: Path, folder: Path) -> dict[str, Any]:
    copy = folder / "model"
    shutil.copytree(models / "worded", copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    return {"model": copy}


def _shard_missing(models: Path, folder: Path) -> dict[str, Any]:
    copy = folder / "model"
    shutil.copytree(models / "worded", copy)
    whole = copy / "unet" / "diffusion_pytorch_model.safetensors"
    state = load_file(whole)
    names = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    places = {k: names[n % 2] for n, k in enumerate(state)}
    save_file({k: v for k, v in state.items() if places[k] == names[0]}, whole.with_name(names[0]))
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    whole.with_name("diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    whole.unlink()
    return {"model": copy}


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('evil-was-here', 'w')",))


def _code_as_adapter(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"image_proj": Evil(), "ip_adapter": {}}, folder / "adapter.bin")
    return {"adapter": [folder / "adapter.bin"]}


def _code_as_lora(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"unet.down_blocks.0.lora_A.weight": Evil()}, folder / "lora.pt")
    return {"lora": [folder / "lora.pt"]}


def _code_as_model(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"state_dict": Evil()}, folder / "model.ckpt")
    return {"model": folder / "model.ckpt"}


def _code_as_controlnet(models: Path, folder: Path) -> dict[str, Any]:
    shutil.copytree(models / "wordless" / "controlnet", folder / "net")
    (folder / "net" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({"conv_in.weight": Evil()}, folder / "net" / "diffusion_pytorch_model.bin")
    return {"controlnet": [f"{folder / 'net'}:canny"]}


def _other_adapter(models: Path, _: Path) -> dict[str, Any]:
    return {"adapter": [models / "xl.adapter.safetensors"]}


def _lora_as_adapter(_: Path, folder: Path) -> dict[str, Any]:
    return {"adapter": [tiny.lora(folder / "lora.safetensors")]}


def _adapter_as_lora(models: Path, _: Path) -> dict[str, Any]:
    return {"lora": [models / "worded.adapter.safetensors"]}


def _other_lora(_: Path, folder: Path) -> dict[str, Any]:
    return {"lora": [tiny.lora(folder / "lora.safetensors", width=77)]}


def _other_controlnet(_: Path, folder: Path) -> dict[str, Any]:
    tiny.controlnet(tiny.unet(width=40)).save_pretrained(folder / "net")
    return {"controlnet": [f"{folder / 'net'}:canny"]}


def _unet_as_controlnet(models: Path, _: Path) -> dict[str, Any]:
    return {"controlnet": [f"{models / 'worded' / 'unet'}:canny"]}


def _pickle_as_adapter(_: Path, folder: Path) -> dict[str, Any]:
    torch.save({"image_proj.proj.weight": torch.zeros(4)}, folder / "adapter.safetensors")
    return {"adapter": [folder / "adapter.safetensors"]}


def _adapter_of_another_encoder(models: Path, folder: Path) -> dict[str, Any]:
    return {"adapter": [tiny.adapter(folder / "wide.safetensors", models / "worded", width=300)]}


def _single_file_of_another_model(models: Path, folder: Path) -> dict[str, Any]:
    return {"model": tiny.single_file(folder / "alone.safetensors", models / "worded")}


def _vae_as_model(models: Path, _: Path) -> dict[str, Any]:
    return {"model": models / "worded" / "vae" / "diffusion_pytorch_model.safetensors"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without("vae"), "vae is missing"),
        (_without("unet/diffusion_pytorch_model.safetensors"), "unet is without weights"),
        (_without("model_index.json"), "model_index.json"),
        (_pickled, "pickle"),
        (_cut_off, "Cannot load|not a whole"),
        (_shard_missing, "Cannot load"),
        (_without("tokenizer"), "tokenizer is missing"),
        (_without("tokenizer/tokenizer.json"), "tokenizer is without a vocabulary"),
        (_without("unet/config.json"), "Cannot load"),
        (_without("scheduler/scheduler_config.json"), "Cannot load"),
        (_without("text_encoder/model.safetensors"), "text_encoder is without weights"),
        (_code_as_adapter, "adapter.bin"),
        (_code_as_lora, "lora.pt"),
        (_code_as_model, "model.ckpt"),
        (_code_as_controlnet, "the ControlNet"),
        (_other_adapter, "cross-attention width 48.*cross-attention width 32"),
        (_lora_as_adapter, "of kind lora"),
        (_adapter_as_lora, "of kind ip-adapter"),
        (_other_lora, "width 77.*width 32"),
        (_other_controlnet, "width 40.*width 32"),
        (_unet_as_controlnet, "of another model"),
        (_pickle_as_adapter, "pickle"),
        (_adapter_of_another_encoder, "256 numbers.*300"),
        (_single_file_of_another_model, "SD 1.5 or SDXL"),
        (_vae_as_model, "of kind vae"),
        (_naming(model="no/such-model"), "neither a path nor in the Hugging Face cache"),
        (_naming(model="sd15"), "models pull sd15"),
        (_naming(model="nothing"), "There is no model 'nothing'"),
        (_naming(device="tpu"), "no device tpu"),
        (_naming(dtype="int8"), "dtype"),
    ],
)
def test_what_cannot_be_used_is_said(
    spoil: Spoil,
    message: str,
    tiny_models: Path,
    tmp_path: Path,
    photo: Picture,
    painting: Style,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {"model": tiny_models / "worded", "device": "cpu", "dtype": "float32"}
    options |= {"adapter": [tiny_models / "worded.adapter.safetensors"]} | spoil(tiny_models, tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        Stylizer.load(**options).stylize(photo, painting, steps=2)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "evil-was-here").exists()


def test_a_safety_checker_acts_where_its_weights_are(
    tiny_models: Path, tmp_path: Path, photo: Picture, painting: Style
) -> None:
    shutil.copytree(tiny_models / "worded", tmp_path / "model")
    adapter = [tiny_models / "worded.adapter.safetensors"]

    def paint() -> Picture:
        stylizer = Stylizer.load(tmp_path / "model", adapter=adapter, device="cpu", dtype="float32")
        return stylizer.stylize(photo, painting, steps=2).picture

    without = paint()
    tiny.safety_checker(tmp_path / "model")
    blanked = paint()
    assert float(blanked.pixels.max()) == 0
    assert any("safety checker blanked" in note for note in blanked.notes)
    (tmp_path / "model" / "safety_checker" / "model.safetensors").unlink()
    assert paint() == without


def test_a_plus_adapter_looks_at_pictures(tiny_models: Path, tmp_path: Path, photo: Picture, painting: Style) -> None:
    encoder = tmp_path / "clip"
    width = _vision_transformer(encoder)
    plus = tiny.adapter(tmp_path / "plus.safetensors", tiny_models / "worded", plus=True, width=width)
    stylizer = Stylizer.load(tiny_models / "worded", adapter=[plus], encoder=encoder, device="cpu", dtype="float32")
    other = Style.from_image(waves(64, 64, seed=8))
    pictures = [stylizer.stylize(photo, s, steps=2).picture for s in (painting, other)]
    assert pictures[0] != pictures[1]
    with pytest.raises(InputError, match="looks at pictures"):
        stylizer.stylize(photo, Style.from_text("woodcut"))
    mixed = Style.mix({painting: 1, other: 1})
    assert stylizer.stylize(photo, mixed, steps=2).picture not in pictures


def _vision_transformer(folder: Path) -> int:
    """A random open_clip ViT on disk; the width of its features."""
    import open_clip

    config: dict[str, Any] = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 3, "width": 48, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    torch.manual_seed(0)
    model = open_clip.CLIP(**config)
    folder.mkdir()
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return 48


def test_features_are_those_of_the_last_but_one_layer(tmp_path: Path, painting: Style) -> None:
    from diffstyle.encoders.clip import StyleEncoder, tiles

    _vision_transformer(tmp_path / "clip")
    encoder = StyleEncoder.load(tmp_path / "clip")
    picture = painting.references[0].picture
    assert picture is not None
    square = picture.resized((32, 32))
    model: Any = encoder._loaded.model.visual  # pyright: ignore[reportPrivateUsage]
    seen: list[Tensor] = []

    def keep(_: Any, __: Any, output: Tensor) -> None:
        seen.append(output)

    hook = model.transformer.resblocks[1].register_forward_hook(keep)
    features = encoder.features(square)
    hook.remove()
    assert features.shape == (17, 48)
    assert torch.allclose(seen[0].reshape(17, 48), features, atol=1e-5)
    assert len(tiles(square, 32)) == 1
    assert 0.1 < encoder.norm < 100


def test_the_null_prompt_of_a_folder_is_used(
    tiny_models: Path, tmp_path: Path, photo: Picture, painting: Style
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(tiny_models / "wordless", copy)
    save_file({"prompt_embeds": torch.ones(1, 2, tiny.WIDTH)}, copy / "prompt.safetensors")
    adapter = [tiny_models / "wordless.adapter.safetensors"]
    stylizer = Stylizer.load(copy, adapter=adapter, device="cpu", dtype="float32")
    assert stylizer.stylize(photo, painting).picture != load(tiny_models, "wordless").stylize(photo, painting).picture
    save_file({"something": torch.ones(2)}, copy / "prompt.safetensors")
    with pytest.raises(InputError, match="prompt_embeds"):
        Stylizer.load(copy, adapter=adapter, device="cpu")


def test_colours_are_kept_where_the_model_says_so(
    tiny_models: Path, tmp_path: Path, photo: Picture, painting: Style
) -> None:
    """Chroma is the preview's, lightness between that of the preview and the model's own; from the content the model's
    colours stay its own.
    """
    folder = shutil.copytree(tiny_models / "wordless", tmp_path / "wordless")
    pictures: list[Picture] = []
    for keeps in (False, True):
        (folder / "sampling.json").write_text(json.dumps({"start": "preview", "keeps_colours": keeps}))
        stylizer = Stylizer.load(
            folder, adapter=[tiny_models / "wordless.adapter.safetensors"], device="cpu", dtype="float32"
        )
        pictures.append(stylizer.stylize(photo, painting, steps=2, denoise=0.1).picture)
        pictures.append(stylizer.stylize(photo, painting, steps=2, denoise=0.1, start="content").picture)
    free, from_content, kept, as_before = (p.pixels for p in pictures)
    assert torch.equal(from_content, as_before)
    preview = Stylizer.load(device="cpu", dtype="float32").stylize(photo, painting, engine="adain").picture.pixels
    inside = ((kept > 0) & (kept < 1)).all(0)
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    chroma = ((kept - (kept * luma).sum(0)) - (preview - (preview * luma).sum(0)))[:, inside]
    assert float(chroma.abs().max()) < 1e-4
    assert float((((kept - preview) * luma).sum(0))[inside].abs().mean()) > 0.01  # lightness is not
    assert not torch.equal(free, kept)


@pytest.mark.parametrize("batch", [(), (2,)])
def test_lightness_is_taken_where_there_is_much_to_see(batch: tuple[int, ...]) -> None:
    """From a picture whose left half is calm, for one picture and for several."""
    begun = torch.full((*batch, 3, 64, 128), 0.5)
    begun[..., 64:] += 0.3 * torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    change = in_colours_of(begun, begun + 0.1) - begun
    assert change.shape == begun.shape
    assert float(change[..., :40].abs().max()) < 0.01
    assert 0.08 < float(change[..., 90:].mean()) < 0.1
    assert torch.allclose(in_colours_of(begun, begun), begun)


def test_strength_zero_costs_nothing(diffuser: Stylizer, photo: Picture, painting: Style) -> None:
    engine = engine_of(diffuser)
    calls: list[int] = []

    def count(_: Any, __: Any) -> None:
        calls.append(1)

    hook = engine.backbone.unet.register_forward_pre_hook(count)
    assert diffuser.stylize(photo, painting, strength=0).picture == photo
    assert diffuser.stylize(photo, painting, denoise=0).picture == photo
    assert not calls
    diffuser.stylize(photo, painting, steps=5)
    assert len(calls) == 5
    hook.remove()


def test_a_model_is_loaded_once(
    diffuser: Stylizer, photo: Picture, painting: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("weights were read again")

    diffuser.stylize(photo, painting)
    monkeypatch.setattr("safetensors.torch.load_file", refuse)
    monkeypatch.setattr("diffusers.models.modeling_utils.load_state_dict", refuse)
    assert np.isfinite(diffuser.stylize(photo, painting, seed=3).picture.pixels.numpy()).all()
