"""Self-attention that looks at style pictures: StyleID and Style Aligned, on tiny random models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from diffstyle import Diffusion, InputError, Picture, Style, Stylizer
from diffstyle.core.mask import Mask
from diffstyle.engines.diffusion.inversion import inverted
from diffstyle.engines.diffusion.policy import INVERTED
from diffstyle.engines.diffusion.self_attention import (
    BranchedAttention,
    Branches,
    Method,
    branched,
    self_attention_layers,
    shares_of,
    with_statistics_of,
)
from tests.helpers.models import bare_backbone, diffusion_engine, load_tiny
from tests.helpers.pictures import largest_difference

KINDS = ("inject", "share")
LEVELS = (700, 300)


@pytest.fixture(scope="module")
def unet(tiny_models: Path) -> Any:
    return bare_backbone(tiny_models, "worded").unet


@pytest.fixture
def latents(unet: Any) -> Tensor:
    return torch.randn(3, int(unet.config.in_channels), 8, 12, generator=torch.Generator().manual_seed(0))


def predicted(unet: Any, sample: Tensor, level: int = 700) -> Tensor:
    words = torch.zeros(len(sample), 3, int(unet.config.cross_attention_dim))
    with torch.no_grad():
        return unet(sample, torch.tensor(level), words, return_dict=False)[0]


def beside(photo: Tensor, *styles: Tensor) -> Branches:
    shares = torch.full((len(styles), *photo.shape[-2:]), 1 / len(styles))
    return Branches(LEVELS, photo.expand(2, -1, -1, -1), torch.stack(styles).expand(2, -1, -1, -1, -1), shares)


@pytest.mark.parametrize("kind", KINDS)
def test_ones_own_keys_and_values_change_nothing(unet: Any, latents: Tensor, kind: Any) -> None:
    own = latents[0]
    method = Method(kind=kind, preserved=0.75, temperature=1.0)
    plain = predicted(unet, own[None])
    with branched(unet, beside(own, own), method, self_attention_layers(unet, "")):
        found = predicted(unet, own[None])
    assert torch.allclose(found, plain, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_without_layers_the_branches_change_nothing(unet: Any, latents: Tensor, kind: Any) -> None:
    own, photo, style = latents
    plain = predicted(unet, own[None])
    with branched(unet, beside(photo, style), Method(kind=kind), []):
        assert torch.allclose(predicted(unet, own[None]), plain, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_acts_and_leaves_the_unet_as_it_was(unet: Any, latents: Tensor, kind: Any) -> None:
    own, photo, style = latents
    plain, processors = predicted(unet, own[None]), dict(unet.attn_processors)
    with branched(unet, beside(photo, style), Method(kind=kind), self_attention_layers(unet, "")):
        assert not torch.allclose(predicted(unet, own[None]), plain, atol=1e-3)
    assert unet.attn_processors == processors
    assert "forward" not in vars(unet)
    assert torch.equal(predicted(unet, own[None]), plain)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_does_not_depend_on_its_batch(unet: Any, latents: Tensor, kind: Any) -> None:
    own, photo, style = latents
    with branched(unet, beside(photo, style), Method(kind=kind), self_attention_layers(unet, "")):
        together = predicted(unet, torch.stack([own, style]))
        assert torch.allclose(predicted(unet, own[None]), together[:1], atol=1e-4)


def test_two_equal_styles_act_as_one(unet: Any, latents: Tensor) -> None:
    own, photo, style = latents
    layers, method = self_attention_layers(unet, ""), Method(kind="inject")
    with branched(unet, beside(photo, style), method, layers):
        one = predicted(unet, own[None])
    with branched(unet, beside(photo, style, style), method, layers):
        assert torch.allclose(predicted(unet, own[None]), one, atol=1e-4)


def test_shares_sum_to_one_at_every_level() -> None:
    shares = torch.rand(3, 9, 14, generator=torch.Generator().manual_seed(0))
    for h, w in ((9, 14), (5, 7), (3, 4), (2, 2)):
        found = shares_of(shares, h * w)
        assert found.shape == (3, h * w)
        assert torch.allclose(found.sum(0), torch.ones(h * w))


def test_statistics_are_those_of_the_style() -> None:
    generator = torch.Generator().manual_seed(0)
    style, x = 3 + 2 * torch.randn(1, 2, 50, 4, generator=generator), torch.randn(1, 2, 30, 4, generator=generator)
    found = with_statistics_of(style, x)
    assert torch.allclose(found.mean(2), style.mean(2), atol=1e-4)
    assert torch.allclose(found.std(2), style.std(2), atol=1e-3)


def test_a_processor_made_without_arguments_is_plain_attention(unet: Any, latents: Tensor) -> None:
    plain, processors = predicted(unet, latents), dict(unet.attn_processors)
    names = self_attention_layers(unet, "")
    unet.set_attn_processor({n: BranchedAttention() if n in names else p for n, p in processors.items()})
    found = predicted(unet, latents)
    unet.set_attn_processor(processors)
    assert torch.equal(found, plain)


def test_inversion_undoes_denoising() -> None:
    """With a model that always predicts the same noise, both are exact."""
    alphas = torch.linspace(0.99, 0.05, 1000)
    clean, noise = torch.randn(2, 1, 4, 6, 6, generator=torch.Generator().manual_seed(0))

    def predict(_: Tensor, __: Tensor) -> Tensor:
        return noise

    found = inverted(predict, clean, [800, 300, 500], alphas=alphas, kind="epsilon")
    for n, level in enumerate([800, 500, 300]):
        expected = alphas[level].sqrt() * clean + (1 - alphas[level]).sqrt() * noise
        assert torch.allclose(found[n], expected, atol=1e-5)


@pytest.mark.parametrize("model", ["worded", "wordless", pytest.param("xl", marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", KINDS)
def test_it_paints_and_repeats(
    tiny_models: Path, model: str, kind: Any, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    stylizer = load_tiny(tiny_models, model)
    engine = Diffusion(steps=2, style_attention=kind, guidance=2.0)
    one, again, other = (
        stylizer.stylize(small_photo, s, engine=engine).picture for s in (painting, painting, other_painting)
    )
    assert one == again
    assert one != other
    assert one.size == small_photo.size
    plain = stylizer.stylize(small_photo, painting, engine=Diffusion(steps=2, guidance=2.0)).picture
    unpatched = load_tiny(tiny_models, model).stylize(small_photo, painting, engine=Diffusion(steps=2, guidance=2.0))
    assert plain == unpatched.picture


def test_inject_begins_from_the_whole_inverted_photo(worded: Stylizer) -> None:
    settings = diffusion_engine(worded).resolved(Diffusion(style_attention="inject"))
    assert (settings.start, settings.denoise) == ("content", INVERTED)


def test_queries_of_the_photo_keep_its_layout(worded: Stylizer, small_photo: Picture, painting: Style) -> None:
    def paint(**settings: Any) -> Picture:
        engine = Diffusion(steps=2, style_attention="inject", **settings)
        return worded.stylize(small_photo, painting, engine=engine).picture

    assert paint(query_preservation=1.0) != paint(query_preservation=0.0)
    assert paint(attention_temperature=3.0) != paint(attention_temperature=1.0)
    assert paint(attention_blocks="up_blocks") != paint(attention_blocks="mid_block")


def test_regions_and_strength_0_hold(worded: Stylizer, small_photo: Picture, painting: Style) -> None:
    h, w = small_photo.pixels.shape[1:]
    left = np.zeros((h, w), np.float32)
    left[:, : w // 2] = 1
    engine = Diffusion(steps=2, style_attention="inject")
    regions = [(Mask.of(left), Style.from_text("van gogh"))]
    assert worded.stylize(small_photo, painting, regions=regions, engine=engine).picture != (
        worded.stylize(small_photo, painting, engine=engine).picture
    )
    untouched = worded.stylize(small_photo, painting, strength=0, engine=engine).picture
    assert largest_difference(untouched, small_photo) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tile": 128, "overlap": 32}, "leave tile out"),
        ({"scheduler": "euler-a"}, "cannot follow euler-a"),
        ({"start": "preview"}, "begins from the photo"),
    ],
)
def test_what_cannot_be_combined_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Diffusion(style_attention="inject", **settings)


def test_blocks_that_are_not_there_are_refused(worded: Stylizer, small_photo: Picture, painting: Style) -> None:
    engine = Diffusion(steps=2, style_attention="share", attention_blocks="up_blocks.9")
    with pytest.raises(InputError, match="no self-attention there"):
        worded.stylize(small_photo, painting, engine=engine)
