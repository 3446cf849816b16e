"""The preview engine: each style is measured once, each content encoded once, and any pair of them painted quickly."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from cachetools import LRUCache
from torch import Tensor

from diffstyle.adapters.stats import StatsAdapter
from diffstyle.assets.manifest import load_weights
from diffstyle.core.device import dtype_name, fast_dtype
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Runtime
from diffstyle.core.picture import Picture
from diffstyle.core.style import Reference, Style
from diffstyle.core.task import ResolvedTask, Task, resolve
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.adain.exportable import starter
from diffstyle.engines.adain.network import CODE, STRIDE, WEIGHTS, PreviewNetwork, StyleStatistics
from diffstyle.engines.adain.settings import Adain
from diffstyle.engines.adain.strips import WHOLE_PIXELS, EncodedContent, encode, paint
from diffstyle.engines.base import EngineHost, OnStep, report, settings_of
from diffstyle.runtimes.cached import session_of
from diffstyle.runtimes.packages import chosen_runtime
from diffstyle.runtimes.sessions import Session, described, dtype_inside

MEASURED_AREA = 484 * 484  # pixels; best of 448², 484², 512² and 576² on held-out pairs, see CARD.md
KEPT_CONTENTS = 2
KEPT_STYLES = 256  # of 1 KB each
_MATRIX = ((0, 1, 1, 2, 2, 2), (0, 0, 1, 0, 1, 2))  # rows and columns of a lower triangle


@dataclass(frozen=True, slots=True)
class _Kept:
    """An encoded content, or its padded pixels for a session, which encodes them itself; for strengths below 1 also its
    own statistics and what the network cannot reconstruct.
    """

    pixels: Tensor
    encoded: EncodedContent | Tensor
    own: StyleStatistics | None
    residual: Tensor | None  # float16: its values are small, and it saves much memory for large pictures


class AdaINEngine:
    """Paints with the preview network.

    `strength` interpolates from the content's own statistics to the style's and, equally, fades out what the network
    cannot reconstruct of the content; 0 gives the content itself. Nothing is random: the seed changes nothing.
    Another runtime than torch paints contents of up to WHOLE_PIXELS; styles and larger contents are left to torch.
    """

    def __init__(
        self,
        network: PreviewNetwork,
        digest: str,
        *,
        dtype: torch.dtype,
        device: torch.device,
        encoder: StyleEncoder | None = None,
        runtime: Runtime = "torch",
    ) -> None:
        """`encoder` embeds styles in words; without one they must be embedded already."""
        self.device, self.encoder = device, encoder
        self._runtime: Runtime = chosen_runtime(runtime, "torch")  # which encodes a photo once for many styles
        self._session: Session | None = None
        reentrant = self._runtime == "torch" and device.type == "cpu"
        self.capabilities = replace(Adain.capabilities, reentrant=reentrant)
        dtype = dtype_inside(self._runtime, dtype)
        self.space = f"preview-{digest[:12]}"
        self.weights: Mapping[str, str] = MappingProxyType({WEIGHTS: digest})
        self.dtype = dtype
        self.network = network.to(device).to(memory_format=torch.channels_last).freeze(dtype)
        self.stats: StatsAdapter | None = None
        self._lock = threading.Lock()  # guards what is kept: several threads may render
        self._contents: OrderedDict[int, _Kept] = OrderedDict()
        self._styles: LRUCache[str, Tensor] = LRUCache(KEPT_STYLES)

    def forget(self) -> None:
        with self._lock:
            self._contents.clear()

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        del task
        return self.weights

    @property
    def runtime(self) -> Mapping[str, str]:
        threads = str(torch.get_num_threads())
        own = {"device": str(self.device), "dtype": dtype_name(self.dtype), "threads": threads}
        return {**own, **described(self._runtime)}

    @classmethod
    def load(
        cls,
        *,
        device: torch.device,
        dtype: torch.dtype | None = None,
        encoder: StyleEncoder | None = None,
        runtime: Runtime = "torch",
    ) -> AdaINEngine:
        """The starter's network; `dtype` of its large maps is bfloat16 where the processor computes in it."""
        tensors, digest = load_weights(WEIGHTS)
        network = PreviewNetwork()
        network.load_state_dict({k: v.float() for k, v in tensors.items()})
        dtype = dtype or fast_dtype(device)
        return cls(network, digest, dtype=dtype, device=device, encoder=encoder, runtime=runtime)

    def measure(self, style: Style) -> Style:
        """`style` with the statistics of every reference. For words they are predicted from the embedding."""
        missing = any(r.prompt and not r.pictures and self.space not in r.statistics for r in style.references)
        if missing and self.encoder is not None:
            style = self.encoder.encode(style, partial=True)
        return replace(style, references=tuple(self._measured(r) for r in style.references))

    def prepare(self, task: Task) -> ResolvedTask:
        return resolve(task, settings_of(task, Adain), self.measure)

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return None

    @torch.no_grad()
    def statistics(self, style: Style) -> StyleStatistics:
        """The statistics that the network paints with: the weighted mean of those of the references."""
        return self._blend(self.measure(style))

    def colours(self, style: Style) -> tuple[Tensor, Tensor]:
        """Mean (3,) and lower triangular factor (3, 3) of the style's sRGB colours, as a Gaussian."""
        found = self.statistics(style)
        return found.mean[0].cpu(), found.factor[0].cpu()

    @torch.no_grad()
    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        report(on_step, 0, 1)
        content = task.content
        if task.strength == 0:
            report(on_step, 1, 1)
            return content
        style = self.statistics(task.style)
        kept = self._encoded(content, task)
        if kept.own is not None:
            style = StyleStatistics(*(torch.lerp(a, b, task.strength) for a, b in zip(kept.own, style, strict=True)))
        out = self._painted(kept.encoded, style).cpu()
        if kept.residual is not None:
            out.add_(kept.residual, alpha=1 - task.strength)
        report(on_step, 1, 1)
        pixels = out.clamp_(0, 1)[:, : content.height, : content.width].contiguous()
        return Picture(pixels, content.alpha, content.source)

    def _encoded(self, content: Picture, task: ResolvedTask) -> _Kept:
        """The content's features, from the last few if it is among them."""
        key = id(content.pixels)
        with self._lock:
            kept = self._contents.get(key)
            if kept is not None and kept.pixels is not content.pixels:
                kept = None
            if kept is None:
                self._make_room(content.width * content.height > WHOLE_PIXELS)
        if kept is None:
            padded = content.padded(STRIDE).to(self.device)
            whole = content.width * content.height <= WHOLE_PIXELS
            encoded = padded if whole and self._runtime != "torch" else encode(self.network, padded)
            kept = _Kept(content.pixels, encoded, None, None)
        if task.strength < 1 and kept.residual is None:
            own = unflatten(self._moments(content).to(self.device), content.source)
            residual = self._painted(kept.encoded, own).cpu().neg_().add_(content.padded(STRIDE))
            kept = replace(kept, own=own, residual=residual.half())
        with self._lock:
            self._contents[key] = kept
            self._contents.move_to_end(key)
        return kept if task.strength < 1 else replace(kept, own=None, residual=None)

    def _painted(self, encoded: EncodedContent | Tensor, style: StyleStatistics) -> Tensor:
        """The padded content (3, h, w) in a style, not clamped."""
        if isinstance(encoded, EncodedContent):
            return paint(self.network, encoded, style)
        if self._session is None:
            digest = self.weights[WEIGHTS]
            self._session = session_of(
                starter, "preview", digest, runtime=self._runtime, device=self.device, dtype=self.dtype
            )
        inputs = {"photo": encoded[None], "mean": style.mean, "factor": style.factor, "code": style.code}
        return self._session.run({name: value.cpu().float() for name, value in inputs.items()})["painting"][0]

    def _make_room(self, large: bool) -> None:
        """Drop the oldest contents to make room for one more; all of them if the new one is large."""
        while len(self._contents) > (0 if large else KEPT_CONTENTS - 1):
            self._contents.popitem(last=False)

    def _measured(self, reference: Reference) -> Reference:
        if self.space in reference.statistics:
            return reference
        if not reference.pictures:
            vector = self._predicted(reference)
        else:
            with self._lock:
                found = self._styles.get(reference.digest)
            vector = self._mean_moments(reference.pictures) if found is None else found
            with self._lock:
                self._styles[reference.digest] = vector
        return replace(reference, statistics=MappingProxyType({**reference.statistics, self.space: vector}))

    @property
    def adapter(self) -> StatsAdapter:
        """What predicts the statistics of an embedding: the attached adapter, or else the starter's."""
        if self.stats is not None:
            return self.stats
        adapter = StatsAdapter.load()
        adapter.attach(self)
        return adapter

    @torch.no_grad()
    def _predicted(self, reference: Reference) -> Tensor:
        """Statistics of a style that is known by its embedding alone."""
        if not reference.embeddings:
            raise InputError(
                f"The style {reference.source} was saved by another version of diffstyle and cannot be painted by this"
                " one: make it again from its picture."
            )
        if self.adapter.space not in reference.embeddings:
            raise InputError(
                f"The style {reference.source} was saved for another encoder"
                f" ({', '.join(sorted(reference.embeddings))}); the preview needs {self.adapter.space}: make it again"
                " from its words or pictures."
            )
        embedding = reference.embeddings[self.adapter.space]
        if len(embedding) != self.adapter.enter.in_features:
            raise InputError(
                f"The embedding of {reference.source} has {len(embedding)} numbers, {self.adapter.space} has"
                f" {self.adapter.enter.in_features}: make the style again."
            )
        return self.adapter(embedding[None])[0]

    def _mean_moments(self, pictures: tuple[Picture, ...]) -> Tensor:
        found = [self._moments(p) for p in pictures]
        return found[0] if len(found) == 1 else torch.stack(found).mean(0)

    @torch.no_grad()
    def _moments(self, picture: Picture) -> Tensor:
        """Flat statistics of a picture, always measured at the same area so that its own size does not matter."""
        scale = (MEASURED_AREA / (picture.width * picture.height)) ** 0.5
        small = picture.resized((max(64, round(picture.width * scale)), max(64, round(picture.height * scale))))
        batch = small.opaque()[None].to(self.device).contiguous(memory_format=torch.channels_last)
        return flatten(self.network.measure(batch)).cpu()

    def _blend(self, style: Style) -> StyleStatistics:
        total = torch.stack([r.statistics[self.space] * r.weight for r in style.references]).sum(0)
        return unflatten(total.to(self.device), style.label)


