"""The ComfyUI nodes, on a stand-in for ComfyUI's node interface: see comfyui_stand_in/README.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffstyle import Diffusion, InputError, Picture, Settings, Style, Stylizer, __version__
from diffstyle.assets.manifest import read_toml
from diffstyle.core.fields import fields_of
from diffstyle.core.model_options import ModelOptions
from diffstyle.engines.registry import engine_names, settings_class
from tests.conftest import ROOT
from tests.plugins.comfyui_host import execute, loaded, problems, run

PLUGIN = ROOT / "plugins" / "comfyui"
WORKFLOWS = sorted((PLUGIN / "example_workflows").glob("*.json"))


@pytest.fixture(scope="module")
def nodes() -> Iterator[dict[str, Any]]:
    with loaded(PLUGIN) as found:
        yield found


@pytest.fixture
def folders(nodes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ComfyUI's folders: `input` and `output`."""
    del nodes
    import folder_paths

    for name in ("input", "output"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(folder_paths, f"{name}_directory", str(tmp_path / name))
    return tmp_path


@pytest.fixture
def image(small_photo: Picture) -> Tensor:
    """An IMAGE of one photo."""
    return as_image(small_photo)


def as_image(*pictures: Picture) -> Tensor:
    return torch.stack([p.pixels for p in pictures]).movedim(1, -1)


def settings_of(node: Any, **changed: Any) -> dict[str, Any]:
    """The defaults of a node's widgets, with some changed."""
    declared = node.INPUT_TYPES()["required"]
    return {name: options["default"] for name, (_, options) in declared.items() if "default" in options} | changed


def stylised(nodes: dict[str, Any], model: Stylizer, image: Tensor, style: Style, **changed: Any) -> Tensor:
    node = nodes["DiffstyleStylise"]
    out = execute(node, model=model, image=image, style=style, **settings_of(node, **{"engine": "adain", **changed}))
    return out.args[0]


def test_widgets_are_the_settings(nodes: dict[str, Any]) -> None:
    declared = nodes["DiffstyleStylise"].INPUT_TYPES()["required"]
    for info in fields_of(Settings):
        kind, options = declared[info.name]
        assert options["tooltip"].startswith(info.help)
        if info.choices:
            assert (kind, options["options"], options["default"]) == ("COMBO", [*info.choices], info.default)
        else:
            assert info.bounds is not None
            assert kind == {int: "INT", float: "FLOAT"}[info.kind]
            assert options["max"] == info.bounds[1]
            assert options["min"] == (0 if info.optional else info.bounds[0])
            assert options["default"] == (info.default or 0)
    assert declared["engine"][1]["options"] == ["auto", *engine_names()]
    assert declared["seed"][1]["control_after_generate"] is True
    loads = nodes["DiffstyleLoadModel"].INPUT_TYPES()["required"]
    assert list(loads) == [info.name for info in fields_of(ModelOptions)]


def test_defaults_paint_what_the_api_paints(
    nodes: dict[str, Any], stylizer: Stylizer, image: Tensor, small_photo: Picture, painting: Style
) -> None:
    painted = stylised(nodes, stylizer, image, painting, engine="auto", strength=0.7)
    same = stylizer.stylize(small_photo, painting, strength=0.7).picture
    assert torch.equal(painted, as_image(same))


def test_load_model_takes_every_option(
    nodes: dict[str, Any], tiny_models: Path, image: Tensor, painting: Style
) -> None:
    node = nodes["DiffstyleLoadModel"]
    adapter = str(tiny_models / "wordless.adapter.safetensors")
    given = settings_of(node, model=str(tiny_models / "wordless"), adapter=f"{adapter}\n", device="cpu")
    (model,) = execute(node, **{**given, "dtype": "float32"}).args
    assert model.options.adapter == (adapter,)
    assert model.options.encoder is None
    painted = stylised(nodes, model, image, painting, engine="diffusion")
    assert painted.shape == image.shape
    with pytest.raises(InputError, match="nowhere"):
        execute(node, **{**given, "model": "nowhere"})


def test_a_batch_paints_each_image_with_its_seed(
    nodes: dict[str, Any], diffuser: Stylizer, image: Tensor, painting: Style
) -> None:
    batch = stylised(nodes, diffuser, image.repeat(2, 1, 1, 1), painting, engine="auto", seed=5)
    for n in range(2):
        alone = stylised(nodes, diffuser, image, painting, engine="auto", seed=5 + n)
        assert torch.equal(batch[n], alone[0])
    assert not torch.equal(batch[0], batch[1])
    most = Settings(seed=2**63 - 1).seed
    assert len(stylised(nodes, diffuser, image.repeat(2, 1, 1, 1), painting, engine="auto", seed=most)) == 2


def test_alpha_and_precision_survive(
    nodes: dict[str, Any], stylizer: Stylizer, cut_out: Picture, painting: Style
) -> None:
    assert cut_out.alpha is not None
    fine = torch.cat([cut_out.pixels * 0.999, cut_out.alpha]).movedim(0, -1)[None]  # between the steps of 8 bits
    assert torch.equal(stylised(nodes, stylizer, fine, painting, strength=0.0), fine)
    painted = stylised(nodes, stylizer, fine, painting)
    assert torch.equal(painted[..., 3], fine[..., 3])
    assert not torch.equal(painted * 255, (painted * 255).round())
    over = fine * 1.2 - 0.1  # as upscalers leave it
    assert torch.equal(stylised(nodes, stylizer, over, painting, strength=0.0), over.clamp(0, 1))


def test_masks_hold_one_by_one(nodes: dict[str, Any], stylizer: Stylizer, image: Tensor, painting: Style) -> None:
    batch = image.repeat(2, 1, 1, 1)
    mask = torch.zeros(batch.shape[:3])
    mask[1] = 1
    painted = stylised(nodes, stylizer, batch, painting, mask=mask)
    assert torch.equal(painted[0], batch[0])
    assert not torch.equal(painted[1], batch[1])
    half = torch.zeros(image.shape[1:3])
    half[:, 60:] = 1
    one = stylised(nodes, stylizer, batch, painting, mask=half)
    assert torch.equal(one[:, :, :60], batch[:, :, :60])
    assert not torch.equal(one, batch)
    with pytest.raises(InputError, match="2 images and 3 masks"):
        stylised(nodes, stylizer, batch, painting, mask=torch.ones(3, 8, 8))


def test_progress_and_interrupt(nodes: dict[str, Any], stylizer: Stylizer, image: Tensor, painting: Style) -> None:
    from comfy import model_management, utils

    batch = image.repeat(2, 1, 1, 1)
    before = stylised(nodes, stylizer, batch, painting, engine="nnst")
    bar = utils.ProgressBar.made[-1]
    values = [value / total for value, total, _ in bar.updates]
    assert values == sorted(values)
    assert any(0.4 < v < 0.6 for v in values)
    assert values[-1] == 1
    model_management.interrupt_current_processing()
    with pytest.raises(model_management.InterruptProcessingException):
        stylised(nodes, stylizer, batch, painting, engine="nnst")
    assert torch.equal(stylised(nodes, stylizer, batch, painting, engine="nnst"), before)


def test_styles_are_those_of_the_api(
    nodes: dict[str, Any], folders: Path, painting: Style, painting_file: Path, image: Tensor
) -> None:
    def made(node: str, **given: Any) -> Style:
        return execute(nodes[node], **given).args[0]

    words = made("DiffstyleStyleFromText", text="blue mosaic")
    assert words == Style.from_text("blue mosaic")
    flipped = torch.cat([image, image.flip(1)])
    parts = [Picture.from_array(one.numpy()) for one in flipped]
    assert made("DiffstyleStyleFromImages", images=flipped, collection=False) == Style.from_images(parts)
    assert made("DiffstyleStyleFromImages", images=flipped, collection=True) == Style.from_collection(parts)
    (folders / "input" / "a.jpg").write_bytes(painting_file.read_bytes())
    assert made("DiffstyleStyleFromFile", file="a.jpg") == Style.from_image(painting_file)
    blend = made("DiffstyleBlendStyles", style_1=words, style_2=painting, weight_1=1.0, weight_2=3.0, weight_3=9.0)
    assert blend == Style.mix([(words, 1), (painting, 3)])
    assert made("DiffstyleNamedStyle", name="van-gogh-starry-night").name


def test_saved_styles_paint_the_same_and_nothing_is_overwritten(
    nodes: dict[str, Any], folders: Path, stylizer: Stylizer, image: Tensor, painting: Style
) -> None:
    save, load = nodes["DiffstyleSaveStyle"], nodes["DiffstyleStyleFromFile"]
    first, second = (execute(save, model=stylizer, style=painting, name="mine/blue").args[0] for _ in range(2))
    assert Path(first) == folders / "output" / "mine" / "blue.style.safetensors"
    assert Path(second).name == "blue_00001.style.safetensors"
    (again,) = execute(load, file="mine/blue.style.safetensors").args
    expected = stylised(nodes, stylizer, image, painting)
    assert torch.allclose(stylised(nodes, stylizer, image, again), expected, atol=1e-4)
    state = load.fingerprint_inputs(file="mine/blue.style.safetensors")
    assert load.fingerprint_inputs() == load.fingerprint_inputs(file="missing") == ""
    execute(save, model=stylizer, style=Style.from_text("blue mosaic"), name="other")
    Path(first).write_bytes((folders / "output" / "other.style.safetensors").read_bytes())
    assert load.fingerprint_inputs(file="mine/blue.style.safetensors") != state


def test_files_elsewhere_are_out_of_reach(
    nodes: dict[str, Any], folders: Path, stylizer: Stylizer, painting: Style, painting_file: Path
) -> None:
    for name in (str(painting_file), f"../{painting_file.name}", "missing.safetensors", ""):
        with pytest.raises(InputError, match="There is no style file"):
            execute(nodes["DiffstyleStyleFromFile"], file=name)
    for name in ("../out", "/etc/out", " "):
        with pytest.raises(InputError, match=r"leads out|name is empty"):
            execute(nodes["DiffstyleSaveStyle"], model=stylizer, style=painting, name=name)
    assert not list((folders / "output").iterdir())


def test_engines_have_settings_of_their_own(
    nodes: dict[str, Any], diffuser: Stylizer, image: Tensor, painting: Style, small_photo: Picture
) -> None:
    for name in engine_names():
        infos = fields_of(settings_class(name))
        if infos:
            node = nodes[f"DiffstyleEngine{name.title()}"]
            assert [*node.INPUT_TYPES()["required"]] == [info.name for info in infos]
            assert execute(node, **settings_of(node)).args[0] == settings_class(name)()
    node = nodes["DiffstyleEngineDiffusion"]
    (own,) = execute(node, **settings_of(node, steps=2, denoise=0.6)).args
    assert own == Diffusion(steps=2, denoise=0.6)
    painted = stylised(nodes, diffuser, image, painting, engine="auto", engine_settings=own)
    assert torch.equal(painted, as_image(diffuser.stylize(small_photo, painting, engine=own).picture))
    with pytest.raises(InputError, match="settings are those of diffusion"):
        stylised(nodes, diffuser, image, painting, engine="adain", engine_settings=own)


def test_guidance_by_gradients_works_in_inference_mode(
    nodes: dict[str, Any], tiny_models: Path, image: Tensor, painting: Style
) -> None:
    load = nodes["DiffstyleLoadModel"]
    (model,) = execute(load, **settings_of(load, model=str(tiny_models / "wordless"), device="cpu")).args
    own = Diffusion(steps=2, denoise=0.6, guide="nnst", guide_scale=2)
    guided = stylised(nodes, model, image, painting, engine="auto", engine_settings=own)
    assert not torch.equal(guided, stylised(nodes, model, image, painting, engine="auto"))


def test_errors_are_one_sentence(nodes: dict[str, Any], stylizer: Stylizer, image: Tensor, painting: Style) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"size": 10}, "size is 10"),
        ({"structure": 0.9}, "no control of structure"),
        ({"image": image[0]}, r"give an IMAGE"),
        ({"image": image * float("nan")}, "not finite"),
    ]
    for changed, words in cases:
        with pytest.raises(InputError, match=words) as caught:
            stylised(nodes, stylizer, changed.pop("image", image), painting, **changed)
        assert "\n" not in str(caught.value)


