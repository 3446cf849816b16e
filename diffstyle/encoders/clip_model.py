"""Loads an open_clip model with its tokenizer and preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.quiet import quiet
from diffstyle.encoders.source import EncoderSource

if TYPE_CHECKING:
    from open_clip import CLIP


class Tokenizer(Protocol):
    """open_clip's tokenizers: texts -> token ids (n, context)."""

    encoder: dict[str, int]

    def __call__(self, texts: list[str]) -> Tensor: ...

    def encode(self, text: str) -> list[int]:
        """The ids of a text's tokens, without start and end."""
        ...


@dataclass(frozen=True, slots=True)
class OpenClip:
    """An open_clip model with its tokenizer and preprocessing.

    Pictures are squares of `side` pixels, texts have at most `context` tokens; `mean` and `std` (1, 3, 1, 1) are those
    of its pixels.
    """

    model: CLIP
    tokenizer: Tokenizer
    side: int
    context: int
    mean: Tensor
    std: Tensor

    @classmethod
    def load(cls, source: EncoderSource, device: torch.device, dtype: torch.dtype) -> OpenClip:
        """Load the model at `source`; InputError if open_clip cannot."""
        import open_clip

        with quiet(bars=False):  # open_clip warns of weights that are loaded right after
            try:
                model = cast(
                    "CLIP",
                    open_clip.create_model(
                        source.architecture,
                        load_weights=False,  # otherwise open_clip chooses a file itself
                        pretrained_text=False,
                        force_quick_gelu=source.quick_gelu,
                        force_preprocess_cfg=dict(source.preprocess),
                    ),
                )
                open_clip.load_checkpoint(model, str(source.weights))
                own: dict[str, Any] = {} if source.vocabulary is None else {"bpe_path": str(source.vocabulary)}
                tokenizer = cast("Tokenizer", open_clip.get_tokenizer(source.architecture, **own))
            except Exception as error:  # open_clip, torch and safetensors raise a dozen kinds
                raise InputError(f"Cannot use the encoder {source.space}: {_first_line(error)}.") from error
        model = model.eval().requires_grad_(False).to(device, dtype).to(memory_format=torch.channels_last)
        visual = cast("Any", model.visual)
        side = visual.image_size if isinstance(visual.image_size, int) else visual.image_size[0]
        config: dict[str, Any] = visual.preprocess_cfg
        mean, std = (torch.tensor(config[k], device=device).view(1, 3, 1, 1) for k in ("mean", "std"))
        return cls(model, tokenizer, int(side), int(cast("int", model.context_length)), mean, std)

    def normalised(self, tiles: Tensor) -> Tensor:
        """(b, 3, side, side) in [0, 1] -> the same shape, normalised, in the model's dtype."""
        x = ((tiles - self.mean) / self.std).to(next(self.model.parameters()).dtype)
        return x.contiguous(memory_format=torch.channels_last)

    def check(self, prompt: str) -> None:
        """InputError if the text has more tokens than the model reads."""
        if hasattr(self.tokenizer, "encode"):
            length = len(self.tokenizer.encode(prompt)) + 2
        else:  # open_clip's wrapper of a Hugging Face tokenizer
            length = len(cast("Any", self.tokenizer).tokenizer(prompt)["input_ids"])
        if length > self.context:
            raise InputError(
                f"The description is too long: this encoder reads {self.context} tokens, it has {length};"
                " a dozen words are plenty."
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".:")[:200]
