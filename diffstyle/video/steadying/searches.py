"""What estimates the motion of a clip."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from diffstyle.ops.flow import Search, quick_flow
from diffstyle.video.settings import Flow, Steadiness

_NETWORKS: Mapping[Flow, str] = {"raft": "raft_small", "raft_large": "raft_large"}


def search_of(steadiness: Steadiness, device: torch.device) -> Search:
    """What finds the flow between two frames. InputError with how to get weights that are missing."""
    if steadiness.flow not in _NETWORKS:
        return quick_flow
    from diffstyle.encoders.raft import raft_flow

    return raft_flow(_NETWORKS[steadiness.flow], device=device)


def weights_of_search(steadiness: Steadiness) -> str:
    """A fingerprint of the weights that motion is estimated with, "" if none are needed; InputError as above."""
    if steadiness.flow not in _NETWORKS:
        return ""
    from diffstyle.encoders.raft import raft_weights
    from diffstyle.formats.atomic import fingerprint

    return fingerprint(raft_weights(_NETWORKS[steadiness.flow]))