def test_preview_is_quick_and_shown(nodes: dict[str, Any], stylizer: Stylizer, image: Tensor, painting: Style) -> None:
    node = nodes["DiffstylePreview"]
    out = execute(node, model=stylizer, image=image, style=painting, **settings_of(node))
    assert torch.equal(out.args[0], stylised(nodes, stylizer, image, painting))
    assert out.ui.image is out.args[0]
    assert node.GET_SCHEMA().is_output_node


@pytest.mark.parametrize("path", WORKFLOWS, ids=[p.stem for p in WORKFLOWS])
def test_example_workflows_run(path: Path, nodes: dict[str, Any], folders: Path, image: Tensor) -> None:
    workflow = json.loads(path.read_text("utf-8"))
    assert problems(workflow, nodes) == []
    core = {k: (image, torch.ones(image.shape[:3])) for k, n in workflow.items() if n["class_type"] == "LoadImage"}
    done = run(workflow, nodes, core)
    painted = [out.args[0] for out in done.values() if out.args and isinstance(out.args[0], Tensor)]
    assert painted
    assert all(p.shape == image.shape and float((p - image).abs().mean()) > 0.01 for p in painted)
    saved = [n for n in workflow.values() if n["class_type"] == "DiffstyleSaveStyle"]
    assert len(list((folders / "output").rglob("*.safetensors"))) == len(saved)


def test_a_broken_workflow_is_noticed(nodes: dict[str, Any]) -> None:
    """The check above can fail."""
    workflow = json.loads(WORKFLOWS[-1].read_text("utf-8"))
    paints = next(n for n in workflow.values() if n["class_type"] == "DiffstyleStylise")
    paints["inputs"] |= {"strength": 2.0, "colour": "green", "style": ["1", 0], "mask": ["1", 1], "extra": 1}
    del paints["inputs"]["seed"]
    assert len(problems(workflow, nodes)) == 5


def test_registry_metadata() -> None:
    values = read_toml(PLUGIN / "pyproject.toml")
    project, comfy = values["project"], values["tool"]["comfy"]
    assert re.fullmatch(r"[a-z][a-z0-9.-]{0,98}", project["name"])
    assert "comfyui" not in project["name"]
    assert project["version"] == __version__
    assert project["dependencies"] == [f"diffstyle>={__version__}"]
    assert {"PublisherId", "DisplayName"} <= set(comfy)
    assert (PLUGIN / project["readme"]).is_file()