def load(host: EngineHost) -> AdaINEngine:
    """The starter's preview network, whatever the model."""
    dtype = None if host.options.dtype is None else host.dtype
    return AdaINEngine.load(device=host.device, dtype=dtype, encoder=host.encoder, runtime=host.options.runtime)


def flatten(statistics: StyleStatistics) -> Tensor:
    """Mean, lower triangle of the factor, code: a vector of 9 + CODE float32."""
    triangle = statistics.factor[0][_MATRIX[0], _MATRIX[1]]
    return torch.cat((statistics.mean[0], triangle, statistics.code[0])).float()


def unflatten(vector: Tensor, name: str) -> StyleStatistics:
    """The inverse of `flatten`; InputError if it is not a finite vector of the right length."""
    if vector.shape != (9 + CODE,) or not bool(torch.isfinite(vector).all()):
        raise InputError(f"The statistics of the style {name} are damaged: make it again from its picture.")
    return unflatten_batch(vector[None])


def unflatten_batch(table: Tensor) -> StyleStatistics:
    """The statistics of n styles from a table of shape (n, 9 + CODE), unchecked."""
    factor = torch.zeros((len(table), 3, 3), device=table.device)
    factor[:, _MATRIX[0], _MATRIX[1]] = table[:, 3:9]
    return StyleStatistics(table[:, :3], factor, table[:, 9:])
