"""Personal adapters: what is taken in, what moves, what comes of it, and what others can read."""

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
from accelerate import Accelerator
from diffstyle.adapters.strokes import SPACE, Strokes, blended
from PIL import Image
from torch import Tensor, nn

from diffstyle import AdapterRecipe, Cancelled, InputError, Picture, Style, Stylizer, train_adapter
from diffstyle.adapters.export import export
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import adapter_info, adapters_folder
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.model_options import ExportFormat, ModelOptions
from diffstyle.data.procedural import render
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.evaluation.measures import Measures
from diffstyle.formats.safetensors import read_safetensors
from diffstyle.ops import losses
from diffstyle.stylizer import worn
from diffstyle.training import checkpoint
from diffstyle.training.personal import choice, train
from diffstyle.training.personal.choice import SHARES, keep_nearest
from diffstyle.training.personal.dataset import Piece, take_in
from diffstyle.training.personal.material import Material, bucket, pixels_of, plain_photos
from diffstyle.training.personal.noise import Noise
from diffstyle.training.personal.objective import Beginnings, Denoise, PaintStrokes, Preview
from diffstyle.training.personal.preview import tuned
from diffstyle.training.personal.recipe import AdapterKind
from diffstyle.training.personal.run import TrainingStep, run
from diffstyle.training.personal.trainable import Trainable, opened
from tests.conftest import waves
from tests.test_cli import run as command

