"""`texture`: strokes as numbers, and what carrying them over must do and must leave."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from diffstyle import InputError, Picture, Style, StyleEncoder, Stylizer
from diffstyle.adapters import strokes
from diffstyle.adapters.strokes import KERNELS, QUANTILES, SCALES, SIDE, SPACE, Strokes, StrokesAdapter
from diffstyle.controls import texture
from diffstyle.controls.texture import Texture, Wanted
from diffstyle.core.mask import Mask
from diffstyle.core.picture import MIN_SIDE
from diffstyle.core.task import EngineName
from diffstyle.evaluation.measures import structure, texture_distance
from diffstyle.evaluation.pictures import small
from diffstyle.formats.safetensors import write_safetensors
from diffstyle.ops.luma import box, luma
from diffstyle.training.clip.pool import Pool
from diffstyle.training.starter.looks import Looks
from diffstyle.training.strokes import StrokesRecipe, fit_strokes
from tests.conftest import waves

every_engine = pytest.mark.parametrize("engine", get_args(EngineName))


def hatched(width: int, height: int, pitch: float = 5) -> Picture:
    """Fine dark lines on a light ground."""
    y, x = np.mgrid[0:height, 0:width]
    lines = 0.75 + 0.25 * np.sign(np.sin(2 * np.pi * (x + 0.6 * y) / pitch))
    return Picture.from_array(np.repeat(lines[..., None], 3, 2).astype(np.float32))


def everywhere(light: Tensor) -> tuple[Tensor, Tensor]:
    return torch.full_like(light, -9.0), torch.full_like(light, 9.0)


SWELL = Picture.from_array(waves(224, 224, seed=9))


def tiled(picture: Picture) -> Picture:
    """As a style of 512 pixels a side, at which strokes are measured: as coarse as in a painting of its own size."""
    return Picture(picture.pixels.repeat(1, 3, 3)[:, :512, :512].contiguous())


def distance(a: Picture, b: Picture) -> float:
    return texture_distance(small(a), small(b))


@pytest.fixture(scope="module")
def square_photo(photo: Picture) -> Picture:
    return photo.resized((224, 224))


def test_the_kernels_are_an_orthonormal_bank_without_means() -> None:
    bank = strokes.kernels().flatten(1)
    assert bank.shape == (KERNELS, SIDE * SIDE)
    assert torch.allclose(bank @ bank.T, torch.eye(KERNELS), atol=1e-5)
    assert bank.mean(1).abs().max() < 1e-6


def test_strokes_are_the_same_within_mixed_precision(stylizer: Stylizer, photo: Picture) -> None:
    """Where an adapter is trained, networks compute in bfloat16; what strokes are must not depend on that."""
    wanted = [Wanted(strokes.table(strokes.measured(SWELL), "swell"), None)]
    carrier = Texture(stylizer.engine("adain"), rounds=2, noise=0.1)
    plain = carrier.change(photo.pixels, photo.pixels, wanted, 0.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(strokes.measured(SWELL), wanted[0].table.flatten())
        assert torch.equal(carrier.change(photo.pixels, photo.pixels, wanted, 0.5), plain)


def test_strokes_know_no_colour_contrast_or_size() -> None:
    picture = Picture.from_array(waves(300, 200, seed=4))
    flat = strokes.measured(picture)
    grey = luma(picture.pixels).expand(3, -1, -1)
    faint = Picture((0.4 * grey + 0.3).contiguous())
    assert torch.allclose(strokes.measured(faint), flat, atol=0.02)
    larger = strokes.measured(picture.resized((600, 400)))
    other = strokes.measured(hatched(300, 200))
    assert (larger - flat).abs().mean() < 0.2 * (other - flat).abs().mean()


def test_a_flat_picture_has_strokes_of_nothing() -> None:
    flat = strokes.measured(Picture(torch.full((3, 40, 60), 0.5)))
    assert torch.isfinite(flat).all()
    assert flat.abs().max() < 0.01


@every_engine
def test_patches_come_nearer_and_edges_stay(engine: EngineName, stylizer: Stylizer, square_photo: Picture) -> None:
    plain, half, full = (
        stylizer.stylize(square_photo, Style.from_image(tiled(SWELL)), engine=engine, texture=t, structure=0.2).picture
        for t in (0.0, 0.5, 1.0)
    )
    reached = [distance(p, SWELL) for p in (plain, half, full)]
    assert reached[2] < 0.85 * reached[0]
    assert reached[2] < reached[1] < reached[0]
    lost = structure(small(plain), small(square_photo)) - structure(small(full), small(square_photo))
    assert lost < 0.15


def test_only_lightness_changes(stylizer: Stylizer, square_photo: Picture) -> None:
    style = Style.from_image(waves(160, 120, seed=9))
    with_, without = (stylizer.stylize(square_photo, style, engine="adain", texture=t).picture for t in (1.0, 0.0))
    change = with_.pixels - without.pixels
    inside = ((with_.pixels > 0) & (with_.pixels < 1)).all(0)
    assert change.abs().max() > 0.01
    assert (change.amax(0) - change.amin(0))[inside].max() < 1e-5


def test_structure_says_how_much_of_the_edges_may_go(stylizer: Stylizer, square_photo: Picture) -> None:
    style = Style.from_image(tiled(SWELL))
    kept = [
        structure(
            small(stylizer.stylize(square_photo, style, engine="adain", texture=1, structure=s).picture),
            small(square_photo),
        )
        for s in (0.0, 0.2, 1.0)
    ]
    assert kept[0] < kept[1] < kept[2]


def test_lost_edges_are_brought_back_as_far_as_structure_asks(stylizer: Stylizer, square_photo: Picture) -> None:
    """A painting that has lost nearly all of the photo gets its edges back, and one that has kept them no more."""
    blurred = box(box(square_photo.pixels, 31), 31)
    carrier, photo = Texture(stylizer.engine("adain"), rounds=0), square_photo.pixels
    wanted = [Wanted(strokes.table(strokes.measured(SWELL), "swell"), None)]  # which no rounds carry over

    def kept(asked: float) -> float:
        brought_back = blurred + carrier.change(blurred, photo, wanted, asked)
        return structure(small(Picture(brought_back.clamp(0, 1))), small(square_photo))

    lost = structure(small(Picture(blurred)), small(square_photo))
    assert lost + 0.1 < kept(0.0) < kept(0.5) < kept(1.0)
    assert kept(1.0) > 0.9
    assert carrier.change(photo, photo, wanted, 0.5).abs().max() < 1e-6


def test_the_model_says_whether_strokes_are_carried(stylizer: Stylizer, diffuser: Stylizer, painting: Style) -> None:
    photo = Picture.from_array(waves(64, 48))
    usual: dict[EngineName, float] = {"adain": 0.0, "diffusion": 1.0}
    for engine, own in usual.items():
        task = stylizer.stylize(photo, painting, engine=engine).task
        assert task.texture == own
        assert all((SPACE in r.statistics) == bool(own) for r in task.style.references)
    assert diffuser.stylize(photo, painting, engine="diffusion").task.texture == 0  # nobody looked at it with strokes


def test_a_part_gets_the_strokes_of_its_own_style(stylizer: Stylizer, square_photo: Picture) -> None:
    left = np.zeros((224, 224), np.uint8)
    left[:, :112] = 255
    fine, coarse = Style.from_image(hatched(512, 512, 6)), Style.from_image(hatched(512, 512, 40))
    painted = [
        stylizer.stylize(square_photo, coarse, regions=[(Mask.of(left), s)], engine="diffusion", texture=1).picture
        for s in (fine, coarse)
    ]
    change = (painted[0].pixels - painted[1].pixels).abs().mean((0, 1))
    assert change[:100].mean() > 4 * change[124:].mean()


def test_a_saved_style_has_its_strokes_without_its_picture(
    stylizer: Stylizer, square_photo: Picture, tmp_path: Path
) -> None:
    style = Style.from_image(hatched(200, 300))
    path = stylizer.measure(style, "diffusion").save(tmp_path / "hatched.style.safetensors")
    painted = [stylizer.stylize(square_photo, s, engine="diffusion").picture for s in (style, Style.load(path))]
    assert painted[0] == painted[1]


def test_a_blend_lies_between_its_parts() -> None:
    a, b = (Style.from_image(hatched(200, 200, p)) for p in (5, 25))
    measure = Strokes().measure
    ends = [strokes.blended(measure(s)) for s in (a, b)]
    middle = strokes.blended(measure(Style.mix({a: 0.5, b: 0.5})))
    assert ends[0] is not None
    assert ends[1] is not None
    assert middle is not None
    assert torch.allclose(middle, (ends[0] + ends[1]) / 2, atol=1e-5)


def test_words_have_strokes_and_unlike_words_unlike_ones(stylizer: Stylizer) -> None:
    tables = [
        strokes.blended(Strokes().measure(stylizer.encoder.encode(Style.from_text(t))))
        for t in ("pencil drawing", "colour field painting")
    ]
    assert tables[0] is not None
    assert tables[1] is not None
    assert (tables[0] - tables[1]).abs().mean() > 0.05
    rising = tables[0].view(SCALES, KERNELS, QUANTILES).diff(dim=-1)
    assert rising.min() >= 0


def test_only_what_was_seen_or_embedded_has_strokes(stylizer: Stylizer) -> None:
    known = stylizer.measure(Style.from_image(waves(80, 80)), "adain").references[0].statistics
    bare = Style.from_embedding(torch.ones(8), "elsewhere/space")
    assert strokes.blended(Strokes().measure(bare)) is None
    assert SPACE not in known


def test_damaged_strokes_are_refused() -> None:
    for flat in (torch.zeros(7), torch.full((SCALES * KERNELS * QUANTILES,), float("nan"))):
        with pytest.raises(InputError, match=r"strokes of the style x are damaged"):
            strokes.table(flat, "x")


def test_a_file_that_is_no_strokes_adapter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    write_safetensors(path, {"weight": torch.zeros(3)}, {"format": "other"})
    with pytest.raises(InputError, match="not a strokes adapter"):
        StrokesAdapter.load(path)


@pytest.mark.parametrize("size", [(MIN_SIDE, MIN_SIDE), (MIN_SIDE, 90), (131, 57)])
def test_pictures_of_any_size_are_carried(size: tuple[int, int], stylizer: Stylizer, painting: Style) -> None:
    photo = Picture.from_array(waves(*size))
    assert stylizer.stylize(photo, painting, engine="adain", texture=1).picture.size == size


def test_the_adapter_is_fitted_to_pictures_and_captions(tmp_path: Path) -> None:
    pictures = [hatched(160, 120, pitch) for pitch in (5, 6, 7, 24, 26, 28)]
    none = np.zeros(6, np.int64)
    pool = Pool(
        [p.to_array() for p in pictures], np.zeros((6, 0), np.int8), none, none, none, np.zeros((6, 0), np.float32), ()
    )
    embeddings = torch.nn.functional.normalize(
        torch.tensor([[1.0, 0.1 * n, 0] if n < 3 else [0, 0.1 * n, 1.0] for n in range(6)]), dim=1
    )
    looks = Looks(pool, [], embeddings, torch.zeros(6, 1), embeddings[:, None], torch.zeros(6, 1, 1))
    recipe = StrokesRecipe(components=3, shrinkage=0.01)
    adapter = fit_strokes(looks, recipe, space=StyleEncoder.load().space, out=tmp_path)
    adapter.save(tmp_path / "fitted.safetensors")
    loaded = StrokesAdapter.load(tmp_path / "fitted.safetensors")
    truth = torch.stack([strokes.measured(p) for p in pictures])
    told = loaded(embeddings)
    assert (told - truth).abs().mean() < 0.3 * (truth.mean(0) - truth).abs().mean()
    assert (tmp_path / "strokes.safetensors").exists()


def test_what_is_calm_gets_no_grain(stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The faint noise of a sky is not made into strokes, which it would be if all were carried alike."""
    painted = Picture.from_array(waves(256, 256, seed=4)).pixels.clone()
    sky = 0.6 + 0.002 * torch.randn(3, 256, 128, generator=torch.Generator().manual_seed(0))
    painted[..., :128] = sky
    wanted = [Wanted(strokes.table(strokes.measured(hatched(512, 512)), "hatching"), None)]
    carrier = Texture(stylizer.engine("adain"), rounds=4)
    monkeypatch.setattr(texture, "reach", everywhere)

    def grain() -> float:
        return float(carrier.change(painted, painted, wanted, 0.0)[..., 16:96].std())

    calm = grain()
    monkeypatch.setattr(texture, "stir", torch.ones_like)
    assert calm < 0.5 * grain()


