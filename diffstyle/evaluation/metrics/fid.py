"""FID of ArtFID: how far the results, as a set, are from the styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.evaluation.case import Case, View
from diffstyle.evaluation.metrics.weights import ART_INCEPTION, check
from diffstyle.formats.safetensors import read_state

if TYPE_CHECKING:
    from torch import nn

_DROPPED = ("fc", "AuxLogits")  # heads, of which ArtFID's network has two each


def fid(embeddings: Sequence[tuple[Tensor, Tensor]]) -> float:
    """FID between all results and all styles, each counted once per pair: 0 if both are the same pictures.

    FID = |μ - μs|² + tr(Σ + Σs - 2 (Σ Σs)^½) over embeddings of Inception v3 (Heusel et al. 2017), with the network
    that ArtFID trained on art (Wright & Ommer 2022, "ArtFID: quantitative evaluation of neural style transfer"), as in
    StyleID's evaluation. It is not comparable with FIDs on ImageNet's Inception, and depends on the number of pairs.
    InputError for fewer than two.
    """
    if len(embeddings) < 2:
        raise InputError("FID compares sets of pictures: give at least two pairs.")
    outs, styles = zip(*embeddings, strict=True)
    return frechet_distance(torch.stack(outs), torch.stack(styles))


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """d² = |μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½) of embeddings (n, d) and (m, d) (Dowson & Landau 1982).

    Covariances are unbiased. With A and B the centred embeddings over √(n - 1) and √(m - 1), Σa = AᵀA and Σb = BᵀB, and
    the trace of (Σa Σb)^½ is the sum of the singular values of A Bᵀ: no square root of a d by d matrix is taken, which
    loses digits where n < d.
    """
    a, b = a.double(), b.double()
    apart = (a.mean(0) - b.mean(0)).square().sum()
    a, b = ((x - x.mean(0)) / max(len(x) - 1, 1) ** 0.5 for x in (a, b))
    shared = cast("Tensor", torch.linalg.svdvals(a @ b.mT)).sum()
    return max(0.0, float(apart + a.square().sum() + b.square().sum() - 2 * shared))


def embed(case: Case) -> tuple[Tensor, Tensor]:
    """(2048,) embeddings of the result and of its style."""
    check_fid()
    return _embedding(case.out), _embedding(case.style)


def check_fid() -> None:
    """InputError with what to do if the network is missing."""
    check(ART_INCEPTION, "FID")


def _embedding(view: View) -> Tensor:
    def run() -> Tensor:
        with torch.inference_mode():
            return _network()(view.pixels[None])[0]

    return view.kept("art-inception", run)


@lru_cache(maxsize=1)
def _network() -> nn.Module:
    """torchvision's Inception v3 without its heads; ArtFID's has the same body and takes pictures in [0, 1]."""
    from torchvision.models import Inception3

    inception: Any = Inception3
    net = inception(aux_logits=False, transform_input=False, init_weights=False)
    net.fc = torch.nn.Identity()
    state = {k: v for k, v in read_state(ART_INCEPTION.path).items() if not k.startswith(_DROPPED)}
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"{ART_INCEPTION.path} does not hold {ART_INCEPTION.what}: fetch it again.") from error
    return net.eval()
