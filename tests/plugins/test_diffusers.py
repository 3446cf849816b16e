"""The diffusers plugin, loaded by diffusers itself, on the starter and on tiny random models."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers as untyped
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from diffstyle import Cancelled, InputError, Picture, Settings, Style, Stylizer, Task
from diffstyle.core.fields import fields_of
from tests.conftest import ROOT

diffusers: Any = untyped
PLUGIN = ROOT / "plugins" / "diffusers"
WORDS = "thick oil paint in teal and ochre"
STARTER = ROOT / "weights" / "starter" / "diffusion"


@pytest.fixture(scope="module", autouse=True)
def own_module_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """diffusers copies custom code into a cache before it imports it: a cache of this run's own."""
    with pytest.MonkeyPatch.context() as patch:
        cache = str(tmp_path_factory.mktemp("modules"))
        patch.setattr("diffusers.utils.dynamic_modules_utils.HF_MODULES_CACHE", cache)
        patch.syspath_prepend(cache)
        yield


@pytest.fixture(scope="module")
def pipe(own_module_cache: None) -> Any:
    """The starter's model, as diffusers loads it with `custom_pipeline`."""
    del own_module_cache
    made = diffusers.DiffusionPipeline.from_pretrained(STARTER, custom_pipeline=str(PLUGIN), trust_remote_code=True)
    made = made.to("cpu", torch.float32)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def starter(stylizer: Stylizer, pipe: Any) -> Any:
    """The same pipeline around the starter with all its engines."""
    made = type(pipe)(stylizer=stylizer)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def blocks(own_module_cache: None) -> Any:
    del own_module_cache
    return diffusers.ModularPipelineBlocks.from_pretrained(str(PLUGIN), trust_remote_code=True)


@pytest.fixture
def image(small_photo: Picture) -> Image.Image:
    return small_photo.to_pil()


def test_diffusers_loads_it_with_the_model(pipe: Any, image: Image.Image) -> None:
    assert isinstance(pipe, diffusers.DiffusionPipeline)
    assert pipe.components == {}
    starter = Stylizer.load("starter", device="cpu", dtype="float32")
    for engine in (None, "diffusion"):
        out = pipe(image, WORDS, seed=3, engine=engine)
        assert isinstance(out, diffusers.pipelines.ImagePipelineOutput)
        same = starter.stylize(image, Style.from_text(WORDS), seed=3, engine=engine).picture
        assert np.array_equal(np.asarray(out.images[0]), same.to_array())