def test_what_is_dark_gets_no_bright_rim(stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a dark shape the ground is as light as elsewhere, which it would not be if strokes knew no bounds."""
    random = torch.Generator().manual_seed(0)
    painted = 0.6 + 0.01 * torch.randn(3, 256, 256, generator=random)
    painted[:, 96:160, 96:160] -= 0.5
    painted = box(painted, 9)
    dots = 0.1 + 0.8 * (torch.rand(1, 128, 128, generator=random) > 0.97).kron(torch.ones(1, 4, 4)).expand(3, -1, -1)
    wanted = [Wanted(strokes.table(strokes.measured(Picture(dots)), "dots"), None)]
    carrier = Texture(stylizer.engine("adain"), rounds=4)

    def rim() -> float:
        light = luma(painted)[0] + carrier.change(painted, painted, wanted, 0.0)[0]
        return float(light[76:94, 96:160].amax(0).mean()) - 0.6

    bounded = rim()
    monkeypatch.setattr(texture, "reach", everywhere)
    assert bounded < 0.01 < 0.1 < rim()


@every_engine
def test_seeds_differ_in_strokes_and_not_in_shapes(
    engine: EngineName, stylizer: Stylizer, square_photo: Picture
) -> None:
    style = Style.from_image(tiled(SWELL))
    one, again, other = (
        stylizer.stylize(square_photo, style, engine=engine, texture=1, seed=n).picture for n in (0, 0, 1)
    )
    assert one == again
    assert 0.002 < float((one.pixels - other.pixels).abs().mean()) < 0.05
    assert structure(small(one), small(other)) > 0.9


@pytest.mark.parametrize("words", ["watercolour", "oil painting"])
def test_seeds_differ_in_strokes_and_leave_no_grain(words: str, stylizer: Stylizer) -> None:
    """What differs between two seeds is what is left of the noise: 0.037 from `denoise` 0.05, where grain is seen."""
    photo = Picture.from_array(waves(192, 192))
    one, other = (stylizer.stylize(photo, Style.from_text(words), engine="diffusion", seed=n).picture for n in (0, 1))
    assert 0.002 < float((one.pixels - other.pixels).abs().mean()) < 0.028
