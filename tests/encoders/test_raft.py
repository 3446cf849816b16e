"""RAFT: torchvision's own networks, with weights where torchvision keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from diffstyle import InputError
from diffstyle.assets.hub import known_model, pull, verify, where
from diffstyle.encoders.raft import raft_flow
from diffstyle.ops.flow import greys
from tests.helpers.motion import pan
from tests.helpers.raft import raft_network, random_raft, torch_cache

CPU = torch.device("cpu")
NAMES = ("raft_small", "raft_large")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return torch_cache(tmp_path, monkeypatch)


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", "HOME"])
def test_weights_lie_where_torch_downloads_them(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "own"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True)
    random_raft(folder, "raft_small")
    assert where(known_model("raft_small")) == folder


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_flow_of_torchvision(cache: Path, name: str) -> None:
    random_raft(cache, name)
    a, b = (greys(frame) for frame in pan(2, size=(136, 128)))
    given = [(torch.from_numpy(grey).float() / 127.5 - 1).repeat(1, 3, 1, 1) for grey in (a, b)]
    with torch.inference_mode():
        (wanted,) = raft_network(name)(*given)[-1]
    found = raft_flow(name, device=CPU)(a, b)
    assert (found.shape, found.dtype) == ((128, 136, 2), np.float32)
    assert np.allclose(found, wanted.permute(1, 2, 0), atol=1e-3)


@pytest.mark.parametrize("size", [(48, 32), (150, 131)])
def test_it_is_in_pixels_with_x_first(cache: Path, size: tuple[int, int]) -> None:
    """A network that adds (2, 1) pixels in 12 steps, an eighth of it at an eighth of the size, finds (2, 1)."""
    random_raft(cache, "raft_small", motion=(2.0, 1.0))
    a, b = (greys(frame) for frame in pan(2, size=size))
    found = raft_flow("raft_small", device=CPU)(a, b)
    assert found.shape == (size[1], size[0], 2)
    assert np.allclose(found, (2.0, 1.0), atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_missing_weights_are_said(cache: Path, name: str) -> None:
    model = known_model(name)
    assert where(model) is None
    with pytest.raises(InputError, match=f"not in {cache}: `diffstyle models pull {name}` fetches it"):
        raft_flow(name, device=CPU)
    random_raft(cache, name)
    assert where(model) == cache
    assert verify(model, cache) == list(model.files), "its sha256 is not the one in its name"


def test_other_weights_are_refused(cache: Path) -> None:
    random_raft(cache, "raft_small")
    (cache / known_model("raft_small").files[0]).rename(cache / known_model("raft_large").files[0])
    with pytest.raises(InputError, match="does not hold the weights of raft_large"):
        raft_flow("raft_large", device=CPU)


def test_without_a_network_nothing_is_pulled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="Cannot download raft_small from https://download"):
        pull(known_model("raft_small"))
    assert not list(cache.iterdir())
