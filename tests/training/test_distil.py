"""Distilling: examples that are painted once, motion whose flow is exact, and a training that goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from diffstyle import InputError, Picture, Style, Stylizer
from diffstyle.assets.students import student_file
from diffstyle.core.errors import Cancelled
from diffstyle.encoders.features import EfficientNetLite0
from diffstyle.engines.feedforward.settings import Feedforward
from diffstyle.engines.feedforward.student import read_student
from diffstyle.formats.safetensors import read_safetensors
from diffstyle.training.distil.examples import Example, Lesson, draw, paint_examples, split
from diffstyle.training.distil.motion import GRAIN, Motion, grained, steady_losses, warped
from diffstyle.training.distil.objective import Weights, losses, places
from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle.training.distil.report import DistilReport
from diffstyle.training.distil.train import DistilStep, distil
from diffstyle.training.distil.trainer import DistilTrainer
from diffstyle.training.loop import Budget
from tests.helpers.pictures import waves
from tests.helpers.students import students_home

RECIPE = DistilRecipe(size="tiny", steps=3, examples=2, crop=64, batch=2)
STYLES = {"halftone": Style.from_text("halftone"), "one-bit": Style.from_text("one-bit")}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where students and examples are kept, small ones for speed."""
    return students_home(tmp_path, monkeypatch)


def random_examples(count: int, side: int = 80) -> list[Example]:
    """Photos, and as their paintings the photos in negative and in grey."""
    photos = [waves(side, side, seed=n) for n in range(count)]
    greys = [np.repeat(p.mean(2, keepdims=True).astype(np.uint8), 3, 2) for p in photos]
    return [Example(p, (255 - p, g)) for p, g in zip(photos, greys, strict=True)]


def trainer(recipe: DistilRecipe = RECIPE) -> DistilTrainer:
    features = EfficientNetLite0.load()
    return DistilTrainer(features, 2, recipe, budget=Budget(steps=recipe.steps), device=torch.device("cpu"))


def lessons(count: int, recipe: DistilRecipe = RECIPE) -> list[Lesson]:
    found = random_examples(3)
    rng = [np.random.default_rng(n) for n in range(count)]
    return [draw(found, crop=recipe.crop, count=recipe.batch, rng=r) for r in rng]


def test_a_student_is_trained_saved_and_paints(home: Path, stylizer: Stylizer, small_photo: Picture) -> None:
    steps: list[DistilStep] = []
    report = distil(STYLES, name="fast", recipe=RECIPE, on_step=steps.append)
    assert float(torch.tensor(1e-40) * 1.0) > 0  # training flushes denormals, and stops it at the end
    assert [s.done for s in steps if s.stage == "training"] == [1, 2, 3]
    assert [s.done for s in steps if s.stage == "painting"] == [0, 1]
    assert report.folder == home / "students" / "fast"
    assert {p.name for p in report.folder.iterdir()} == {"student.safetensors", "CARD.md", "sheet.jpg"}
    student = read_student(student_file("fast"))
    assert [s.name for s in student.styles] == list(STYLES)
    assert student.recipe == report.recipe
    engine = Feedforward(student="fast")
    one, other = (stylizer.stylize(small_photo, s, engine=engine).picture for s in STYLES.values())
    assert one != other
    with pytest.raises(InputError, match="There is a student called fast"):
        distil(STYLES, name="fast", recipe=RECIPE)


@pytest.mark.long
def test_a_training_that_was_stopped_goes_on(home: Path) -> None:
    whole = distil(STYLES, name="whole", recipe=RECIPE).folder
    tensors = read_safetensors(whole / "student.safetensors")[1]
    for folder in (home / "cache" / "students").glob("*/*"):
        if folder.is_dir():  # the run, not the examples
            (folder / "student.pt").unlink()

    def stop(step: DistilStep) -> bool:
        return step.stage != "training" or step.done < 2

    with pytest.raises(Cancelled):
        distil(STYLES, name="parts", recipe=RECIPE, on_step=stop)
    assert not (home / "students" / "parts").exists()
    steps: list[DistilStep] = []
    parts = distil(STYLES, name="parts", recipe=RECIPE, on_step=steps.append).folder
    assert [(s.stage, s.done) for s in steps] == [("training", 3)]  # no example is painted again
    again = read_safetensors(parts / "student.safetensors")[1]
    assert all(torch.equal(tensors[k], again[k]) for k in tensors)


def test_examples_are_painted_once(home: Path, stylizer: Stylizer) -> None:
    photos = (waves(120, 120, seed=1), waves(120, 100, seed=2))
    painted: list[int] = []

    def on_example(done: int, total: int) -> None:
        assert total == 2
        painted.append(done)

    def make(count: int) -> list[Example]:
        return paint_examples(
            stylizer,
            list(STYLES.values()),
            photos,
            home / "examples",
            count=count,
            seconds=0,
            seed=0,
            on_example=on_example,
        )

    first = make(2)
    assert painted == [0, 1]
    assert len(make(2)) == 2
    assert painted == [0, 1]
    assert len(first[0].paintings) == len(STYLES)
    assert first[0].photo.shape == (80, 80, 3)
    assert int(np.ptp(first[0].paintings[1], 2).max()) < 8  # one-bit is black and white, and waves are not
    assert int(np.ptp(first[0].photo, 2).max()) > 60


def test_one_example_in_eight_is_held_out() -> None:
    found = random_examples(20)
    train, held = split(found)
    assert (len(train), len(held)) == (18, 2)
    train, held = split(found[:2])
    assert (len(train), len(held)) == (1, 1)
    assert train[0] is not held[0]


