"""Optical flow by RAFT (Teed & Deng 2020, "Recurrent all-pairs field transforms for optical flow").

The networks are torchvision's, the weights those of its releases: from `diffstyle models pull raft_small`, or from
torch's own cache of downloads, where torchvision puts them. A picture in grey is given as three equal channels.

>>> flow = raft_flow("raft_small", device=torch.device("cpu"))
>>> flow(a, b).shape  # greys (h, w)
(h, w, 2)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import optical_flow

from diffstyle.assets.hub import known_model, located
from diffstyle.core.errors import InputError
from diffstyle.formats.safetensors import read_state
from diffstyle.ops.flow import Array, Bytes

SHORTEST = 128  # pixels of a side: what it compares is an eighth of that, and is halved three times
_BLOCK = 8  # pixels: sides are multiples of this


@dataclass(frozen=True, slots=True)
class RaftFlow:
    """The flow from `a` to `b`, greys (h, w), as `ops.flow` describes it; `network` is one of torchvision's."""

    network: nn.Module

    def __call__(self, a: Bytes, b: Bytes, start: Array | None = None) -> Array:
        """It finds large motions by itself: `start` is not used."""
        del start
        h, w = a.shape
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            found = self.network(_padded(a, device), _padded(b, device))[-1][0]  # (2, h', w'): x and y
        return found[:, :h, :w].permute(1, 2, 0).float().cpu().contiguous().numpy()


def raft_flow(name: str, *, device: torch.device) -> RaftFlow:
    """The flow of `raft_small` or `raft_large`; InputError with the command that fetches missing weights."""
    make: Any = getattr(optical_flow, name)
    network: nn.Module = make(weights=None, progress=False)
    path = raft_weights(name)
    state = {k: v for k, v in read_state(path).items() if not k.endswith("num_batches_tracked")}
    wanted = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    if any(k not in state or state[k].shape != v.shape for k, v in wanted.items()):
        raise InputError(f"{path} does not hold the weights of {name} as torchvision names them.")
    network.load_state_dict({k: state[k] for k in wanted}, strict=False)
    return RaftFlow(network.to(device).requires_grad_(False).eval())


def raft_weights(name: str) -> Path:
    """The weights file; InputError with the command that fetches it if it is not on this machine."""
    model = known_model(name)
    return located(model) / model.files[0]


def _padded(grey: Bytes, device: torch.device) -> Tensor:
    """(1, 3, h', w') in [-1, 1], of sides that the network takes: edges are repeated to the right and below."""
    h, w = grey.shape
    more_h, more_w = (max(SHORTEST, side + -side % _BLOCK) - side for side in (h, w))
    picture = torch.from_numpy(grey).to(device).float().div(127.5).sub(1).expand(1, 3, h, w)
    return F.pad(picture, (0, more_w, 0, more_h), mode="replicate")
