"""Pictures that are optimised: presets, layers, optimisers, moments, and going on after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from diffstyle import Cancelled, InputError, Picture, Style, Stylizer, Task
from diffstyle.core.mask import Mask
from diffstyle.engines.base import Step
from diffstyle.engines.gatys.objective import objective
from diffstyle.engines.gatys.settings import Gatys
from diffstyle.engines.gaussian.settings import Gaussian
from diffstyle.engines.optimised import resume
from diffstyle.engines.optimised.descent import Descent, Loss, Moments, Snapshot
from diffstyle.engines.optimised.loop import optimise
from diffstyle.engines.optimised.reader import Reader
from diffstyle.engines.optimised.scene import Exemplar, Part, Scene
from diffstyle.engines.optimised.settings import Optimised, Optimizer
from diffstyle.engines.strotss.settings import Strotss
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from tests.helpers.models import CPU
from tests.helpers.pictures import mean_difference, waves

FEW = {"iterations": 3, "scales": 2}


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load("efficientnet-lite0", None, CPU)


def picture(seed: int) -> Tensor:
    """(1, 3, 32, 32)."""
    return torch.from_numpy(waves(32, 32, seed=seed)).permute(2, 0, 1)[None].float() / 255


def gatys_loss(reader: Reader, *, recompute: bool = False) -> Loss:
    photo = picture(1)
    return objective(
        Scene(
            reader=reader,
            photo=photo,
            content=photo,
            parts=[Part([Exemplar(picture(2), 1.0)])],
            style_layers={"rgb": 1.0, "stem": 1.0, "block1": 1.0},
            content_layers={"block2": 1.0},
            content_weight=1.0,
            style_weight=1.0,
            strength=1.0,
            seed=0,
            level=0,
            levels=1,
            recompute=recompute,
            shifted=False,
            literature=False,
        )
    )


def descent(optimizer: Optimizer, iterations: int, rate: float = 0.03) -> Descent:
    return Descent(optimizer=optimizer, iterations=iterations, rate=rate, decay=0.05, bands=1)


def ignore(n: int, shown: Tensor) -> None:
    del n, shown


def test_both_optimisers_reach_the_same_loss(reader: Reader) -> None:
    loss = gatys_loss(reader)
    reached: list[float] = []
    for chosen in (descent("adam", 200), descent("lbfgs", 150)):
        out, _ = optimise(picture(1), loss, chosen, ignore)
        reached.append(float(loss(out, 0)))
    assert max(reached) < 0.5 * float(loss(picture(1), 0))
    assert reached[0] == pytest.approx(reached[1], rel=0.02)


def test_recomputed_activations_give_the_same_gradient(reader: Reader) -> None:
    gradients: list[Tensor] = []
    for recompute in (False, True):
        start = picture(3).requires_grad_()
        torch.autograd.backward([gatys_loss(reader, recompute=recompute)(start, 0)])
        assert start.grad is not None
        gradients.append(start.grad)
    assert torch.allclose(*gradients, rtol=1e-3, atol=1e-3 * float(gradients[0].abs().max()))


def test_moments_are_carried_to_the_next_size() -> None:
    def loss(x: Tensor, n: int) -> Tensor:
        del n
        return (x - 0.25).square().sum()

    plan = Descent(optimizer="adam", iterations=4, rate=0.01, decay=1.0, bands=3)
    small, moments = optimise(torch.full((1, 3, 16, 16), 0.8), loss, plan, ignore)
    assert moments.steps == 4
    large = torch.nn.functional.interpolate(small, (32, 32))
    carried, after = optimise(large, loss, plan, ignore, moments)
    fresh, _ = optimise(large, loss, plan, ignore)
    assert after.steps == 8
    assert not torch.equal(carried, fresh)
    assert bool(torch.isfinite(carried).all())


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_descent_goes_on_to_the_same_last_bit(optimizer: Optimizer, tmp_path: Path) -> None:
    def loss(x: Tensor, n: int) -> Tensor:
        moved = 0.01 * n if optimizer == "adam" else 0.0  # L-BFGS wants the same loss at every evaluation
        return (x - 0.3 - moved).square().sum() + 30 * (x - 0.5).pow(4).sum() + (x[..., 1:] * x[..., :-1]).sin().sum()

    plan = Descent(optimizer=optimizer, iterations=40, rate=0.02, decay=0.3, bands=2)
    start, before = picture(4), Moments([(torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16))], 5)
    kept: list[tuple[int, Path]] = []

    def keep(make: Callable[[], Snapshot]) -> None:
        snapshot = make()
        kept.append((snapshot.done, tmp_path / f"{snapshot.done}.safetensors"))
        write_safetensors(kept[-1][1], dict(snapshot.tensors))

    evaluated: list[int] = []
    whole, moments = optimise(start, loss, plan, lambda n, _: evaluated.append(n), before, keep=keep)
    assert len(kept) > 12, "L-BFGS has forgotten its first steps"
    for done, path in (kept[0], kept[4], kept[-1]):
        seen: list[int] = []
        state = Snapshot(done, read_safetensors(path)[1])
        again, others = optimise(
            torch.zeros_like(start), loss, plan, lambda n, _, seen=seen: seen.append(n), resumed=state
        )
        assert torch.equal(again, whole)
        assert others.steps == moments.steps
        assert seen == evaluated[done:]


def test_lbfgs_ends_where_nothing_can_be_gained() -> None:
    def loss(x: Tensor, n: int) -> Tensor:
        del n
        return (x - 0.25).square().sum()

    for value in (0.25, 0.3):
        seen: list[int] = []
        start = torch.full((1, 3, 8, 8), value)
        out, _ = optimise(start, loss, descent("lbfgs", 50), lambda n, _, seen=seen: seen.append(n))
        assert torch.allclose(out, torch.full_like(out, 0.25), atol=1e-5)
        assert len(seen) < 50


OPTIMISED: list[Optimised] = [
    Gatys(optimizer="adam"),
    Gatys(optimizer="lbfgs"),
    Gaussian(optimizer="adam"),
    Gaussian(optimizer="lbfgs", pyramid=1),
    Strotss(samples=64),
]


@pytest.mark.parametrize("settings", OPTIMISED, ids=lambda s: f"{s.name}-{getattr(s, 'optimizer', 'adam')}")
@pytest.mark.parametrize("calls", [6, 16], ids=["first size", "second size"])
def test_an_interrupted_render_goes_on(
    settings: Optimised,
    calls: int,
    stylizer: Stylizer,
    small_photo: Picture,
    painting: Style,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resume, "EVERY", 0.0)
    monkeypatch.setattr(resume, "cache_folder", lambda: tmp_path)
    settings = replace(settings, iterations=10, scales=2)
    task = Task(small_photo, painting, engine=replace(settings, resume="on"))
    steps: list[Step] = []

    def stop(step: Step) -> bool:
        steps.append(step)
        return len(steps) < calls

    whole = stylizer.render(Task(small_photo, painting, engine=settings)).picture
    with pytest.raises(Cancelled):
        stylizer.render(task, stop)
    assert len(list((tmp_path / "optimisations").iterdir())) == 1
    seen: list[Step] = []
    assert stylizer.render(task, seen.append).picture == whole
    assert len(seen) < 24 - calls + 4, "it has not begun anew"
    assert not list((tmp_path / "optimisations").iterdir())


def test_presets_fill_in_what_is_not_given(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    def filled(settings: Gatys | Gaussian) -> Gatys | Gaussian:
        found = stylizer.prepare(Task(small_photo, painting, engine=settings)).engine
        assert isinstance(found, (Gatys, Gaussian))
        return found

    faithful, bold, texture = (filled(Gatys(preset=p)) for p in ("faithful", "bold", "texture"))
    assert (faithful.style_weight or 0) < (bold.style_weight or 0)
    assert (texture.init, texture.content_layers) == ("noise", "")
    given = filled(Gaussian(preset="bold", iterations=7, style_layers="rgb:0.5,stem", optimizer="lbfgs"))
    assert (given.iterations, given.style_layers, given.optimizer) == (7, "rgb:0.5,stem", "lbfgs")
    assert filled(given) == given


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"style_layers": "relu9_9"}, "style_layers names 'relu9_9': give some of rgb, stem"),
        ({"content_layers": "block3:much"}, "content_layers has the weight 'much'"),
        ({"style_layers": "stem:-1"}, "a number from 0 on"),
        ({"pooling": "average"}, "has no pooling to choose"),
        ({"net": "vgg19"}, "diffstyle models pull vgg19"),
        ({"iterations": 0}, "iterations is 0"),
    ],
)
def test_what_a_network_does_not_have_is_refused(
    stylizer: Stylizer, small_photo: Picture, painting: Style, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        stylizer.prepare(Task(small_photo, painting, engine=Gatys(**settings)))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("init", ["content", "noise", "preview", "painter"])
def test_each_beginning_is_another_picture(
    init: str, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    result = stylizer.stylize(small_photo, painting, engine=Gatys(init=init, **FEW), strength=0.9)  # pyright: ignore
    assert mean_difference(result.picture, small_photo) > 0.02
    expected = {"preview": "starter/preview/preview.safetensors", "painter": "starter/nnst/decoder.safetensors"}
    assert init not in expected or expected[init] in result.weights


def test_total_variation_removes_grain(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    def variation(**own: float) -> float:
        out = stylizer.stylize(small_photo, painting, engine=Gatys(iterations=8, scales=1, **own)).picture  # pyright: ignore
        return float((out.pixels[..., 1:] - out.pixels[..., :-1]).abs().mean())

    plain = variation(edge_aware_tv=0.0)
    assert variation(tv_weight=100.0) < 0.95 * plain
    assert variation(edge_aware_tv=100.0) < plain


@pytest.mark.parametrize("settings", [Gatys(**FEW), Gaussian(**FEW)])  # pyright: ignore
def test_each_region_has_the_statistics_of_its_style(
    settings: Gatys | Gaussian, stylizer: Stylizer, small_photo: Picture
) -> None:
    red, blue = (
        Style.from_image((waves(64, 64) // 4 + np.array(c)).astype(np.uint8)) for c in ([150, 0, 0], [0, 0, 150])
    )
    left = torch.zeros(1, small_photo.height, small_photo.width)
    left[..., : small_photo.width // 2] = 1
    out = stylizer.stylize(small_photo, red, regions=[(Mask(left), blue)], engine=settings).picture
    colours = [half.mean((1, 2)) for half in (out.pixels[..., :50], out.pixels[..., 66:])]
    assert colours[0][2] > colours[0][0] + 0.2
    assert colours[1][0] > colours[1][2] + 0.2