def test_a_lesson_shows_every_style_equally_often() -> None:
    rng = np.random.default_rng(0)
    rows = torch.cat([draw(random_examples(2), crop=64, count=2, rng=rng).rows for _ in range(20)])
    assert torch.equal(rows.bincount(), torch.tensor([20, 20]))


def test_a_lesson_cuts_photo_and_painting_at_one_place() -> None:
    lesson = draw(random_examples(2), crop=32, count=4, rng=np.random.default_rng(0))
    negative = lesson.rows == 0
    assert torch.equal(lesson.paintings[negative], 255 - lesson.photos[negative])


def test_the_loss_is_lowest_for_the_teachers_painting() -> None:
    net = EfficientNetLite0.load()
    target = torch.from_numpy(waves(64, 64)).permute(2, 0, 1)[None].float() / 255
    at = places(np.random.default_rng(0))[:1].expand(2, -1, -1)  # equal places, so that equal pictures have no loss

    def total(out: torch.Tensor) -> float:
        return float(sum(v for k, v in losses(net, out, target, Weights(), at).items() if k != "variation"))

    assert total(target) == pytest.approx(0, abs=1e-3)  # pyright: ignore[reportUnknownMemberType]
    blurred = torch.nn.functional.avg_pool2d(target, 9, 1, 4, count_include_pad=False)
    assert total(blurred) > 1
    assert total(1 - target) > 1


def test_strokes_may_lie_elsewhere_but_must_be_like_the_teachers() -> None:
    net = EfficientNetLite0.load()
    target = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0)).repeat_interleave(4, 3)[..., :128]
    at = places(np.random.default_rng(0))

    def strokes(out: torch.Tensor) -> float:
        return float(losses(net, out, target, Weights(), at)["strokes"])

    assert strokes(target.roll(64, 2)) < 0.7 * strokes(target.mT)
    assert strokes(target.roll(64, 2)) < 0.7 * strokes(target.mean((2, 3), keepdim=True).expand_as(target))


def test_training_lowers_the_loss_on_photos_it_has_not_seen() -> None:
    recipe = replace(RECIPE, steps=40, learning_rate=5e-3)
    learner, held = trainer(recipe), random_examples(5)[3:]
    before = learner.loss_on(held)
    for lesson in lessons(40, recipe):
        learner.advance([lesson])
    assert learner.loss_on(held) < 0.8 * before


def test_a_still_painting_has_no_temporal_loss_and_a_flickering_one_has() -> None:
    photo = torch.from_numpy(waves(96, 96)).permute(2, 0, 1)[None].float() / 255
    motion = Motion.random(photo, np.random.default_rng(4))
    assert 0.5 < float(motion.seen.mean()) < 1
    exact = torch.cat((photo, motion.frame))
    inner = torch.rand(2, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    still = steady_losses(exact, inner, photo, motion)["steady"]
    flickering = steady_losses(torch.cat((photo, 1 - motion.frame)), inner, photo, motion)["steady"]
    assert float(still) < 0.02 * float(flickering)
    same = torch.cat((inner[:1], warped(inner[:1], motion.grid)))
    assert float(steady_losses(exact, same, photo, motion)["steady_features"]) < 1e-6


def test_every_frame_has_a_camera_noise_of_its_own() -> None:
    grey = torch.full((4, 3, 64, 64), 0.5)
    noise, again = (grained(grey, np.random.default_rng(1)) - grey for _ in range(2))
    assert torch.equal(noise, again)
    assert 0 < float(noise.std((1, 2, 3)).min()) < float(noise.std((1, 2, 3)).max()) < 1.1 * GRAIN
    between = np.corrcoef(noise.flatten(1).numpy())
    assert np.abs(between[~np.eye(4, dtype=bool)]).max() < 0.1
    assert float(grained(grey * 0, np.random.default_rng(1)).min()) >= 0


def test_a_student_for_video_learns_to_be_steady() -> None:
    learner = trainer(replace(RECIPE, video=True))
    (lesson,) = lessons(1)
    terms = learner.advance([lesson])
    assert {"steady", "steady_features", "marks"} <= set(terms)
    assert all(np.isfinite(v) for v in terms.values())


def test_the_report_warns_of_over_fitting() -> None:
    values = DistilReport(
        name="x",
        folder=Path("x"),
        size="tiny",
        styles=("a",),
        parameters=1,
        examples=2,
        steps=1,
        seconds=1.0,
        before=4.0,
        trained=1.0,
        held=1.05,
        recipe="",
    )
    assert not values.warnings
    assert "give more photos" in replace(values, held=1.3).warnings[0]
    assert "give more minutes" in replace(values, before=1.2).warnings[0]
    assert "give more photos" in replace(values, held=1.3).card()
    further = replace(values, before=1.2, start="fast, without 35% of its channels")
    assert not further.warnings  # it began with what that student had learned
    assert "- begun with fast, without 35% of its channels\n" in further.card()


def test_what_cannot_be_trained_gets_a_sentence(home: Path) -> None:
    with pytest.raises(InputError, match="a student paints 1 to 64"):
        distil({}, name="none", recipe=RECIPE)
    with pytest.raises(InputError, match="is not a valid name"):
        distil(STYLES, name="a/b", recipe=RECIPE)
    with pytest.raises(InputError, match="comes with diffstyle"):
        distil(STYLES, name="starter", recipe=RECIPE)
    with pytest.raises(InputError, match="Found no photos"):
        distil(STYLES, name="none", recipe=RECIPE, photos=home)
    with pytest.raises(InputError, match="crop is 63"):
        DistilRecipe(crop=63)
