"""An engine that optimises the picture itself; what it makes small is its `objective`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.mask import composite_weights
from diffstyle.core.picture import Picture
from diffstyle.core.settings import Capabilities
from diffstyle.core.style import Reference, Style
from diffstyle.core.task import ResolvedTask, Task, resolve
from diffstyle.engines.base import Drafter, Engine, EngineHost, OnStep, report, settings_of
from diffstyle.engines.exemplars.exemplars import with_exemplars
from diffstyle.engines.exemplars.words import keeps_hues, notes_of
from diffstyle.engines.optimised.descent import Descent, Loss, Moments, Snapshot
from diffstyle.engines.optimised.loop import optimise
from diffstyle.engines.optimised.reader import DEFAULT_NET, Reader, net_on_this_machine, parse_layers
from diffstyle.engines.optimised.resume import Progress
from diffstyle.engines.optimised.scene import Exemplar, Part, Scene, at_size, recoloured
from diffstyle.engines.optimised.settings import Init, Net, Optimised, OptimisedByChoice, Pooling, Preset
from diffstyle.engines.optimised.warm_start import WarmStart
from diffstyle.formats.exemplar import decode_exemplar
from diffstyle.ops.colour_transfer import colour_moments, match_colours
from diffstyle.ops.losses import flat_variation, total_variation
from diffstyle.ops.pyramid import resized

S = TypeVar("S", bound=Optimised)
Objective = Callable[[Scene], Loss]
Presets = Callable[[Net, Preset], Mapping[str, Any]]
STEPS = 100
NOISE = 0.03  # deviation of what the seed adds to a photo that is begun from
LEAST_WEIGHT = 1e-3  # of the largest, at which a reference still counts
LARGE = 1_000_000  # pixels from which on activations are computed twice
LARGEST_SIDE = 2048
STRUCTURE = 16.0  # by which the content's weight is multiplied at structure 1, and divided at 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(Generic[S]):
    """What tells one engine from another: its settings, their values by network and preset, and its loss."""

    settings: type[S]
    presets: Presets
    objective: Callable[[S], Objective]


class OptimisedEngine(Generic[S]):
    """`strength` moves the statistics that are sought from the photo's own to the style's, and with them the step;
    `structure` multiplies the weight of the content. The seed draws the noise that is added to what is begun from.
    """

    def __init__(self, method: Method[S], host: EngineHost) -> None:
        self.method, self.device, self.encoder = method, host.device, host.encoder
        self._preview, self._painter = host.preview, host.painter
        self._readers: dict[tuple[Net, Pooling | None], Reader] = {}

    @property
    def capabilities(self) -> Capabilities:
        return self.method.settings.capabilities

    @property
    def weights(self) -> Mapping[str, str]:
        return self._reader(net_on_this_machine(), None).weights

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        settings = self._settings(task)
        found = dict(self._reader(settings.net or DEFAULT_NET, settings.pooling).weights)
        if settings.init == "preview" and self._preview is not None:
            found |= self._preview.weights
        if settings.init == "painter" and self._painter is not None:
            found |= self._painter.weights_of(task)
        return found

    @property
    def runtime(self) -> Mapping[str, str]:
        return {"device": str(self.device), "dtype": "float32", "threads": str(torch.get_num_threads())}

    def measure(self, style: Style) -> Style:
        """With the exemplars of every reference in it."""
        return with_exemplars(style, self.encoder)

    def prepare(self, task: Task) -> ResolvedTask:
        settings = self._filled(self._settings(task))
        drafter = None if settings.init is None else self._drafter(settings.init)

        def measured(style: Style) -> Style:
            style = self.measure(style)
            return style if drafter is None else drafter.measure(style)

        return resolve(task, settings, measured)

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return LARGEST_SIDE

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        content = task.content
        report(on_step, 0, STEPS)
        if task.strength == 0:
            report(on_step, STEPS, STEPS)
            return content
        painted = self._painted(task, on_step)
        report(on_step, STEPS, STEPS)
        notes = dict.fromkeys(note for style in task.styles for r in style.references for note in notes_of(r))
        return Picture(painted, content.alpha, content.source, (*content.notes, *notes))

    def _painted(self, task: ResolvedTask, on_step: OnStep | None) -> Tensor:
        """(3, h, w), size by size; each begins with the last one and the detail of the photo, as in STROTSS. Only the
        last one keeps to the frame before: at smaller sizes its features are no optimum, and what is new would have to
        make up for them.
        """
        settings, content = self._settings(task), task.content
        assert settings.scales is not None, "the task was prepared"
        assert settings.iterations is not None, "the task was prepared"
        photo = content.pixels[None].to(self.device)
        parts = self._parts(task, photo)
        sizes = _sizes((content.height, content.width), settings.scales)
        work = [h * w for h, w in sizes]
        begun = self._begun(task, photo, parts)
        picture, moments = resized(begun, sizes[0]), Moments()
        noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(task.seed)).to(self.device)
        picture = (picture + NOISE * task.strength * noise).clamp(0, 1)

        progress = Progress.of(task, self.weights_of(task), self.runtime) if settings.resume == "on" else None
        stage = progress.found() if progress is not None else None
        for level, size in enumerate(sizes):
            if stage is not None and level < stage.level:
                continue
            previous = task.previous if size == sizes[-1] else None
            warm = None if previous is None else WarmStart.of(previous, size, self.device)
            iterations = settings.iterations if warm is None else warm.iterations(settings.iterations)

            def keep(make: Callable[[], Snapshot], level: int = level) -> None:
                if progress is not None:
                    progress.keep(level, make)

            def on_iteration(n: int, shown: Tensor, level: int = level, total: int = iterations) -> None:
                done = sum(work[:level]) + work[level] * n / total

                def picture_so_far() -> Picture:
                    small = Picture(shown[0].clamp(0, 1).cpu().contiguous())
                    return Picture(small.resized(content.size).pixels, content.alpha, content.source)

                report(on_step, min(STEPS - 1, round(STEPS * done / sum(work))), STEPS, picture_so_far)

            loss = self._loss(task, photo, parts, size, level, len(sizes), warm)
            start = resized(picture, size) + _detail(begun, sizes[level - 1], size) if level else picture
            start = start if warm is None else warm.over(start)
            descent = self._descent(replace(settings, iterations=iterations), task.strength)
            resumed = stage.snapshot if stage is not None and stage.level == level else None
            picture, moments = optimise(
                start.clamp(0, 1), loss, descent, on_iteration, moments, resumed=resumed, keep=keep
            )
        if progress is not None:
            progress.clear()
        return resized(picture, (content.height, content.width))[0].cpu().contiguous()

    def _loss(
        self,
        task: ResolvedTask,
        photo: Tensor,
        parts: Sequence[Part],
        size: tuple[int, int],
        level: int,
        levels: int,
        warm: WarmStart | None,
    ) -> Loss:
        """The objective at one size, with total variation, and in a clip the temporal loss."""
        settings = self._settings(task)
        reader = self._reader(settings.net or DEFAULT_NET, settings.pooling)
        small, here = resized(photo, size), at_size(parts, size)
        coloured = settings.content_colours == "style"
        large = size[0] * size[1] >= LARGE
        scene = Scene(
            reader=reader,
            photo=small,
            content=recoloured(small, here, task.strength) if coloured else small,
            parts=here,
            style_layers=parse_layers(settings.style_layers or "", reader.net, "style_layers"),
            content_layers=parse_layers(settings.content_layers or "", reader.net, "content_layers"),
            content_weight=STRUCTURE ** (2 * task.structure - 1),
            style_weight=settings.style_weight or 0.0,
            strength=task.strength,
            seed=task.seed,
            level=level,
            levels=levels,
            recompute=settings.checkpointing == "on" or (settings.checkpointing == "auto" and large),
            shifted=not (isinstance(settings, OptimisedByChoice) and settings.optimizer == "lbfgs"),
            literature=settings.net != DEFAULT_NET,
        )
        objective = self.method.objective(self._settings(task))(scene)
        tv, flat_tv = ((weight or 0.0) * task.strength for weight in (settings.tv_weight, settings.edge_aware_tv))

        held = 0.0 if warm is None else settings.temporal_weight or 0.0

        def loss(picture: Tensor, n: int) -> Tensor:
            found = objective(picture, n)
            if warm is not None and held:
                found = found + held * warm.loss(picture)
            if tv:
                found = found + tv * total_variation(picture).sum()
            return found + flat_tv * flat_variation(picture, small).sum() if flat_tv else found

        return loss

    def _begun(self, task: ResolvedTask, photo: Tensor, parts: Sequence[Part]) -> Tensor:
        """What is begun from (1, 3, h, w): as far from the photo as `strength` says."""
        settings = self._settings(task)
        init = settings.init
        if init == "content":
            return recoloured(photo, parts, task.strength) if settings.content_colours == "style" else photo
        if init == "noise":
            grain = torch.rand(photo.shape, generator=torch.Generator().manual_seed(task.seed)).to(photo.device)
            return torch.lerp(photo, recoloured(grain, parts, 1.0), task.strength)
        if init == "preview" and self._preview is not None:
            return self._preview.render(replace(task, size=None, mask=None)).pixels[None].to(photo.device)
        if init == "painter" and self._painter is not None:
            return self._painter.draft(task).pixels[None].to(photo.device)
        raise InputError(f"init={init} needs an engine that was not loaded: give init=content.")

    def _drafter(self, init: Init) -> Engine | Drafter | None:
        return {"content": None, "noise": None, "preview": self._preview, "painter": self._painter}[init]

    def _parts(self, task: ResolvedTask, photo: Tensor) -> list[Part]:
        """Each style with the part of the picture that is its own."""
        if not task.regions:
            return [Part(self._exemplars(task.style, photo))]
        left, shares = composite_weights(task.regions)
        pairs = zip(task.styles, (left, *shares), strict=True)
        seen = [(style, share) for style, share in pairs if bool(share.any())]
        if len(seen) == 1:
            return [Part(self._exemplars(seen[0][0], photo))]
        return [Part(self._exemplars(style, photo), share[None].to(photo.device)) for style, share in seen]

    def _exemplars(self, style: Style, photo: Tensor) -> list[Exemplar]:
        """In a fixed order, so that a blend does not depend on theirs; parts too small to be seen are left out."""
        ordered = sorted(style.references, key=lambda r: r.digest)
        least = LEAST_WEIGHT * max(r.weight for r in ordered)
        kept = [r for r in ordered if r.weight >= least]
        total = sum(r.weight for r in kept)
        return [
            Exemplar(picture, r.weight / total / len(r.exemplars)) for r in kept for picture in self._pictures(r, photo)
        ]

    def _pictures(self, reference: Reference, photo: Tensor) -> list[Tensor]:
        """The exemplars (1, 3, h, w) of a reference; words that name no colours have those of the photo."""
        decoded = (decode_exemplar(data, name=reference.source) for data in reference.exemplars)
        pictures = [p.pixels[None].to(self.device) for p in decoded]
        return [match_colours(p, colour_moments(photo)) for p in pictures] if keeps_hues(reference) else pictures

    def _settings(self, task: Task | ResolvedTask) -> S:
        return settings_of(task, self.method.settings)

    def _descent(self, settings: S, strength: float) -> Descent:
        chosen = settings.optimizer if isinstance(settings, OptimisedByChoice) else "adam"
        return Descent(
            optimizer=chosen or "adam",
            iterations=settings.iterations or 1,
            rate=(settings.learning_rate or 0.01) * strength,
            decay=settings.learning_rate_decay or 1.0,
            bands=settings.pyramid or 1,
        )

    def _filled(self, settings: S) -> S:
        """With the preset's value for every setting that is None. InputError for layers that the network lacks."""
        net: Net = settings.net or net_on_this_machine()
        if net == DEFAULT_NET and settings.pooling is not None:
            raise InputError(f"The network {net} has no pooling to choose: leave pooling out, or give net=vgg19.")
        preset = {"net": net, **self.method.presets(net, settings.preset)}
        missing = {f.name for f in fields(settings) if getattr(settings, f.name) is None}
        filled = replace(settings, **{name: value for name, value in preset.items() if name in missing})
        reader = self._reader(net, filled.pooling)
        for name in ("style_layers", "content_layers"):
            parse_layers(getattr(filled, name), reader.net, name)
        return filled

    def _reader(self, net: Net, pooling: Pooling | None) -> Reader:
        if (net, pooling) not in self._readers:
            self._readers[net, pooling] = Reader.load(net, pooling, self.device)
        return self._readers[net, pooling]


def _detail(picture: Tensor, coarse: tuple[int, int], fine: tuple[int, int]) -> Tensor:
    """(1, 3, *fine): what a picture has at the size `fine` and not at the size `coarse`."""
    return resized(picture, fine) - resized(resized(picture, coarse), fine)


def _sizes(size: tuple[int, int], scales: int) -> list[tuple[int, int]]:
    """(h, w) of each size, coarse to fine, at least 16 pixels a side where the picture has them."""
    h, w = size
    found = [(max(min(h, 16), round(h / 2**n)), max(min(w, 16), round(w / 2**n))) for n in range(scales)]
    return list(dict.fromkeys(found[::-1]))
