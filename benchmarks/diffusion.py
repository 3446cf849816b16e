"""Speed, memory and agreement of the diffusion engine at full size: `python -m benchmarks.diffusion sd15`.

Time and memory do not depend on the values of weights, so random ones are written to a folder in the public layout,
unless --model names real ones. The engine and plain diffusers with the same parts run in turns in one process.
"""

from __future__ import annotations

import contextlib
import gc
import math
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal, cast

import diffusers as untyped
import torch
import transformers as untyped_too
from cyclopts import App
from torch import Tensor

from diffstyle import Diffusion, Picture, Style, Task
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.backbone import Control
from diffstyle.backbones.layouts import write_layout
from diffstyle.backbones.load import ControlNetSource, load_backbone
from diffstyle.backbones.schedulers import make_scheduler
from diffstyle.core.device import dtype_name, fast_dtype, find_device, named_dtype
from diffstyle.core.model_options import MemoryMode
from diffstyle.core.quiet import quiet
from diffstyle.engines.base import Step
from diffstyle.engines.diffusion.controlnet_hints import condition
from diffstyle.engines.diffusion.engine import DiffusionEngine

diffusers: Any = untyped
transformers: Any = untyped_too
Family = Literal["sd15", "sdxl"]
SPACE, WIDTH = "random", 1024
app = App(name="python -m benchmarks.diffusion", help=__doc__)


def random_model(family: Family, folder: Path, dtype: torch.dtype) -> Path:
    """A diffusers folder of full size with random weights, a ControlNet in `controlnet/` and `adapter.safetensors`."""
    write_layout(family, folder)
    unet = _random(diffusers.UNet2DConditionModel, folder / "unet", dtype)
    adapter = TokensAdapter.random(unet, width=WIDTH, space=SPACE)
    adapter.save(folder / "adapter.safetensors")
    with _drawn_in(dtype):
        net = diffusers.ControlNetModel.from_unet(unet)
    for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block):
        torch.nn.init.normal_(layer.weight, std=0.01)
    net.to(dtype).save_pretrained(folder / "controlnet")
    del unet, net
    _random(diffusers.AutoencoderKL, folder / "vae", dtype)
    _random_text(transformers.CLIPTextModel, transformers.CLIPTextConfig, folder / "text_encoder", dtype)
    if family == "sdxl":
        kind = transformers.CLIPTextModelWithProjection
        _random_text(kind, transformers.CLIPTextConfig, folder / "text_encoder_2", dtype)
    gc.collect()
    return folder


