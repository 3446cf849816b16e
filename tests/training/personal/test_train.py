"""Personal adapters from end to end: trained, resumed, reported, used as styles, exported."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import diffusers as untyped
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from diffstyle import (
    AdapterRecipe,
    Cancelled,
    Diffusion,
    InputError,
    Picture,
    Style,
    Stylizer,
    train_adapter,
)
from diffstyle.adapters.export import export
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import adapter_info
from diffstyle.core.model_options import ExportFormat, ModelOptions
from diffstyle.formats.safetensors import read_safetensors
from diffstyle.stylizer import with_adapters
from diffstyle.training.loop import load_checkpoint
from diffstyle.training.personal import choice, train
from diffstyle.training.personal import report as reports
from diffstyle.training.personal.dataset import TrainingImage, read_dataset
from diffstyle.training.personal.engines import TrainedEngines, statistics_of
from diffstyle.training.personal.previewer import Previewer
from diffstyle.training.personal.recipe import AdapterKind
from diffstyle.training.personal.run import TrainingStep
from tests.conftest import waves
from tests.helpers import tiny
from tests.helpers.cli import run as command
from tests.helpers.personal import KINDS, every_kind, options

diffusers: Any = untyped
STEPS = Diffusion(steps=2)


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        pytest.param("lora", "worded", marks=pytest.mark.long),
        pytest.param("tokens", "xl", marks=pytest.mark.long),
        pytest.param("lora", "starter", marks=pytest.mark.long),
        pytest.param("tokens", "starter", marks=pytest.mark.long),
    ],
)
def test_a_cancelled_training_resumes_as_if_never_stopped(
    kind: AdapterKind, model: str, tiny_models: Path, artist: Path, zoo: Path
) -> None:
    chosen = ModelOptions(device="cpu") if model == "starter" else options(tiny_models, model)
    recipe = AdapterRecipe(kind=kind, steps=4, size=64, batch=1, accumulate=2)
    seen: list[TrainingStep] = []

    def stop(step: TrainingStep) -> bool:
        return step.done < 2

    with pytest.raises(Cancelled):
        train_adapter(artist, name="mine", recipe=recipe, options=chosen, samples=0, on_step=stop)
    assert not (zoo / "mine").exists()
    resumed = train_adapter(artist, name="mine", recipe=recipe, options=chosen, samples=0, on_step=seen.append)
    assert seen[0].done == 3
    assert seen[-1].left == 0
    whole = train_adapter(artist, name="other", recipe=recipe, options=chosen, samples=0)
    assert resumed.losses == pytest.approx(whole.losses, rel=1e-4)
    assert dict(resumed.held_losses) == pytest.approx(dict(whole.held_losses), rel=1e-4)
    assert sorted(p.name for p in zoo.iterdir()) == ["mine", "other"]


@pytest.mark.long
def test_a_lora_is_trained_beside_a_plus_adapter(
    tiny_models: Path, artist: Path, tmp_path: Path, zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "SIDE", 128)
    width = tiny.vision_transformer(tmp_path / "clip")
    plus = tiny.adapter(tmp_path / "plus.safetensors", tiny_models / "worded", plus=True, width=width)
    chosen = replace(options(tiny_models, "worded"), adapter=(str(plus),), encoder=str(tmp_path / "clip"))
    recipe = AdapterRecipe(steps=2, size=64, batch=2)
    report = train_adapter(artist, name="mine", recipe=recipe, options=chosen, samples=1)
    assert len(report.losses) == 2
    assert (zoo / "mine" / "sheet.jpg").is_file()


@every_kind
def test_the_style_has_the_colours_of_held_out_pictures_too(
    kind: AdapterKind, zoo_of_both: Path, artist: Path, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    dataset, preview = read_dataset(artist), TrainedEngines.of(stylizer, "lora").preview
    (kept,) = parse_style([f"adapter:my-{kind}"]).references
    assert len(kept.exemplars) == len(dataset.images) == 6  # for painters, which need no training

    def colours(images: tuple[TrainingImage, ...]) -> Tensor:
        return statistics_of(preview, [i.picture for i in images])[:9]

    assert dataset.held
    assert torch.allclose(kept.statistics[preview.space][:9], colours(dataset.images), atol=2e-3)
    assert not torch.allclose(kept.statistics[preview.space][:9], colours(dataset.train), atol=2e-3)


@pytest.mark.long
def test_a_training_that_is_killed_goes_on(artist: Path, zoo: Path) -> None:
    """By SIGKILL, at a random moment after the first checkpoint."""
    script = "from diffstyle.training.personal import run; run.SAVE_EVERY = 0; from diffstyle.cli import main; main()"

    def train(name: str) -> list[str]:
        asked = ["train", str(artist), "--name", name, "--steps", "12", "--size", "64", "--samples", "0", "--json"]
        return [sys.executable, "-c", script, *asked]

    state = zoo / ".mine.training.pt"
    with subprocess.Popen(train("mine"), stdout=subprocess.DEVNULL) as killed:
        while not state.exists():
            assert killed.poll() is None
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.5))
        killed.kill()
    assert killed.returncode == -signal.SIGKILL
    assert not (zoo / "mine").exists()
    saved = load_checkpoint(state)
    assert saved is not None
    assert 0 < saved["step"] <= 12
    resumed, whole = (
        json.loads(subprocess.run(train(n), check=True, capture_output=True).stdout) for n in ("mine", "other")
    )
    assert resumed["losses"] == pytest.approx(whole["losses"], rel=1e-3)
    assert sorted(p.name for p in zoo.iterdir()) == ["mine", "other"]


@pytest.mark.long
def test_several_processes_train_one_adapter(artist: Path, zoo: Path) -> None:
    """As on several GPUs: one writes and reports, and each step learns from the batches of all."""

    def train(name: str, launcher: tuple[str, ...], *more: str) -> str:
        asked = ("-m", "diffstyle", "train", str(artist), "--name", name, "--steps", "4", "--size", "64")
        command = [sys.executable, *launcher, *asked, "--samples", "0", "--json", "--device", "cpu", *more]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout

    # what accelerate launch does for several GPUs; for CPUs it wants MPI
    output = train("two", ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"))
    assert len([line for line in output.splitlines() if line.startswith("{")]) == 1
    train("one", (), "--accumulate", "2")
    assert sorted(p.name for p in zoo.iterdir()) == ["one", "two"]
    two, one = (read_safetensors(zoo / name / "adapter.safetensors")[1] for name in ("two", "one"))
    assert two.keys() == one.keys()
    learned = [k for k in one if "lora_B" in k]  # 0 at first
    moved = sum(float(one[k].square().sum()) for k in learned)
    apart = sum(float((one[k] - two[k]).square().sum()) for k in learned)
    assert moved > 0
    assert apart < 0.05**2 * moved


@pytest.mark.long
@pytest.mark.usefixtures("zoo")
def test_a_training_by_minutes_fits_into_them(tiny_models: Path, artist: Path) -> None:
    seen: list[TrainingStep] = []
    recipe = AdapterRecipe(minutes=0.1, size=64)
    report = train_adapter(
        artist, name="mine", recipe=recipe, options=options(tiny_models, "worded"), samples=0, on_step=seen.append
    )
    assert seen[0].total is None
    assert seen[-1].total == len(seen) == report.steps > 10
    assert report.seconds < 20


@pytest.fixture(scope="session")
def small(photo: Picture) -> Picture:
    return photo.resized((64, 48))


def test_an_adapter_is_a_style(
    tiny_models: Path, zoo_of_both: Path, small: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    stylizer = Stylizer.of(options(tiny_models, "worded"))
    for kind in KINDS:
        style = parse_style([f"adapter:my-{kind}"])
        assert style.adapters == {f"my-{kind}": 1.0}
        with_it = stylizer.stylize(small, style, engine=STEPS)
        assert any(f"my-{kind}" in name for name in with_it.weights)
        bare = Style((replace(style.references[0], adapter=""),))
        plain = stylizer.stylize(small, bare, engine=STEPS)
        assert not any(f"my-{kind}" in name for name in plain.weights)
        assert with_it.picture != plain.picture
    mixed = Style.mix({parse_style(["adapter:my-lora"]): 0.25, Style.from_image(waves(90, 90)): 0.75})
    assert with_adapters(stylizer.options, dict(mixed.adapters)).lora == ("my-lora:0.25",)


def test_a_picture_painted_with_an_adapter_is_replayed(
    tiny_models: Path,
    zoo_of_both: Path,
    small: Picture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    content, out = tmp_path / "photo.png", tmp_path / "out.png"
    small.to_pil().save(content)
    model = ["--model", tiny_models / "worded", "--adapter", tiny_models / "worded.adapter.safetensors"]
    options = [*model, "--dtype", "float32", "--steps", "2"]
    assert command("stylize", content, "-s", "adapter:my-lora", *options, "-o", out) == 0
    assert command("replay", out, "--content", content, *model) == 0
    assert command("adapters", "list") == 0
    assert "my-tokens" in capsys.readouterr().out


def test_at_scale_zero_the_model_is_untouched(
    tiny_models: Path, zoo_of_both: Path, small: Picture, painting: Style
) -> None:
    plain = Stylizer.of(options(tiny_models, "worded")).stylize(small, painting, engine=STEPS).picture
    lora = f"{zoo_of_both / 'my-lora' / 'adapter.safetensors'}"
    for scale, same in (("0", True), ("1", False)):
        chosen = options(tiny_models, "worded")
        with_lora = Stylizer.load(
            chosen.model, adapter=chosen.adapter, lora=[f"{lora}:{scale}"], device="cpu", dtype="float32"
        )
        assert (with_lora.stylize(small, painting, engine=STEPS).picture == plain) == same


def picture_of(pipeline: Any, **more: Any) -> Tensor:
    torch.manual_seed(0)
    content = torch.rand(1, 3, 64, 64)
    return pipeline(
        prompt="a boat",
        image=content,
        strength=0.7,
        num_inference_steps=4,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(1),
        output_type="pt",
        **more,
    ).images


@pytest.mark.parametrize("layout", ["diffusers-lora", "kohya"])
def test_loras_load_in_plain_diffusers(
    layout: ExportFormat, tiny_models: Path, zoo_of_both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every matrix acts: the picture is that of the adapter's own file, and not that of the model alone."""
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    pictures: list[Tensor] = []
    for path in (
        None,
        zoo_of_both / "my-lora" / "adapter.safetensors",
        export(adapter_info("my-lora"), layout, tmp_path),
    ):
        pipeline = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(tiny_models / "worded")
        pipeline.set_progress_bar_config(disable=True)
        if path is not None:
            pipeline.load_lora_weights(str(path))
        pictures.append(picture_of(pipeline))
    assert float((pictures[1] - pictures[0]).abs().max()) > 1e-3
    assert float((pictures[2] - pictures[1]).abs().max()) < 1e-5
    if layout == "kohya":
        header, state = read_safetensors(tmp_path / "my-lora.kohya.safetensors")
        names = list(state)
        assert header["ss_network_dim"] == "8"
        assert header["modelspec.title"] == "my-lora"
        assert all(n.startswith("lora_unet_") for n in names)
        assert sum(n.endswith(".alpha") for n in names) * 3 == len(names)


