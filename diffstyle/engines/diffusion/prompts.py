"""Prompt embeddings of a backbone, cached."""

from __future__ import annotations

from typing import Any

import torch
from cachetools import LRUCache
from torch import Tensor

from diffstyle.backbones.backbone import Backbone
from diffstyle.core.quiet import quiet

KEPT = 32
_NAMES = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")


class PromptCache:
    """Encodes words with the backbone's text encoders; a backbone without any gets its constant prompt."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self._kept: LRUCache[tuple[str, str, bool], dict[str, Any]] = LRUCache(KEPT)

    def get(self, prompt: str, negative: str, *, guided: bool) -> dict[str, Any]:
        """The embeddings that diffusers' pipeline takes, by argument name."""
        if not self.backbone.has_words:
            constant = self._constant()
            return {"prompt_embeds": constant} | ({"negative_prompt_embeds": constant} if guided else {})
        key = (prompt, negative, guided)
        if key not in self._kept:
            pipeline = self.backbone.pipeline
            with quiet(bars=False):  # `left_out` says what is too long
                found = pipeline.encode_prompt(
                    prompt=prompt,
                    negative_prompt=negative or None,  # for None SDXL uses zeros
                    device=pipeline._execution_device,
                    num_images_per_prompt=1,
                    do_classifier_free_guidance=guided,
                )
            self._kept[key] = {n: v for n, v in zip(_NAMES, found, strict=False) if v is not None}
        return self._kept[key]

    def left_out(self, *texts: str) -> list[str]:
        """A sentence for each text of which the tokenizer drops the end."""
        tokenizer = getattr(self.backbone.pipeline, "tokenizer", None) or getattr(
            self.backbone.pipeline, "tokenizer_2", None
        )
        if tokenizer is None:
            return []
        most = int(tokenizer.model_max_length)
        with quiet(bars=False):
            counts = [len(tokenizer(text, truncation=False).input_ids) for text in texts]
        long = [(text, count) for text, count in zip(texts, counts, strict=True) if count > most]
        said = "The words {!r}... are {} tokens: the model read the first {} of them."
        return [said.format(text[:40], count, most) for text, count in long]

    def _constant(self) -> Tensor:
        """(1, tokens, width): the backbone's constant prompt, or zeros."""
        width = int(self.backbone.unet.config.cross_attention_dim)
        constant = self.backbone.constant
        zeros = torch.zeros(1, 1, width) if constant is None else constant
        return zeros.to(self.backbone.device, self.backbone.dtype)