diffusers: Any = untyped
KINDS: tuple[AdapterKind, ...] = ("tokens", "lora")
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="session")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of one hand, with a caption beside one of them."""
    folder = tmp_path_factory.mktemp("hand")
    for n, photo in enumerate(plain_photos(None)[:6]):
        Image.fromarray(render(photo, "woodcut", np.random.default_rng(7), longest=256).pixels).save(
            folder / f"{n}.png"
        )
    (folder / "3.txt").write_text("a boat\n on a lake")
    return folder


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(tmp_path / "zoo"))
    return tmp_path / "zoo"


def options(models: Path, name: str) -> ModelOptions:
    adapter = str(models / f"{name}.adapter.safetensors")
    return ModelOptions(model=str(models / name), adapter=(adapter,), device="cpu", dtype="float32")


def unwrapped(engine: Any) -> Any:
    while isinstance(engine, Wrapper):
        engine = engine.engine
    return engine


@pytest.fixture(scope="session")
def zoo_of_both(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path, hand: Path) -> Path:
    """A zoo with a tokens adapter and a LoRA for the tiny model, a few steps old."""
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFSTYLE_ADAPTERS", str(folder))
        for kind in KINDS:
            recipe = AdapterRecipe(kind=kind, steps=3, size=64, learning_rate=0.05)
            train_adapter(hand, name=f"my-{kind}", recipe=recipe, options=options(tiny_models, "worded"), samples=0)
    return folder


def test_pictures_are_taken_in(hand: Path, tmp_path: Path) -> None:
    for path in hand.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "again.png").write_bytes((hand / "0.png").read_bytes())
    with Image.open(hand / "1.png") as image:
        image.resize((150, 120)).save(tmp_path / "nearly.jpg", quality=80)
        image.resize((40, 32)).save(tmp_path / "tiny.png")
        image.resize((2000, 1600)).save(tmp_path / "2.png")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    (tmp_path / "notes.md").write_text("not looked at")
    intake = take_in(tmp_path)
    assert len(intake.train) + len(intake.held) == 5  # 2.png shows what 1.png does
    assert len(intake.held) == 1
    assert {p.caption for p in (*intake.train, *intake.held)} == {"", "a boat on a lake"}
    for name in ("again.png", "nearly.jpg", "tiny.png", "broken.png", "2.png"):
        assert sum(name in note for note in intake.notes) == 1
    assert take_in(tmp_path, seed=0).digests == intake.digests


@pytest.mark.parametrize("shape", [(400, 400), (800, 400), (300, 450), (900, 500)])
def test_crops_keep_the_shape_of_their_picture(shape: tuple[int, int]) -> None:
    width, height = bucket(shape[0] / shape[1], 512, 64)
    assert width % 64 == height % 64 == 0
    assert (width > height) == (shape[0] > shape[1])
    assert 0.75 < width * height / 512**2 < 1.3


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_the_noise_is_that_of_diffusers(prediction: str) -> None:
    scheduler = diffusers.DDIMScheduler(prediction_type=prediction)
    noise = Noise.of(scheduler)
    x, e = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    t = torch.tensor([10, 700])
    noisy = noise.noised(x, e, t)
    assert torch.allclose(noisy, scheduler.add_noise(x, e, t), atol=1e-6)
    wanted = noise.wanted(x, e, t)
    expected = {"epsilon": e, "v_prediction": scheduler.get_velocity(x, e, t), "sample": x}[prediction]
    assert torch.allclose(wanted, expected, atol=1e-6)
    assert torch.allclose(noise.clean(noisy, wanted, t), x, atol=1e-4)


def test_patches_tell_textures_apart() -> None:
    fine, coarse, other = (
        torch.from_numpy(render(waves(128, 128, seed=s), m, np.random.default_rng(s), longest=128).pixels)
        .permute(2, 0, 1)[None]
        .float()
        / 255
        for s, m in ((1, "stipple"), (2, "stipple"), (3, "watercolour wash"))
    )
    kernels = torch.randn(32, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    kernels = kernels - kernels.mean((2, 3), keepdim=True)
    near, far = (float(losses.patch_wasserstein(x, fine, kernels, stride=1)) for x in (coarse, other))
    assert float(losses.patch_wasserstein(fine, fine, kernels, stride=1)) == 0
    assert near < far
    shifted = torch.roll(fine, 5, 3)
    assert float(losses.edge_correlation(fine, fine)) == pytest.approx(1, abs=1e-4)
    assert float(losses.edge_correlation(shifted, fine)) < 0.8


def material(hand: Path, stylizer: Stylizer) -> Material:
    pieces: tuple[Piece, ...] = take_in(hand).train
    encoder = stylizer.encoder
    photos = plain_photos(None)[:2]
    encoded = [encoder.encode(Style.from_image(p.picture)).embedding for p in pieces]
    plain = [encoder.encode(Style.from_image(p)).embedding for p in photos]
    return Material(
        pixels_of(pieces),
        tuple(p.caption for p in pieces),
        torch.stack(encoded),
        encoded[0],
        photos,
        torch.stack(plain),
    )


@every_kind
def test_only_the_adapter_moves(kind: AdapterKind, tiny_models: Path, hand: Path, tmp_path: Path) -> None:
    stylizer = Stylizer.of(options(tiny_models, "worded"))
    engine: DiffusionEngine = unwrapped(stylizer.engine("diffusion"))
    trainable = opened(engine, AdapterRecipe(kind=kind, steps=2, size=64, learning_rate=0.05), name="mine")
    networks = [m for m in engine.backbone.pipeline.components.values() if isinstance(m, nn.Module)]
    own = {id(p) for p in trainable.parameters.values()}
    before = [(p, p.detach().clone()) for net in networks for p in net.parameters() if id(p) not in own]
    start = trainable.values()
    objective = Denoise(engine, material(hand, stylizer), size=64, count=2)
    progress = run(
        objective,
        None,
        trainable,
        AdapterRecipe(kind=kind, steps=2, size=64, learning_rate=0.05),
        accelerator=Accelerator(cpu=True),
        state=tmp_path / "state.pt",
        seconds_left=60,
    )
    assert progress.step == 2
    assert len(before) > 50
    assert all(torch.equal(p, old) for p, old in before)
    assert any(not torch.equal(v, start[k]) for k, v in trainable.values().items())


@pytest.mark.parametrize(
    ("kind", "model"), [("tokens", "xl"), ("lora", "worded"), ("lora", "starter"), ("tokens", "starter")]
)
def test_a_stopped_training_goes_on_as_if_nothing_had_been(
    kind: AdapterKind, model: str, tiny_models: Path, hand: Path, zoo: Path
) -> None:
    chosen = ModelOptions(device="cpu") if model == "starter" else options(tiny_models, model)
    recipe = AdapterRecipe(kind=kind, steps=5, size=64, batch=1, accumulate=2)
    seen: list[TrainingStep] = []

    def stop(step: TrainingStep) -> bool:
        return step.done < 2

    with pytest.raises(Cancelled):
        train_adapter(hand, name="mine", recipe=recipe, options=chosen, samples=0, on_step=stop)
    assert not (zoo / "mine").exists()
    resumed = train_adapter(hand, name="mine", recipe=recipe, options=chosen, samples=0, on_step=seen.append)
    assert seen[0].done == 3
    assert seen[-1].left == 0
    whole = train_adapter(hand, name="other", recipe=recipe, options=chosen, samples=0)
    assert resumed.losses == pytest.approx(whole.losses, rel=1e-4)
    assert dict(resumed.held_losses) == pytest.approx(dict(whole.held_losses), rel=1e-4)
    assert sorted(p.name for p in zoo.iterdir()) == ["mine", "other"]


@every_kind
def test_what_is_kept_knows_the_held_out_pictures_too(
    kind: AdapterKind, zoo_of_both: Path, hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were not learned from, but the style has their strokes and colours like the others'."""
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    intake = take_in(hand)
    (kept,) = parse_style([f"adapter:my-{kind}"]).references

    def strokes(pieces: tuple[Piece, ...]) -> Tensor:
        found = blended(Strokes().measure(Style.from_images([p.picture for p in pieces])))
        assert found is not None
        return found

    assert intake.held
    whole, learned = strokes((*intake.train, *intake.held)), strokes(tuple(intake.train))
    assert torch.allclose(kept.statistics[SPACE], whole, atol=2e-3)
    assert not torch.allclose(kept.statistics[SPACE], learned, atol=2e-3)