def test_tokens_load_in_plain_diffusers(
    tiny_models: Path, zoo_of_both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    path = export(adapter_info("my-tokens"), "ip-adapter", tmp_path)
    saved = TokensAdapter.load(path)
    pipeline = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(tiny_models / "worded")
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_ip_adapter(str(tmp_path), subfolder="", weight_name=path.name, image_encoder_folder=None)
    embeds = torch.nn.functional.normalize(torch.randn(1, 1, saved.width), dim=-1)
    acting = picture_of(pipeline, ip_adapter_image_embeds=[embeds])
    pipeline.set_ip_adapter_scale(0.0)
    assert float((acting - picture_of(pipeline, ip_adapter_image_embeds=[embeds])).abs().max()) > 1e-4
    with pytest.raises(InputError, match="which kohya does not hold: give ip-adapter"):
        export(adapter_info("my-tokens"), "kohya", tmp_path)


@pytest.mark.long
@every_kind
def test_samples_are_painted_on_the_way(kind: AdapterKind, artist: Path, zoo: Path) -> None:
    """And change nothing of what is learned."""
    recipe = AdapterRecipe(kind=kind, steps=4, size=64)
    sheets: list[Image.Image] = []

    def look(step: TrainingStep) -> None:
        if step.samples is not None:
            assert step.done in (2, 4)
            with Image.open(step.samples) as image:
                sheets.append(image.convert("RGB"))

    plain = train_adapter(artist, name="plain", recipe=recipe, samples=1)
    watched = train_adapter(artist, name="watched", recipe=recipe, samples=1, samples_every=2, on_step=look)
    assert watched.losses == pytest.approx(plain.losses, rel=1e-4)
    assert len(sheets) == 2
    photo, painted = (np.asarray(s).astype(int) for s in np.split(np.asarray(sheets[-1]), 2, axis=1))
    assert photo.shape == painted.shape
    assert np.abs(photo - painted).mean() > 5
    assert sorted(p.name for p in zoo.iterdir()) == ["plain", "watched"]


@pytest.mark.long
@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])  # whatever this processor would choose
def test_where_nothing_helps_the_style_is_as_its_pictures_give_it(
    dtype: str, artist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tuning of the preview is undone too."""

    def elsewhere(_: Previewer, measured: Tensor, *__: object, **___: object) -> Tensor:
        return torch.cat((measured[:9], 1.5 * measured[9:]))

    monkeypatch.setattr(train, "tune_preview", elsewhere)
    monkeypatch.setattr(choice, "FACTORS", (0.0,))
    recipe, options = AdapterRecipe(steps=3, size=64), ModelOptions(device="cpu", dtype=dtype)
    report = train_adapter(artist, name="mine", recipe=recipe, options=options, samples=1)
    assert report.kept == 0
    for engine, before in report.before.items():  # the final begins with a draft: of each picture, of their collection
        near = 2e-3 if engine == "preview" else 0.04
        assert asdict(report.after[engine]) == pytest.approx(asdict(before), abs=near)


@pytest.mark.parametrize("model", ["worded", pytest.param("starter", marks=pytest.mark.long)])
def test_a_report_says_how_good_it_is(
    model: str,
    tiny_models: Path,
    artist: Path,
    zoo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the command. Two steps teach nothing; the report measures the painted photos all the same."""
    monkeypatch.setattr(choice, "FACTORS", (0.0, 1.0))
    monkeypatch.setattr(reports, "SIDE", 128)
    asked = ["train", artist, "--name", "mine", "--steps", "2", "--size", "64", "--samples", "1", "--json"]
    if model != "starter":
        adapter = tiny_models / f"{model}.adapter.safetensors"
        asked += ["--model", tiny_models / model, "--adapter", adapter, "--dtype", "float32"]
    assert command(*asked) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["pictures"] == 6
    assert report["held"] == 1
    assert report["kept"] in (0, 1)
    _, weights = read_safetensors(zoo / "mine" / "adapter.safetensors")
    assert any(bool(w.any()) for k, w in weights.items() if "lora_B" in k) == (report["kept"] > 0)
    assert 0 < report["own"] < 2
    for engine in ("final", "preview"):
        for key in ("texture_ratio", "colour_ratio", "structure"):
            assert 0 < report["before"][engine][key] < 2
            assert 0 < report["after"][engine][key] < 2
    assert {p.name for p in (zoo / "mine").iterdir()} == {
        "CARD.md",
        "adapter.safetensors",
        "adapter.toml",
        "recipe.toml",
        "sheet.jpg",
        "style.style.safetensors",
    }
    assert command("adapters", "info", "mine") == 0
    assert "texture ratio" in capsys.readouterr().out
    assert command("train", artist, "--name", "mine") == 2
    assert "give overwrite" in capsys.readouterr().err
    assert command("adapters", "remove", "mine") == 0
    assert not (zoo / "mine").exists()
    assert command("adapters", "remove", "starter") == 2
    assert command("adapters", "info", "starter") == 0
