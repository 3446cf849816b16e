"""The starter's CLIP as an open_clip model: its configuration, and a part of open_clip's vocabulary."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer, default_bpe
from torch import Tensor
from torch.nn import functional as F

CONTEXT, SIDE = 64, 320
PREPROCESS: dict[str, Any] = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
COMMON = 3000  # merges kept because they are frequent in English


def configuration(vocabulary: int) -> dict[str, Any]:
    """open_clip's model_cfg: RegNetY-200MF (Radosavovic et al. 2020) from timm, and two text layers of width 192."""
    return {
        "embed_dim": 256,
        "vision_cfg": {
            "image_size": SIDE,
            "timm_model_name": "regnety_002",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
        },
        "text_cfg": {"context_length": CONTEXT, "vocab_size": vocabulary, "width": 192, "heads": 3, "layers": 2},
    }


def write_vocabulary(path: Path, words: Iterable[str]) -> None:
    """The merges of open_clip's vocabulary that `words` need, and the COMMON first ones, in their order."""
    merges = gzip.decompress(Path(default_bpe()).read_bytes()).decode("utf-8").split("\n")[1 : 49152 - 256 - 2 + 1]
    rank = {tuple(m.split()): n for n, m in enumerate(merges)}
    full = SimpleTokenizer()
    kept = set(range(COMMON))
    for word in sorted({w for phrase in words for w in phrase.lower().split()}):
        for token in cast("list[int]", full.encode(word)):
            kept |= _needed(full.decoder[token], rank)
    lines = ["#version: 0.2", *(merges[n] for n in sorted(kept))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(lines).encode("utf-8"), mtime=0))


def _needed(token: str, rank: dict[tuple[str, ...], int]) -> set[int]:
    """The merges that build `token` from its letters, as byte-pair encoding takes them."""
    end = "</w>" if token.endswith("</w>") else ""
    letters = token.removesuffix("</w>")
    parts = [*letters[:-1], letters[-1] + end]
    found: set[int] = set()
    while len(parts) > 1:
        n, at = min((rank.get((a, b), len(rank)), i) for i, (a, b) in enumerate(pairwise(parts)))
        if n == len(rank):
            break
        found.add(n)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return found


def write_configuration(path: Path, vocabulary: int) -> None:
    config = {"model_cfg": configuration(vocabulary), "preprocess_cfg": PREPROCESS}
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def new_model(config: dict[str, Any], seed: int) -> CLIP:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return CLIP(**config)


def encode_short_text(model: CLIP, tokens: Tensor) -> Tensor:
    """model.encode_text of (b, CONTEXT) tokens, normalised; the padding after the longest text is not computed."""
    tower = cast("Any", model)
    length = int((tokens != 0).sum(1).max())
    cut = tokens[:, :length]
    x = tower.token_embedding(cut) + tower.positional_embedding[:length]
    x = tower.ln_final(tower.transformer(x, attn_mask=tower.attn_mask[:length, :length]))
    pooled = x[torch.arange(len(cut)), cut.argmax(1)]  # the end token has the largest number
    return F.normalize(pooled @ tower.text_projection, dim=-1)
