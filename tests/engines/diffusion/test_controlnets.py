"""What ControlNets are shown, and how strongly and how long each of them acts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from diffstyle import Diffusion, InputError, Picture, Style, Stylizer
from diffstyle.assets.hub import known_model
from diffstyle.backbones.backbone import Conditioning, Control
from diffstyle.backbones.load import ControlNetSource
from diffstyle.engines.diffusion.controlnet_hints import DRAWN, condition, depth_of
from diffstyle.engines.diffusion.load import parse_controlnet
from tests.helpers import tiny
from tests.helpers.hub import snapshot_folder
from tests.helpers.models import diffusion_engine, load_tiny
from tests.helpers.pictures import largest_difference

QUICK = Diffusion(steps=3)


@pytest.mark.parametrize("conditioning", [c for c in DRAWN if c != "depth"])
def test_a_conditioning_shows_edges_and_nothing_where_it_is_flat(
    conditioning: Conditioning, small_photo: Picture
) -> None:
    shown = condition(small_photo.pixels, conditioning)
    assert shown.shape == small_photo.pixels.shape
    assert 0 <= float(shown.min()) < float(shown.max()) <= 1
    flat = condition(torch.full((3, 40, 60), 0.4), conditioning)
    assert float(flat.std((1, 2)).max()) < 1e-4
    if conditioning != "tile":
        edge = torch.zeros(3, 40, 60)
        edge[:, :, 30:] = 1
        found = condition(edge, conditioning)[0].mean(0)
        assert 27 <= int(found.argmax()) <= 32
        assert float(found[:20].max()) < 0.05


def test_depth_needs_its_model(small_photo: Picture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="models pull depth"):
        condition(small_photo.pixels, "depth")


def test_depth_is_estimated_by_transformers(small_photo: Picture, tmp_path: Path) -> None:
    shown = depth_of(small_photo.pixels, tiny.depth_model(tmp_path / "dpt"))
    assert shown.shape == small_photo.pixels.shape
    assert float(shown.min()) == 0
    assert float(shown.max()) > 0.9
    assert torch.equal(shown[0], shown[2])


def test_the_depth_model_is_among_the_weights(
    diffuser: Stylizer,
    tiny_models: Path,
    small_photo: Picture,
    painting: Style,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    depth = f"{tiny_models / 'wordless' / 'controlnet'}:depth"
    stylizer = load_tiny(tiny_models, "wordless", controlnet=[depth])
    with pytest.raises(InputError, match="models pull depth"):
        stylizer.stylize(small_photo, painting, engine=QUICK)
    tiny.depth_model(snapshot_folder(tmp_path, known_model("depth").repository))
    result = stylizer.stylize(small_photo, painting, engine=QUICK)
    assert "depth model.safetensors" in result.weights
    assert result.picture != diffuser.stylize(small_photo, painting, engine=QUICK).picture
    assert "depth model.safetensors" not in diffusion_engine(diffuser).weights


def test_several_controlnets_act_each_by_its_scale_and_range(
    tiny_models: Path, small_photo: Picture, painting: Style
) -> None:
    net = tiny_models / "wordless" / "controlnet"

    def paint(*nets: str) -> Picture:
        stylizer = load_tiny(tiny_models, "wordless", controlnet=nets)
        return stylizer.stylize(small_photo, painting, engine=QUICK).picture

    one, off = paint(f"{net}:canny"), paint(f"{net}:canny", f"{net}:tile:0")
    assert largest_difference(off, one) <= 1e-4
    assert paint(f"{net}:canny", f"{net}:tile:1") != off
    assert paint(f"{net}:canny:1:0-0.4") != one


def test_structure_is_how_strongly_the_controlnet_acts(
    diffuser: Stylizer, small_photo: Picture, painting: Style
) -> None:
    without, *held = [
        diffuser.stylize(small_photo, painting, engine=QUICK, structure=s).picture for s in (0.0, 0.1, 0.5)
    ]
    assert 0 < largest_difference(held[0], without) < largest_difference(held[1], without)


def test_a_model_without_controlnet_says_that_it_ignores_structure(
    worded: Stylizer, small_photo: Picture, painting: Style
) -> None:
    result = worded.stylize(small_photo, painting, engine=QUICK, structure=0.9)
    assert "Structure ignored: it needs a ControlNet." in result.picture.notes


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
def test_a_controlnet_is_named_with_conditioning_scale_and_range(text: str, expected: ControlNetSource) -> None:
    assert parse_controlnet(text) == expected


@pytest.mark.parametrize("text", ["net", "net:sketch", "net:canny:1:0.5-0.5", "net:canny:1:0.8-0.2", "net:canny:x"])
def test_a_controlnet_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="net"):
        parse_controlnet(text)
