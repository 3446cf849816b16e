"""The recipe of the strokes adapter: `python -m diffstyle.training strokes DATA`.

From the embedding of a picture, and those of captions that are true of it, to the table of its strokes: ridge
regression onto the tables' principal components. There is a closed form, so the only thing to choose is how far to
shrink.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffstyle.adapters.strokes import StrokesAdapter, measured
from diffstyle.core.picture import Picture
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.starter.looks import Looks

linalg: Any = torch.linalg
TABLES = "strokes.safetensors"


@dataclass(frozen=True, slots=True)
class StrokesRecipe:
    components: int = 64
    shrinkage: float = 0.3
    told_weight: float = 1.0  # of all captions of a picture together, beside the picture itself


@torch.no_grad()
def fit_strokes(looks: Looks, recipe: StrokesRecipe, *, space: str, out: Path) -> StrokesAdapter:
    """Fit to all pictures of `looks`, whose embeddings are in `space`; their tables are kept in `out`."""
    tables = _tables(looks, out / TABLES)
    mean = tables.mean(0)
    basis: Tensor = linalg.svd(tables - mean, full_matrices=False).Vh[: recipe.components]
    goals, told = (tables - mean) @ basis.T, looks.told_embeddings
    each = told.shape[1]
    seen = torch.cat([looks.embeddings, told.flatten(0, 1)]).double()
    wanted = torch.cat([goals, goals.repeat_interleave(each, 0)]).double()
    weights = torch.ones(len(seen), 1, dtype=torch.float64)
    weights[len(tables) :] = recipe.told_weight / each
    inputs = torch.cat([seen, torch.ones(len(seen), 1, dtype=torch.float64)], 1)
    shrink = torch.eye(inputs.shape[1], dtype=torch.float64) * recipe.shrinkage
    shrink[-1, -1] = 0  # the mean is not shrunk
    solved: Tensor = linalg.solve((inputs * weights).T @ inputs + shrink, (inputs * weights).T @ wanted)
    adapter = StrokesAdapter(looks.embeddings.shape[1], len(basis), space=space)
    adapter.enter.weight.copy_(solved[:-1].T)
    adapter.enter.bias.copy_(solved[-1])
    adapter.leave.weight.copy_(basis.T)
    adapter.leave.bias.copy_(mean)
    return adapter.eval().requires_grad_(False)


def _tables(looks: Looks, path: Path) -> Tensor:
    """(n, s) of the pictures of `looks`, measured once."""
    if not path.exists():
        rows = [measured(Picture.from_array(p)) for p in looks.pool.pixels]
        write_safetensors(path, {"tables": torch.stack(rows)})
    return read_safetensors(path)[1]["tables"]
