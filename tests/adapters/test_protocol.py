"""What holds for every kind of adapter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from diffstyle import InputError
from diffstyle.adapters.attach import attach, attached
from diffstyle.adapters.kinds import KINDS, load_adapter
from diffstyle.adapters.lora import LoraAdapter
from diffstyle.adapters.protocol import Adapter
from diffstyle.adapters.stats import StatsAdapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.zoo import INFO
from diffstyle.backbones.backbone import Backbone
from diffstyle.backbones.load import load_backbone
from diffstyle.formats.atomic import sha256
from tests.helpers import tiny

FOR_BACKBONES = ("tokens", "lora")


@pytest.fixture(scope="module")
def backbone(tiny_models: Path) -> Backbone:
    return load_backbone(tiny_models / "worded", device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture
def adapters(tiny_models: Path, tmp_path: Path) -> dict[str, Adapter[Backbone]]:
    return {
        "tokens": TokensAdapter.load(tiny_models / "worded.adapter.safetensors"),
        "lora": LoraAdapter.load(tiny.lora(tmp_path / "lora.safetensors")),
    }


def state_of(backbone: Backbone) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in backbone.unet.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("kind", FOR_BACKBONES)
def test_undo_restores_the_host_also_after_training(
    kind: str, backbone: Backbone, adapters: dict[str, Adapter[Backbone]]
) -> None:
    before = state_of(backbone)
    undo = adapters[kind].attach(backbone)
    parameters = adapters[kind].trainable(backbone)
    assert parameters
    assert not {id(p) for p in parameters.values()} & {id(v) for v in before.values()}
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(1)
    undo()
    assert same(state_of(backbone), before)


def test_all_kinds_are_attached_together_and_detached_twice(
    backbone: Backbone, adapters: dict[str, Adapter[Backbone]]
) -> None:
    before = state_of(backbone)
    detach = attach([adapters["tokens"], adapters["lora"]], backbone)
    names = {k for a in adapters.values() for k in a.trainable(backbone)}
    assert any("to_k_ip" in n for n in names)
    assert not any("lora" in n and "to_k_ip" in n for n in names)  # a LoRA adds to the host, not to other adapters
    detach()
    detach()
    assert same(state_of(backbone), before)


def test_two_loras_of_one_name_are_two(backbone: Backbone, tmp_path: Path) -> None:
    path = tiny.lora(tmp_path / "lora.safetensors")
    one, two = (LoraAdapter.load(path, name="same") for _ in range(2))
    with attached([one, two], backbone):
        assert not set(one.trainable(backbone)) & set(two.trainable(backbone))


def test_one_that_does_not_fit_leaves_the_host_as_it_was(
    tiny_models: Path, backbone: Backbone, adapters: dict[str, Adapter[Backbone]]
) -> None:
    before = state_of(backbone)
    foreign = TokensAdapter.load(tiny_models / "xl.adapter.safetensors")
    with pytest.raises(InputError, match="is for"):
        foreign.check_fits(backbone)
    with pytest.raises(InputError, match="is for"):
        attach([adapters["lora"], foreign], backbone)
    assert same(state_of(backbone), before)


class Preview:
    """A host of `stats` adapters."""

    def __init__(self, space: str) -> None:
        self.space = space
        self.stats: StatsAdapter | None = None


def test_a_stats_adapter_is_attached_to_the_network_it_was_made_for() -> None:
    adapter = StatsAdapter.load()
    host, other = Preview(adapter.statistics), Preview("another")
    undo = adapter.attach(host)
    assert host.stats is adapter
    assert adapter.trainable(host)
    undo()
    assert host.stats is None
    with pytest.raises(InputError, match="the network is another"):
        adapter.attach(other)
    assert other.stats is None


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_models: Path) -> Path:
    """A zoo with an adapter of every kind for backbones, named as its kind."""
    for kind in FOR_BACKBONES:
        folder = tmp_path / "zoo" / kind
        folder.mkdir(parents=True)
        path = folder / "adapter.safetensors"
        if kind == "tokens":
            path.write_bytes((tiny_models / "worded.adapter.safetensors").read_bytes())
        else:
            tiny.lora(path)
        (folder / INFO).write_text(f'kind = "{kind}"\nbackbone = "worded"\nsha256 = "{sha256(path)}"\n')
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(tmp_path / "zoo"))
    return tmp_path / "zoo"


@pytest.mark.parametrize("kind", FOR_BACKBONES)
def test_an_adapter_of_the_zoo_is_loaded_by_its_kind(kind: str, zoo: Path, tmp_path: Path) -> None:
    from diffstyle.adapters.export import export
    from diffstyle.assets.zoo import adapter_info
    from diffstyle.formats.safetensors import read_safetensors

    adapter = load_adapter(kind)
    assert isinstance(adapter, KINDS[kind])
    assert adapter.name == kind
    with pytest.raises(InputError, match=f"of kind {kind}: give one of kind stats"):
        load_adapter(kind, kinds=["stats"])
    for layout in adapter.layouts:
        path = export(adapter_info(kind), layout, tmp_path)
        again = KINDS[kind].load(path)
        assert sorted(read_safetensors(path)[1]) == sorted(adapter.export(layout)[0])
        assert again.kind == kind
    (zoo / kind / "adapter.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="damaged"):
        load_adapter(kind)
