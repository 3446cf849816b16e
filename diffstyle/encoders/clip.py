"""Encodes words and pictures as points of one CLIP space, with any open_clip model."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import numpy as np
import torch
from cachetools import LRUCache
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core import sphere
from diffstyle.core.device import enough_memory
from diffstyle.core.errors import InputError
from diffstyle.core.picture import MIN_SIDE, Picture
from diffstyle.core.style import Reference, Style
from diffstyle.encoders import bridge as bridges
from diffstyle.encoders.bridge import Bridge
from diffstyle.encoders.clip_model import OpenClip, Tokenizer
from diffstyle.encoders.source import STARTER, EncoderSource, find

T = TypeVar("T")
MAX_TILES = 8
CACHED = 4096  # embeddings


class StyleEncoder:
    """An open_clip model, loaded at its first use.

    Embeddings are float32 of length 1 on the CPU, and cached by the content of what was embedded.
    """

    def __init__(self, source: EncoderSource, *, device: torch.device, dtype: torch.dtype, batch: int = 16) -> None:
        self.source, self.device, self.dtype, self.batch = source, device, dtype, batch
        self._cache: LRUCache[str, Tensor] = LRUCache(CACHED)

    @classmethod
    def load(
        cls,
        name: str | Path = STARTER,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        download: bool = False,
    ) -> StyleEncoder:
        """The encoder called `name`: `starter`, an open_clip folder, a checkpoint file, or ARCHITECTURE/TAG such as
        ViT-H-14/laion2b_s32b_b79k, which must be on this machine unless `download` is true.

        InputError if it is missing or not an open_clip model, or if there is no such device.
        """
        if not dtype.is_floating_point:
            raise InputError(f"dtype is {dtype}: give torch.float32, bfloat16 or float16.")
        try:
            where = torch.device(device)
            torch.zeros(1, device=where)
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"There is no device {device!s} here: give cpu, or cuda where there is one.") from error
        return cls(find(name, download=download), device=where, dtype=dtype)

    @property
    def space(self) -> str:
        """The name of its embedding space, equal for equal weights."""
        return self.source.space

    @property
    def dim(self) -> int:
        """The width of the embeddings."""
        return int(self.raw_texts(["style"]).shape[1])

    def encode(self, style: Style, *, partial: bool = False) -> Style:
        """`style` with an embedding in this space for every reference, made from its pictures or its words.

        InputError for a reference that has neither; with `partial` such references stay as they are.
        """
        missing = [r for r in style.references if self.space not in r.embeddings]
        pictures = [p for r in missing for p in r.pictures]
        prompts = [r.prompt for r in missing if not r.pictures and r.prompt]
        of_pictures = iter(self.pictures(pictures) if pictures else ())
        of_texts = iter(self.raw_texts(prompts) if prompts else ())

        def embedded(r: Reference) -> Reference:
            if self.space in r.embeddings:
                return r
            if r.pictures:
                own = torch.stack([next(of_pictures) for _ in r.pictures])
                vector = sphere.mean(own, torch.ones(len(own)))
                return replace(r, embeddings=MappingProxyType({**r.embeddings, self.space: vector}))
            if not r.prompt and partial:
                return r
            if not r.prompt:
                known = ", ".join(sorted(r.embeddings)) or "none"
                raise InputError(
                    f"The style {r.source} has no embedding in {self.space} (it has: {known}), and neither its picture"
                    " nor words are here to make one: make it again from them."
                )
            raw = next(of_texts)
            embeddings = MappingProxyType({**r.embeddings, self.space: self.bridge(raw[None])[0]})
            known = r.confidence if self.bridge.known is None else self.bridge.confidence(raw)
            return replace(r, embeddings=embeddings, confidence=known)

        return replace(style, references=tuple(embedded(r) for r in style.references)) if missing else style

    def texts(self, prompts: Sequence[str]) -> Tensor:
        """(n, dim) unit vectors of descriptions, mapped by the bridge to where their pictures would be."""
        return self.bridge(self.raw_texts(prompts))

    def pictures(self, pictures: Sequence[Picture]) -> Tensor:
        """(n, dim) unit vectors, for each picture the normalised mean over square tiles that cover all of it."""
        keys = [f"picture {p.digest()}" for p in pictures]
        return self._cached(keys, pictures, self._of_pictures)

    def raw_texts(self, prompts: Sequence[str]) -> Tensor:
        """(n, dim) unit vectors of texts before the bridge. InputError for a text longer than the model's context."""
        return self._cached([f"text {p}" for p in prompts], prompts, self._of_texts)

    @cached_property
    def bridge(self) -> Bridge:
        """The map from text to picture embeddings: trained, or fitted at the first use and cached on disk."""
        if self.source.bridge is not None:
            return Bridge.load(self.source.bridge)
        path = bridges.cached(f"{self.space} {self.dtype}")
        with contextlib.suppress(InputError):  # a damaged file is written again
            if path.is_file():
                return Bridge.load(path)
        pairs = bridges.pairs()
        texts = self.raw_texts([caption for _, caption in pairs])
        fitted = bridges.fit(texts, self._of_pictures([Picture.from_array(pixels) for pixels, _ in pairs]))
        with contextlib.suppress(OSError, InputError):  # works without a cache
            path.parent.mkdir(parents=True, exist_ok=True)
            fitted.save(path)
        return fitted

    @cached_property
    @torch.no_grad()
    def norm(self) -> float:
        """The length of this model's picture embeddings before normalisation, which public IP-Adapters are trained on.

        It is the mean over four procedural pictures; lengths differ by a few percent between pictures.
        """
        if self.source.bridge is not None:
            return 1.0  # encoders with a trained bridge are trained at length 1
        from diffstyle.data.procedural.scenes import scene

        rng = np.random.default_rng(0)
        squares = [tiles(Picture.from_array(scene(rng, self._loaded.side)), self._loaded.side)[0] for _ in range(4)]
        encoded = self._loaded.model.encode_image(self._loaded.normalised(torch.stack(squares).to(self.device)))
        return float(encoded.float().square().sum(-1).sqrt().mean())

    @torch.no_grad()
    def features(self, picture: Picture | None) -> Tensor:
        """(tokens, width): the penultimate layer's features of a picture, which IP-Adapter plus reads.

        Those of a convolutional network are the places of its penultimate stage. They are averaged over the tiles of a
        long picture. None stands for an all-zero input, the unconditional one. InputError for a model that shows
        neither.
        """
        loaded = self._loaded
        visual = cast("Any", loaded.model.visual)
        if picture is None:
            inputs = torch.zeros_like(
                loaded.normalised(torch.zeros(1, 3, loaded.side, loaded.side, device=self.device))
            )
        else:
            inputs = loaded.normalised(torch.stack(tiles(picture, loaded.side)).to(self.device))
        trunk = getattr(visual, "trunk", None)
        if hasattr(visual, "transformer") and hasattr(visual, "forward_intermediates"):
            return _of_transformer(visual, inputs).mean(0).float().cpu()
        if trunk is not None and hasattr(trunk, "feature_info") and hasattr(trunk, "forward_intermediates"):
            maps: list[Tensor] = trunk.forward_intermediates(inputs, intermediates_only=True)
            return maps[-2].flatten(2).mT.mean(0).float().cpu()
        raise InputError(f"The encoder {self.space} shows no features inside: a plus adapter cannot read it.")

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the model."""
        return self._loaded.tokenizer

    @cached_property
    def _loaded(self) -> OpenClip:
        action = f"load the encoder {self.space}"
        with enough_memory(action, device=self.device, dtype=self.dtype, memory="fast"):
            return OpenClip.load(self.source, self.device, self.dtype)

    @torch.no_grad()
    def _of_texts(self, prompts: Sequence[str]) -> Tensor:
        loaded = self._loaded
        for prompt in prompts:
            loaded.check(prompt)
        batches = [list(prompts[n : n + self.batch]) for n in range(0, len(prompts), self.batch)]
        encoded = [loaded.model.encode_text(loaded.tokenizer(b).to(self.device), normalize=True) for b in batches]
        return torch.cat(encoded).float().cpu()

    @torch.no_grad()
    def _of_pictures(self, pictures: Sequence[Picture]) -> Tensor:
        loaded = self._loaded
        tiled = [tiles(p, loaded.side) for p in pictures]
        flat = [tile for of_one in tiled for tile in of_one]
        batches = [torch.stack(flat[n : n + self.batch]).to(self.device) for n in range(0, len(flat), self.batch)]
        encoded = [loaded.model.encode_image(loaded.normalised(b), normalize=True) for b in batches]
        rows = iter(torch.cat(encoded).float().cpu())
        means = [torch.stack([next(rows) for _ in of_one]).mean(0) for of_one in tiled]
        return F.normalize(torch.stack(means), dim=-1)

    def _cached(self, keys: Sequence[str], values: Sequence[T], make: Callable[[list[T]], Tensor]) -> Tensor:
        """(n, dim): the cached rows of `keys`; the others are computed from their `values` in one call of `make`."""
        if not keys:
            return torch.zeros(0, self.dim)
        found = {key: self._cache[key] for key in keys if key in self._cache}
        new = {key: value for key, value in zip(keys, values, strict=True) if key not in found}
        if new:
            found |= zip(new, make(list(new.values())), strict=True)
        self._cache.update(found)
        return torch.stack([found[key] for key in keys])


def _of_transformer(visual: Any, inputs: Tensor) -> Tensor:
    """(b, tokens, width): the last but one block's tokens of a vision transformer, the class token first."""
    found = visual.forward_intermediates(
        inputs,
        indices=[len(visual.transformer.resblocks) - 2],
        normalize_intermediates=False,
        intermediates_only=True,
        output_fmt="NLC",
        output_extra_tokens=True,
    )
    return torch.cat([found["image_intermediates_prefix"][0], found["image_intermediates"][0]], 1)


def tiles(picture: Picture, side: int) -> list[Tensor]:
    """At most MAX_TILES squares (3, side, side) that cover a picture resized to a shorter side of `side`.

    A picture longer than MAX_TILES squares is resized to that length and repeated across. Transparent pixels take the
    mean colour of the opaque ones.
    """
    scale = min(side / min(picture.size), MAX_TILES * side / max(picture.size))
    width, height = (max(MIN_SIDE, round(n * scale)) for n in picture.size)
    pixels = picture.resized((width, height)).opaque()
    h, w = int(pixels.shape[1]), int(pixels.shape[2])
    repeated = pixels.repeat(1, math.ceil(side / h), math.ceil(side / w))
    pixels = repeated[:, : max(h, side), : max(w, side)]
    longer = max(int(pixels.shape[1]), int(pixels.shape[2]))
    count = math.ceil(longer / side)
    starts = [round(n * (longer - side) / max(1, count - 1)) for n in range(count)]
    return [pixels[:, n : n + side] if h > w else pixels[:, :, n : n + side] for n in starts]