def test_a_training_that_is_killed_goes_on(hand: Path, zoo: Path) -> None:
    """SIGKILL, which no code hears of, at a moment of chance after the first checkpoint."""
    script = "from diffstyle.training.personal import run; run.SAVE_EVERY = 0; from diffstyle.cli import main; main()"

    def train(name: str) -> list[str]:
        asked = ["train", str(hand), "--name", name, "--steps", "12", "--size", "64", "--samples", "0", "--json"]
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
    begun = checkpoint.load(state)
    assert begun is not None
    assert 0 < begun["progress"]["step"] <= 12
    resumed, whole = (
        json.loads(subprocess.run(train(n), check=True, capture_output=True).stdout) for n in ("mine", "other")
    )
    assert resumed["losses"] == pytest.approx(whole["losses"], rel=1e-3)
    assert sorted(p.name for p in zoo.iterdir()) == ["mine", "other"]


def test_several_processes_train_one_adapter(hand: Path, zoo: Path) -> None:
    """As on several GPUs: one writes and reports, and each step learns from the batches of all."""

    def train(name: str, launcher: tuple[str, ...], *more: str) -> str:
        asked = ("-m", "diffstyle", "train", str(hand), "--name", name, "--steps", "4", "--size", "64")
        command = [sys.executable, *launcher, *asked, "--samples", "0", "--json", "--device", "cpu", *more]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout

    # what accelerate launch does for several GPUs; for CPUs it wants MPI
    told = train("two", ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"))
    assert len([line for line in told.splitlines() if line.startswith("{")]) == 1
    train("one", (), "--accumulate", "2")
    assert sorted(p.name for p in zoo.iterdir()) == ["one", "two"]
    two, one = (read_safetensors(zoo / name / "adapter.safetensors")[1] for name in ("two", "one"))
    assert two.keys() == one.keys()
    learned = [k for k in one if "lora_B" in k]  # they begin at 0
    moved = sum(float(one[k].square().sum()) for k in learned)
    apart = sum(float((one[k] - two[k]).square().sum()) for k in learned)
    assert moved > 0
    assert apart < 0.05**2 * moved


@pytest.mark.usefixtures("zoo")
def test_minutes_become_steps(tiny_models: Path, hand: Path) -> None:
    seen: list[TrainingStep] = []
    recipe = AdapterRecipe(minutes=0.1, size=64)
    report = train_adapter(
        hand, name="mine", recipe=recipe, options=options(tiny_models, "worded"), samples=0, on_step=seen.append
    )
    assert seen[0].total is None
    assert seen[-1].total == len(seen) == report.steps > 10
    assert report.seconds < 20


def test_an_adapter_is_a_style(
    tiny_models: Path,
    zoo_of_both: Path,
    photo: Picture,
    photo_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    stylizer = Stylizer.of(options(tiny_models, "worded"))
    for kind in KINDS:
        style = parse_style([f"adapter:my-{kind}"])
        assert style.adapters == {f"my-{kind}": 1.0}
        with_it = stylizer.stylize(photo, style, steps=2)
        assert any(f"my-{kind}" in name for name in with_it.weights)
        bare = Style((replace(style.references[0], adapter=""),))
        plain = stylizer.stylize(photo, bare, steps=2)
        assert not any(f"my-{kind}" in name for name in plain.weights)
        assert with_it.picture != plain.picture
        out = tmp_path / f"{kind}.png"
        model = ["--model", tiny_models / "worded", "--dtype", "float32"]
        if kind == "lora":
            model += ["--adapter", tiny_models / "worded.adapter.safetensors"]
        assert command("stylize", photo_file, "-s", f"adapter:my-{kind}", *model, "--steps", "2", "-o", out) == 0
        again = ["--model", tiny_models / "worded"]
        again += ["--adapter", tiny_models / "worded.adapter.safetensors"] if kind == "lora" else []
        assert command("replay", out, "--content", photo_file, *again) == 0
    mixed = Style.mix({parse_style(["adapter:my-lora"]): 0.25, Style.from_image(waves(90, 90)): 0.75})
    assert worn(stylizer.options, mixed.adapters).lora == ("my-lora:0.25",)
    assert command("adapters", "list") == 0
    assert "my-tokens" in capsys.readouterr().out


def test_at_scale_zero_the_model_is_untouched(
    tiny_models: Path, zoo_of_both: Path, photo: Picture, painting: Style
) -> None:
    plain = Stylizer.of(options(tiny_models, "worded")).stylize(photo, painting, steps=2).picture
    lora = f"{zoo_of_both / 'my-lora' / 'adapter.safetensors'}"
    for scale, same in (("0", True), ("1", False)):
        chosen = options(tiny_models, "worded")
        with_lora = Stylizer.load(
            chosen.model, adapter=chosen.adapter, lora=[f"{lora}:{scale}"], device="cpu", dtype="float32"
        )
        assert (with_lora.stylize(photo, painting, steps=2).picture == plain) == same


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


def statistics_of(painter: AdaINEngine, of: Material) -> torch.Tensor:
    style = painter.measure(Style.from_images(list(of.pieces)))
    return torch.stack([r.statistics[painter.space] * r.weight for r in style.references]).sum(0)


def test_the_preview_comes_nearer(hand: Path, stylizer: Stylizer) -> None:
    """Tuned statistics bring the texture of photos nearer to the hand's, and keep the measured colours."""
    painter: AdaINEngine = unwrapped(stylizer.engine("adain"))
    of = material(hand, stylizer)
    measured = statistics_of(painter, of)
    preview = Preview(painter.network)
    now = tuned(preview, measured, of, of, steps=30, size=128, seed=0)
    assert torch.equal(now[:9], measured[:9])
    batch = of.strokes(size=128, count=4, rng=np.random.default_rng(99))
    strokes = batch.strokes.repeat_interleave(2, 0)

    def distance(statistics: Tensor) -> float:
        generator = torch.Generator().manual_seed(9)
        with torch.no_grad():
            painted = preview(batch.photos, statistics)
            return float(losses.stroke_distance(painted, batch.photos, strokes, generator, scales=3).mean())

    assert distance(now) < 0.95 * distance(measured)


def test_tuning_that_helps_no_held_out_picture_is_not_kept(hand: Path, stylizer: Stylizer) -> None:
    """Strokes of a hand whose held-out pictures are of another: the measured statistics stay."""
    painter: AdaINEngine = unwrapped(stylizer.engine("adain"))
    of = material(hand, stylizer)
    flat = replace(of, pieces=tuple(np.full((160, 160, 3), 30 * n, np.uint8) for n in range(len(of.pieces))))
    measured = statistics_of(painter, flat)
    now = tuned(Preview(painter.network), measured, of, flat, steps=10, size=96, seed=0)
    assert torch.equal(now, measured)


def test_tuning_ends_with_its_time(hand: Path, stylizer: Stylizer) -> None:
    painter: AdaINEngine = unwrapped(stylizer.engine("adain"))
    of = material(hand, stylizer)
    measured = statistics_of(painter, of)
    preview = Preview(painter.network)
    short = tuned(preview, measured, of, of, steps=10**6, seconds=1e-3, size=96, seed=0)
    assert torch.equal(short, tuned(preview, measured, of, of, steps=1, size=96, seed=0))


def test_photos_are_begun_once_and_painted_often(hand: Path, stylizer: Stylizer) -> None:
    """Tuned, with strokes carried, while the edges that may be lost are reckoned from the style as it was measured."""
    painter: AdaINEngine = unwrapped(stylizer.engine("adain"))
    of = material(hand, stylizer)
    other = replace(of, pieces=of.pieces[:1], captions=of.captions[:1], embeddings=of.embeddings[:1])
    measured = statistics_of(painter, of)
    now = measured.clone()
    now[9:] *= 1.2
    carried: list[int] = []

    def carry(previews: Tensor, photos: Tensor) -> Tensor:
        carried.append(len(photos))
        return 1 - previews

    engine, preview = unwrapped(stylizer.engine("diffusion")), Preview(painter.network)
    beginnings = Beginnings(engine, preview, carry, of, measured, now, size=64, count=4)
    paint = PaintStrokes(engine, beginnings, of, size=64, count=2)
    calibrated = len(carried)
    begun = beginnings[3]
    assert beginnings[3] is begun
    assert carried[calibrated:] == [4]
    with torch.no_grad():
        assert torch.allclose(begun.start, 1 - preview(begun.photos, now).clamp(0, 1), atol=1e-5)
        was = losses.edge_correlation(preview(begun.photos, measured).clamp(0, 1), begun.photos)
    assert torch.allclose(begun.was, was, atol=1e-5)
    drawn = [p.batch(np.random.default_rng(2)) for p in (paint, paint.on(other))]
    assert drawn[0].begun is drawn[1].begun
    assert drawn[0].strokes.photos is drawn[0].begun.photos
    assert not torch.equal(drawn[0].strokes.told, drawn[1].strokes.told)
    terms = paint(drawn[0], torch.Generator().manual_seed(0))
    assert all(bool(torch.isfinite(v)) for v in terms.values())


def test_large_pictures_are_learned_at_the_size_they_are_seen_at(hand: Path, stylizer: Stylizer) -> None:
    """However many pixels a picture has beyond that, the same crops are drawn of it."""
    of = material(hand, stylizer)
    large, larger = (replace(of, pieces=tuple(p.repeat(n, 0).repeat(n, 1) for p in of.pieces)) for n in (4, 8))
    few, many = (m.strokes(size=96, count=6, rng=np.random.default_rng(1)).strokes for m in (large, larger))
    assert float((few - many).abs().mean()) < 0.1 * float(few.std())


@pytest.mark.parametrize(("nearest", "kept"), [(0.0, 0.0), (0.6, 0.5), (3.0, 1.0)])
def test_as_much_is_kept_as_brings_photos_nearest(nearest: float, kept: float) -> None:
    parameter = nn.Parameter(torch.ones(3))
    trainable = Trainable({"it": parameter}, save=lambda path: path, ready=lambda: None)

    def tried(share: float) -> Measures:
        assert parameter.tolist() == [share] * 3
        return Measures(texture_ratio=abs(parameter[0].item() - nearest), colour_ratio=0.0, structure=0.7)

    assert keep_nearest(trainable, {"it": torch.zeros(3)}, tried) == kept
    assert parameter.tolist() == [kept] * 3


def test_what_costs_too_much_structure_is_not_kept() -> None:
    parameter = nn.Parameter(torch.ones(1))
    trainable = Trainable({"it": parameter}, save=lambda path: path, ready=lambda: None)

    def tried(share: float) -> Measures:
        return Measures(texture_ratio=1 - parameter.item(), colour_ratio=0.0, structure=0.7 - 0.08 * share)

    assert keep_nearest(trainable, {"it": torch.zeros(1)}, tried) == 0.5


def test_strokes_are_told_apart_whatever_their_contrast() -> None:
    photo, style = (
        torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255
        for p in (waves(96, 96), render(waves(96, 96, seed=3), "stipple", np.random.default_rng(0)).pixels)
    )
    style = torch.nn.functional.interpolate(style, photo.shape[-2:])

    def distance(out: Tensor) -> float:
        return float(losses.stroke_distance(out, photo, style, torch.Generator().manual_seed(0), scales=3))

    assert distance(style) == pytest.approx(0, abs=1e-5)
    assert distance(0.2 + 0.5 * style) == pytest.approx(0, abs=1e-3)
    assert 0.3 < distance(photo) <= 1 + 1e-5
    assert distance(photo) == pytest.approx(distance(0.1 + 0.7 * photo), abs=1e-3)
    assert distance(0.5 * photo + 0.5 * style) < distance(photo)
    with pytest.raises(ValueError, match="of one size"):
        distance(style[..., 1:])


@every_kind
def test_samples_are_painted_on_the_way(kind: AdapterKind, hand: Path, zoo: Path) -> None:
    """And change nothing of what is learned."""
    recipe = AdapterRecipe(kind=kind, steps=4, size=64)
    sheets: list[Image.Image] = []

    def look(step: TrainingStep) -> None:
        if step.samples is not None:
            assert step.done in (2, 4)
            with Image.open(step.samples) as image:
                sheets.append(image.convert("RGB"))

    plain = train_adapter(hand, name="plain", recipe=recipe, samples=1)
    watched = train_adapter(hand, name="watched", recipe=recipe, samples=1, samples_every=2, on_step=look)
    assert watched.losses == pytest.approx(plain.losses, rel=1e-4)
    assert len(sheets) == 2
    photo, painted = (np.asarray(s).astype(int) for s in np.split(np.asarray(sheets[-1]), 2, axis=1))
    assert photo.shape == painted.shape
    assert np.abs(photo - painted).mean() > 5
    assert sorted(p.name for p in zoo.iterdir()) == ["plain", "watched"]


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])  # whatever this processor would choose
def test_where_nothing_helps_the_style_is_as_its_pictures_give_it(
    dtype: str, hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preview's tuning is left as well, or photos would begin elsewhere."""

    def elsewhere(_: Preview, measured: Tensor, *__: object, **___: object) -> Tensor:
        return torch.cat((measured[:9], 1.5 * measured[9:]))

    monkeypatch.setattr(train, "tuned", elsewhere)
    monkeypatch.setattr(choice, "SHARES", (0.0,))
    recipe, options = AdapterRecipe(steps=3, size=64), ModelOptions(device="cpu", dtype=dtype)
    report = train_adapter(hand, name="mine", recipe=recipe, options=options, samples=1)
    assert report.kept == 0
    for engine, before in report.before.items():
        assert asdict(report.after[engine]) == pytest.approx(asdict(before), abs=2e-3)


def test_a_report_says_how_good_it_is(hand: Path, zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the starter, by the command; three steps teach nothing, and the report is of what was painted all the same."""
    assert command("train", hand, "--name", "mine", "--steps", "3", "--size", "64", "--samples", "1", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["pictures"] == 6
    assert report["held"] == 1
    assert report["kept"] in SHARES
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
    assert command("train", hand, "--name", "mine") == 2
    assert "give overwrite" in capsys.readouterr().err
    assert command("adapters", "remove", "mine") == 0
    assert not (zoo / "mine").exists()
    assert command("adapters", "remove", "starter") == 2
    assert command("adapters", "info", "starter") == 0


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../evil"}, "no name for an adapter"),
        ({"name": "starter"}, "comes with diffstyle"),
        ({"steps": 0}, "steps is 0"),
        ({"rank": 0}, "rank is 0"),
        ({"learning-rate": "nan"}, "learning_rate is nan"),
        ({"kind": "stats"}, "kind"),
        ({"samples": -1}, "samples is -1"),
        ({"pictures": "empty"}, "Found no pictures"),
        ({"pictures": "nowhere"}, "Cannot read the folder"),
        ({"pictures": "one"}, "Found 1 usable picture in"),
        ({"pictures": "same"}, "shows the same as"),
        ({"pictures": "text"}, "this is not a picture"),
        ({"model": "nowhere"}, "nowhere"),
        ({"zoo": "a file"}, "Cannot make the folder"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_said(
    change: dict[str, Any],
    message: str,
    hand: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("empty", "one", "same", "text"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "a.png").write_bytes((hand / "0.png").read_bytes())
    for n in range(4):
        (tmp_path / "same" / f"{n}.png").write_bytes((hand / "0.png").read_bytes())
        (tmp_path / "text" / f"{n}.png").write_bytes(b"words")
    if change.pop("zoo", None):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(tmp_path / "file" / "zoo"))
    pictures = tmp_path / change.pop("pictures") if "pictures" in change else hand
    arguments = {"name": "mine", "steps": 1, **change}
    flags = [part for k, v in arguments.items() for part in (f"--{k}", v)]
    assert command("train", pictures, *flags) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("adapter.toml"))


def test_an_adapter_of_another_model_is_said(
    zoo_of_both: Path,
    photo_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(zoo_of_both))
    for kind in KINDS:
        assert command("stylize", photo_file, "-s", f"adapter:my-{kind}", "-o", tmp_path / "x.png") == 2
        assert f"my-{kind} is for" in capsys.readouterr().err
    assert command("stylize", photo_file, "-s", "adapter:my-lorra", "-o", tmp_path / "x.png") == 2
    assert "did you mean" in capsys.readouterr().err
    assert command("stylize", photo_file, "-s", "adapter:starter", "-o", tmp_path / "x.png") == 2
    assert "paints any style" in capsys.readouterr().err
    assert adapters_folder() == zoo_of_both
