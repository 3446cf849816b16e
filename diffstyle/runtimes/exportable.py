"""What is exported: a network as a function of named tensors, with what a file says of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import Tensor, nn

FORMAT = "diffstyle export/1"
OPSET = 20  # of ONNX
KEY = "diffstyle"  # of the metadata entry that holds FORMAT


@dataclass(frozen=True, slots=True)
class Side:
    """A dimension of any length that is a `multiple`; those of one `name` and several inputs go together: a side `h` of
    multiple 2 is twice as long as one of multiple 1.
    """

    name: str
    multiple: int = 1


_NONE: Mapping[int, Side] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One tensor that an exported network reads. `meaning` says its shape and the range of its values; `sides` are its
    dynamic dimensions by their number.
    """

    name: str
    meaning: str
    sides: Mapping[int, Side] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exportable:
    """A frozen float32 `module` whose `forward` takes tensors in the order of `inputs` and returns one tensor, or a
    tuple of them, in the order of `outputs`, whose values say what they mean.

    `from_photo` makes its inputs for a photo (1, 3, h, w) in [0, 1]; its number varies what does not follow from the
    photo, such as the style. `sizes` are three (h, w) of photos at which an export is compared with torch; the first is
    traced. `digest` is the sha256 of its weights, `recipe` the digest of how they were made, if that is known.
    `quantisable`: it keeps its quality with 8-bit convolutions.
    """

    name: str
    title: str
    module: nn.Module
    inputs: tuple[Input, ...]
    outputs: Mapping[str, str]
    from_photo: Callable[[Tensor, int], tuple[Tensor, ...]]
    sizes: tuple[tuple[int, int], ...]
    digest: str
    licence: str = "Apache-2.0"
    styles: tuple[str, ...] = ()
    recipe: str = ""
    quantisable: bool = False

    def metadata(self) -> dict[str, str]:
        """What a file says of the network, as plain text by name; lists and mappings are JSON."""
        return {
            KEY: FORMAT,
            "name": self.name,
            "title": self.title,
            "licence": self.licence,
            "styles": json.dumps(self.styles, ensure_ascii=False),
            "inputs": json.dumps({i.name: i.meaning for i in self.inputs}, ensure_ascii=False),
            "outputs": json.dumps(dict(self.outputs), ensure_ascii=False),
            "weights_sha256": self.digest,
            "recipe": self.recipe,
        }