def test_a_tiny_model_with_words(tiny_models: Path, image: Image.Image) -> None:
    pipe = diffusers.DiffusionPipeline.from_pretrained(
        tiny_models / "worded",
        custom_pipeline=str(PLUGIN / "pipeline.py"),
        trust_remote_code=True,
        adapter=[str(tiny_models / "worded.adapter.safetensors")],
    ).to(device="cpu", dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    assert pipe.dtype == torch.float32
    (images,) = pipe(image, WORDS, return_dict=False, output_type="np")
    assert images.shape == (1, image.height, image.width, 3)
    assert float(np.abs(images[0] - np.asarray(image) / 255).mean()) > 0.01


def test_every_setting_has_its_name_and_default(pipe: Any) -> None:
    parameters = inspect.signature(type(pipe).__call__).parameters
    assert {i.name: i.default for i in fields_of(Settings)} == {
        i.name: parameters[i.name].default for i in fields_of(Settings)
    }


def test_every_setting_reaches_the_task(pipe: Any, image: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks: list[Task] = []
    model = Stylizer.load("starter", device="cpu")

    def render(task: Task, on_step: Any) -> Any:
        del on_step
        tasks.append(task)
        return SimpleNamespace(picture=Picture.of(task.content))

    monkeypatch.setattr(model, "render", render)
    for info in fields_of(Settings):
        low, high = info.bounds or (0, 0)
        value = info.choices[-1] if info.choices else info.kind(low + (high - low) / 4)
        assert value != info.default
        type(pipe)(stylizer=model)(image, WORDS, **{info.name: value})
        assert getattr(tasks[-1], info.name) == value


def test_kinds_of_photos_agree(starter: Any, small_photo: Picture) -> None:
    eight = Picture.from_array(small_photo.to_array())
    array = eight.pixels.movedim(0, -1).numpy()
    given: list[Any] = [eight.to_pil(), eight.to_array(), array, eight.pixels, eight.pixels[None]]
    given += [(eight.pixels * 255).round().to(torch.uint8), array[None]]
    first, *others = (starter(one, WORDS, engine="adain", output_type="pt").images for one in given)
    assert first.shape == (1, 3, *small_photo.pixels.shape[1:])
    assert all(torch.equal(first, other) for other in others)


def test_precision_and_alpha_survive(starter: Any, cut_out: Picture) -> None:
    assert cut_out.alpha is not None
    fine = torch.cat([cut_out.pixels * 0.999, cut_out.alpha])  # between the steps of 8 bits
    images: Tensor = starter(fine, WORDS, strength=0, output_type="pt").images
    assert torch.equal(images[0], fine)
    (plain,) = starter(fine, WORDS, engine="adain").images
    assert plain.mode == "RGBA"


def test_a_batch_paints_each_photo_as_alone(starter: Any, image: Image.Image) -> None:
    other = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    batch = starter([image, other], WORDS, engine="adain", output_type="np").images
    alone = starter(other, WORDS, engine="adain", output_type="np").images
    assert np.array_equal(batch[1], alone[0])
    with pytest.raises(InputError, match="2 sizes"):
        starter([image, image.resize((64, 64))], WORDS, output_type="np")
    assert len(starter([image, image.resize((64, 64))], WORDS, engine="adain").images) == 2


def test_generators_choose_the_seed(pipe: Any, image: Image.Image) -> None:
    def painted(**values: Any) -> Tensor:
        return pipe(image, WORDS, engine="diffusion", output_type="pt", **values).images

    generator = torch.Generator().manual_seed(7)
    first, second = painted(generator=generator), painted(generator=generator)
    assert torch.equal(first, painted(generator=torch.Generator().manual_seed(7)))
    assert not torch.equal(first, second)
    with pytest.raises(InputError, match="not both"):
        painted(generator=generator, seed=1)
    with pytest.raises(InputError, match="1 photos and 2 generators"):
        painted(generator=[generator, generator])


def test_kinds_of_styles(
    starter: Any, image: Image.Image, painting: Style, painting_file: Path, tmp_path: Path
) -> None:
    def painted(style: Any) -> Tensor:
        return starter(image, style, engine="adain", output_type="pt").images

    saved = starter.stylizer.measure(painting).save(tmp_path / "own.style.safetensors")
    assert torch.allclose(painted(str(saved)), painted(painting), atol=1e-4)
    picture = Image.open(painting_file)
    assert torch.equal(painted(painting_file), painted(picture))
    blend = Style.mix([(Style.from_text(WORDS), 1.0), (Style.from_image(picture), 1.0)])
    assert torch.equal(painted([WORDS, picture]), painted(blend))
    recipe = tmp_path / "look.json"
    recipe.write_text(starter.stylizer.stylize(image, painting, engine="adain").recipe().to_json())
    assert torch.allclose(painted(recipe), painted(painting), atol=1e-4)
    recipe.write_text("{}")
    with pytest.raises(InputError, match="no recipe"):
        painted(recipe)


def test_where_the_mask_is_black_the_photo_stays(starter: Any, image: Image.Image) -> None:
    mask = np.zeros((image.height, image.width), np.float32)
    mask[:, : image.width // 2] = 1
    inside = np.asarray(image, np.float32) / 255
    for given in (mask, torch.from_numpy(mask)[None], Image.fromarray((mask * 255).astype(np.uint8))):
        out = starter(image, WORDS, engine="adain", mask=given, output_type="np").images[0]
        assert np.array_equal(out[:, image.width // 2 :], inside[:, image.width // 2 :])
        assert not np.array_equal(out, inside)


def test_progress_and_interrupt(starter: Any, image: Image.Image) -> None:
    steps: list[tuple[int, int, int]] = []

    def follow(_: Any, step: int, left: int, values: dict[str, Any]) -> None:
        steps.append((values["image_index"], step, left))

    starter([image, image], WORDS, engine="adain", callback_on_step_end=follow)
    assert [s[0] for s in steps] == sorted(s[0] for s in steps)
    assert {s[0] for s in steps if s[2] == 0} == {0, 1}
    assert min(s[1] for s in steps) == 0

    def stop(pipe: Any, *_: Any) -> None:
        pipe._interrupt = True

    with pytest.raises(Cancelled):
        starter([image, image], WORDS, engine="adain", callback_on_step_end=stop)
    assert len(starter(image, WORDS, engine="adain").images) == 1


def test_refusals_are_one_sentence(starter: Any, image: Image.Image, tmp_path: Path) -> None:
    for values, words in (
        ({"strength": 2}, "strength is 2"),
        ({"output_type": "latent"}, "output_type is 'latent'"),
        ({"engine": "nothing"}, "engine is 'nothing'"),
        ({"mask": [image, image, image]}, "3 masks"),
    ):
        with pytest.raises(InputError, match=words):
            starter(image, WORDS, **values)
    with pytest.raises(InputError, match="empty list"):
        starter([], WORDS)
    with pytest.raises(InputError, match="Nothing to save"):
        starter.save_pretrained(tmp_path)
    with pytest.raises(InputError, match="was given a loaded Stylizer"):
        starter.to("cpu")


class Enlarge(diffusers.ModularPipelineBlocks):
    """A block of somebody else's, before ours."""

    @property
    def inputs(self) -> list[Any]:
        return [diffusers.modular_pipelines.InputParam("image", required=True)]

    @property
    def intermediate_outputs(self) -> list[Any]:
        return [diffusers.modular_pipelines.OutputParam("image")]

    def __call__(self, components: Any, state: Any) -> tuple[Any, Any]:
        image = state.get("image")
        state.set("image", image.resize((2 * image.width, 2 * image.height)))
        return components, state


def test_the_block_declares_what_it_takes_and_gives(blocks: Any) -> None:
    declared = {i.name: i for i in blocks.inputs}
    assert blocks.required_inputs == ["image", "style"]
    for info in fields_of(Settings):
        assert (declared[info.name].default, declared[info.name].description) == (info.default, info.help)
    assert blocks.output_names == ["images"]
    assert "strength" in blocks.doc


def test_the_block_paints_and_composes(blocks: Any, stylizer: Stylizer, image: Image.Image) -> None:
    sequence = diffusers.SequentialPipelineBlocks.from_blocks_dict({"enlarge": Enlarge, "stylize": blocks})
    pipeline = sequence.init_pipeline()
    (made,) = pipeline(image=image, style=WORDS, engine="adain", strength=0.5, output="images")
    larger = image.resize((2 * image.width, 2 * image.height))
    same = stylizer.stylize(larger, Style.from_text(WORDS), engine="adain", strength=0.5).picture
    assert np.array_equal(np.asarray(made), same.to_array())


def test_the_block_behind_diffusers_own_blocks(tiny_models: Path, blocks: Any) -> None:
    """Text to image by the blocks of SDXL, restyled: `strength` of one is not that of the other."""
    sdxl = diffusers.StableDiffusionXLAutoBlocks()
    ours = type(blocks)(reads="images", prefix="style_")
    sequence = diffusers.SequentialPipelineBlocks.from_blocks_dict({"sdxl": sdxl, "stylize": ours})
    pipeline = sequence.init_pipeline(str(tiny_models / "xl"))
    pipeline.load_components()
    pipeline.set_progress_bar_config(disable=True)
    asked: dict[str, Any] = {"prompt": "a cat", "height": 64, "width": 64, "num_inference_steps": 2}
    asked |= {"output": "images", "output_type": "np", "style": WORDS, "style_engine": "adain"}

    def painted(strength: float) -> Any:
        return pipeline(generator=torch.Generator().manual_seed(0), style_strength=strength, **asked)

    plain, restyled = painted(0.0), painted(1.0)
    assert plain.shape == restyled.shape == (1, 64, 64, 3)
    assert float(np.abs(plain - restyled).mean()) > 0.01
