"""The one optimisation loop: a picture, a loss, an optimiser, coarse to fine.

After crowsonkb's style-transfer-pytorch: every size begins with the picture of the last one and with the moments of its
optimiser, and the result of Adam is the mean of its last iterates. What is optimised are the bands of a Laplacian
pyramid that is added to the picture, so that coarse and fine detail move at once (Kolkin et al. 2019); the finest is
grey, since features of a large stride leave coloured grain there. With one band it is the pixels themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffstyle.engines.optimised.adam import Adam
from diffstyle.engines.optimised.descent import Descent, Keep, Loss, Moments, OnIteration, Snapshot
from diffstyle.engines.optimised.lbfgs import Lbfgs
from diffstyle.ops.pyramid import collapsed

OUTSIDE = 10.0  # weight of values outside [0, 1]


def optimise(
    start: Tensor,
    loss: Loss,
    descent: Descent,
    on_iteration: OnIteration,
    moments: Moments | None = None,
    *,
    resumed: Snapshot | None = None,
    keep: Keep | None = None,
) -> tuple[Tensor, Moments]:
    """The picture (1, 3, h, w) that is reached from `start`, clamped to [0, 1], and the moments to go on with.

    Equal input gives equal pictures on the same machine. `on_iteration` is called before every evaluation. It goes on
    from `resumed`, and gives `keep` what it needs for that.
    """
    with torch.inference_mode(False), torch.enable_grad():
        base = start.clone()
        bands = [torch.zeros(shape, device=base.device, requires_grad=True) for shape in _shapes(base, descent.bands)]

        def evaluate(n: int) -> tuple[Tensor, Tensor]:
            picture = base + collapsed(bands)
            total = loss(picture, n) + OUTSIDE * (picture - picture.clamp(0, 1)).square().mean()
            torch.autograd.backward([total])
            return picture.detach(), total.detach()

        if descent.optimizer == "lbfgs":
            lbfgs = Lbfgs(bands, base, descent)
            if resumed is not None:
                lbfgs.load(resumed)
            return lbfgs.run(evaluate, on_iteration, keep), Moments()
        adam = Adam(bands, base, descent, moments or Moments())
        if resumed is not None:
            adam.load(resumed)
        return adam.run(evaluate, on_iteration, keep)


def _shapes(picture: Tensor, bands: int) -> list[tuple[int, ...]]:
    """Of the bands of a pyramid, fine to coarse, none of them empty; the finest of several is grey."""
    h, w = picture.shape[2:]
    count = max(1, min(bands, min(h, w).bit_length()))
    return [(1, 1 if n == 0 < count - 1 else 3, max(1, h >> n), max(1, w >> n)) for n in range(count)]