@contextlib.contextmanager
def _drawn_in(dtype: torch.dtype) -> Generator[None]:
    """New networks have `dtype`: SDXL in float32 would need twice the memory."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _random(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    torch.manual_seed(0)
    with _drawn_in(dtype):
        model = kind.from_config(kind.load_config(str(folder))).to(dtype)
    model.save_pretrained(str(folder), max_shard_size="8GB")
    return model


def _random_text(kind: Any, config: Any, folder: Path, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    with quiet():
        kind(config.from_pretrained(str(folder))).to(dtype).save_pretrained(str(folder))


def content(side: int) -> Picture:
    from skimage import data

    return Picture.from_array(cast("Any", data).coffee()[:, :400]).resized((side, side))


def style() -> Style:
    return Style.from_embedding(torch.randn(WIDTH, generator=torch.Generator().manual_seed(0)), SPACE)


def by_hand(folder: Path, family: Family, dtype: torch.dtype, device: torch.device, *, controlled: bool) -> Any:
    """Plain diffusers' pipeline from the same files, as its documentation loads it."""
    xl = "XL" if family == "sdxl" else ""
    name = f"StableDiffusion{xl}{'ControlNet' if controlled else ''}Img2ImgPipeline"
    extra: dict[str, Any] = {} if xl else {"safety_checker": None, "feature_extractor": None}
    with quiet():
        if controlled:
            extra["controlnet"] = diffusers.ControlNetModel.from_pretrained(str(folder / "controlnet"), dtype=dtype)
        pipeline = getattr(diffusers, name).from_pretrained(str(folder), dtype=dtype, **extra)
        pipeline.load_ip_adapter(
            str(folder), subfolder="", weight_name="adapter.safetensors", image_encoder_folder=None
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def peak() -> float:
    """Gigabytes, of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def timed(run: Callable[[], Tensor]) -> tuple[float, Tensor]:
    started = time.perf_counter()
    out = run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started, out


@app.command
def make(family: Family, folder: Path, *, dtype: str = "bfloat16") -> None:
    """Write a random model of full size into FOLDER."""
    print(random_model(family, folder, named_dtype(dtype)))


@app.command
def compare(
    family: Family,
    folder: Path,
    *,
    side: int = 512,
    steps: int = 2,
    rounds: int = 3,
    dtype: str = "float32",
    guidance: float = 5.0,
    controlled: bool = True,
) -> None:
    """The engine against plain diffusers with equal settings, in turns: time and largest difference of a pixel."""
    device = find_device(None)
    number = named_dtype(dtype)
    nets = [ControlNetSource(str(folder / "controlnet"), Control("soft-edge"))] if controlled else ()
    started = time.perf_counter()
    backbone = load_backbone(folder, device=device, dtype=number, controlnets=nets)
    loading = time.perf_counter() - started
    adapter = TokensAdapter.load(folder / "adapter.safetensors")
    engine = DiffusionEngine(backbone, adapters=[(adapter, 1.0)])
    photo, look = content(side), style()
    settings = Diffusion(denoise=0.5, steps=steps, guidance=guidance, scheduler="ddim", prompt="a photo")
    plain = by_hand(folder, family, number, device, controlled=controlled)
    plain.scheduler = make_scheduler("ddim", plain.scheduler.config)
    embedding = look.embedding[None, None].to(device, number)

    def ours() -> Tensor:
        return engine.render(engine.prepare(Task(photo, look, engine=settings, seed=3))).pixels

    @torch.no_grad()
    def theirs() -> Tensor:
        shown = {"control_image": condition(photo.pixels, "soft-edge")[None], "controlnet_conditioning_scale": 1.0}
        return (
            plain(
                prompt="a photo",
                image=photo.pixels[None],
                strength=0.5 + 0.01 / (2 * steps),
                num_inference_steps=2 * steps,
                guidance_scale=guidance,
                generator=torch.Generator().manual_seed(3),
                ip_adapter_image_embeds=[torch.cat([torch.zeros_like(embedding), embedding])],
                output_type="pt",
                **(shown if controlled else {}),
            )
            .images[0]
            .float()
            .cpu()
        )

    ours()
    theirs()
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    difference = 0.0
    for _ in range(rounds):
        mine, a = timed(ours)
        other, b = timed(theirs)
        seconds["ours"].append(mine)
        seconds["theirs"].append(other)
        difference = max(difference, float((a - b).abs().max()))
    middle = {k: statistics.median(v) for k, v in seconds.items()}
    ratios = [a / b for a, b in zip(seconds["ours"], seconds["theirs"], strict=True)]
    print(
        f"{family} {side} px {dtype} {steps} steps guidance {guidance:g}: ours {middle['ours']:.2f} s, plain diffusers"
        f" {middle['theirs']:.2f} s, ratio {statistics.median(ratios):.3f}; largest difference {difference:.1e};"
        f" loaded once in {loading:.1f} s"
    )


@app.command
def render(
    family: Family,
    folder: Path,
    *,
    side: int = 512,
    steps: int | None = None,
    memory: MemoryMode = "fast",
    dtype: str | None = None,
    guidance: float | None = None,
    controlled: bool = True,
    plain: bool = False,
) -> None:
    """Seconds a picture and peak memory of one way to render; `plain` is diffusers with its own defaults.

    With fewer `steps` than the default, the time of the default is estimated from that of one step. Processor time of
    all cores is given too, which depends less on other load.
    """
    device = find_device(None)
    photo, look = content(side), style()
    ended: list[tuple[float, float]] = []  # when each step was done, by the clock and in processor time

    def tick(*_: object) -> dict[str, Any]:
        ended.append((time.perf_counter(), time.process_time()))
        return {}

    started = time.perf_counter()
    if plain:
        number = torch.float32 if dtype is None else named_dtype(dtype)
        pipeline = by_hand(folder, family, number, device, controlled=controlled)
        embedding = look.embedding[None, None].to(device, pipeline.unet.dtype)
        count = steps or 50
        pipeline.scheduler.set_timesteps(50)
        default = len(pipeline.scheduler.timesteps) - (50 - int(50 * 0.6))  # PNDM runs one more

        @torch.no_grad()
        def run() -> Tensor:
            shown = {"control_image": condition(photo.pixels, "soft-edge")[None]} if controlled else {}
            return pipeline(
                prompt="a photo",
                image=photo.pixels[None],
                strength=0.6,
                num_inference_steps=count,
                generator=torch.Generator().manual_seed(3),
                ip_adapter_image_embeds=[torch.cat([torch.zeros_like(embedding), embedding])],
                output_type="pt",
                callback_on_step_end=tick,
                **shown,
            ).images[0]

    else:
        number = fast_dtype(device) if dtype is None else named_dtype(dtype)
        nets = [ControlNetSource(str(folder / "controlnet"), Control("soft-edge"))] if controlled else ()
        backbone = load_backbone(folder, device=device, dtype=number, controlnets=nets, memory=memory)
        engine = DiffusionEngine(backbone, adapters=[(TokensAdapter.load(folder / "adapter.safetensors"), 1.0)])
        settings = Diffusion(steps=steps, guidance=guidance, prompt="a photo")
        default = backbone.sampling.steps

        def run() -> Tensor:
            def on_step(_: Step) -> None:
                tick()

            task = engine.prepare(Task(photo, look, engine=settings, seed=3))
            return engine.render(task, on_step).pixels

    loading = time.perf_counter() - started
    if torch.cuda.is_available():
        first, _ = timed(run)
        print(f"the first picture took {first:.2f} s")
        ended.clear()
    started_cpu = time.process_time()
    seconds, _ = timed(run)
    busy = time.process_time() - started_cpu
    if not plain:
        ended = ended[1:-1]  # ours tells the beginning and the end as well
    what = "diffusers by hand" if plain else f"ours, memory={memory}"
    ran = len(ended)
    print(f"{family} {side} px {dtype_name(number)}, {what}: loaded in {loading:.1f} s, {ran} steps run", end=" ")
    print(f"in {seconds:.2f} s ({busy:.1f} s of all cores together), peak {peak():.2f} GiB", end="")
    if ran > 1:
        (first_wall, first_busy), (last_wall, last_busy) = ended[0], ended[-1]
        wall, cores = (last_wall - first_wall) / (ran - 1), (last_busy - first_busy) / (ran - 1)
        more = default - ran
        print(f"; {wall:.2f} s ({cores:.2f} s) a step, so {seconds + more * wall:.0f} s", end=" ")
        print(f"({busy + more * cores:.0f} s) with the default {default}", end="")
    print()


@app.default
def everything(family: Family = "sd15", *, model: Path | None = None, steps: int = 2) -> None:
    """All of it, each measurement in a process of its own.

    Parameters
    ----------
    family
        sd15 or sdxl.
    model
        Folder to use; random weights in a temporary one if not given.
    steps
        Denoising steps of each render: their number scales the time and nothing else.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = model or Path(scratch) / family
        calls = [] if model else [["make", family, folder]]
        calls += [["compare", family, folder, "--steps", steps]]
        calls += [["render", family, folder, "--steps", steps, "--memory", m] for m in ("fast", "balanced", "low")]
        calls += [["render", family, folder, "--steps", math.ceil(steps / 0.6), "--plain"]]
        for call in calls:
            subprocess.run([sys.executable, "-m", "benchmarks.diffusion", *map(str, call)], check=True)
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    app()
