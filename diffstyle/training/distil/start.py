"""What the training of a student begins with: another student, pruned if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from diffstyle.assets.students import student_file
from diffstyle.core.errors import InputError
from diffstyle.core.fields import MaxLength, Range, check_values
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.engines.feedforward.student import OwnStyle, Student, read_student
from diffstyle.formats.safetensors import digest_of_tensors
from diffstyle.training.distil.prune import pruned
from diffstyle.training.distil.recipe import DistilRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The student that a training goes on from.

    Parameters
    ----------
    student
        Its name. It may have learned other styles: new ones begin with the mean of its rows (Dumoulin et al. 2017).
    prune
        The share of channels that are removed first, those that count least.
    """

    student: Annotated[str, MaxLength(64)]
    prune: Annotated[float, Range(0, 0.9)] = 0.0

    def __post_init__(self) -> None:
        check_values(self, Start)

    @property
    def described(self) -> str:
        """For a card."""
        return f"{self.student}, without {self.prune:.0%} of its channels" if self.prune else self.student

    def begin(self, recipe: DistilRecipe, styles: Sequence[OwnStyle]) -> Beginning:
        """The network that learns `styles`.

        InputError if there is no student of that name, if `recipe` asks for another size than it has, or if it has no
        channels to remove.
        """
        student = read_student(student_file(self.student))
        size = student.network.size
        if recipe.size not in (size, DistilRecipe().size):
            raise InputError(f"size is {recipe.size}, but {self.student} has size {size} and keeps it: leave size out.")
        network = with_styles(student, styles)
        if self.prune:
            network = pruned(network, self.prune)
            if network.shape == student.network.shape:
                raise InputError(f"prune is {self.prune}, which removes no channel of {self.student}: give more.")
        return Beginning(network, digest_of_tensors(network.state_dict()), self.described)


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """A network, a digest of its tensors, and what it was made of in words."""

    network: StudentNetwork
    digest: str
    described: str


def with_styles(student: Student, styles: Sequence[OwnStyle]) -> StudentNetwork:
    """A network for `styles` with the weights of `student`, and its rows for those that it knows."""
    made = StudentNetwork(student.network.size, len(styles), student.network.shape)
    tensors = student.network.state_dict()
    rows: list[Tensor] = []
    for style in styles:
        same = [n for n, own in enumerate(student.styles) if own.digest == style.digest]
        named = [n for n, own in enumerate(student.styles) if own.is_same(style)]
        known = next(iter([*same, *named]), None)
        rows.append(tensors["rows"].mean(0) if known is None else tensors["rows"][known])
    made.load_state_dict({**tensors, "rows": torch.stack(rows)})
    return made
