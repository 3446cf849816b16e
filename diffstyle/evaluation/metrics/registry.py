"""All figures by name, each with its description, direction, and function."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, cast

from diffstyle.core.errors import InputError
from diffstyle.evaluation.case import Case

Of = Literal["content", "style", "both", "artefacts", "cost"]
_PACKAGE = "diffstyle.evaluation.metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure. `function` is MODULE:NAME in this package and takes a `Case`.

    With `embed`, a function of that module, it is a figure of the whole set: `embed` takes each case, and `function`
    takes the list of all returned values. `check` raises InputError if something that it needs is missing. `weights`
    are the names in `weights.py` of the files that it needs.
    """

    name: str
    function: str
    of: Of
    higher: bool
    about: str
    embed: str = ""
    check: str = ""
    weights: tuple[str, ...] = ()
    default: bool = True

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return "↑" if self.higher else "↓"

    def available(self) -> None:
        """InputError with what to do if something that the figure needs is missing."""
        if self.check:
            self._load(self.check)()

    def of_case(self, case: Case) -> Any:
        """The figure of one case, or its embedding for `of_set`."""
        return self._load(self.embed or self.function.partition(":")[2])(case)

    def of_set(self, embedded: Sequence[Any]) -> float:
        """The figure of a whole set."""
        return float(self._load(self.function.partition(":")[2])(embedded))

    def _load(self, name: str) -> Any:
        return getattr(import_module(f"{_PACKAGE}.{self.function.partition(':')[0]}"), name)


METRICS = (
    Metric(name="ssim", function="ssim:ssim", of="content", higher=True, about="structural similarity to the photo"),
    Metric(name="psnr", function="psnr:psnr", of="content", higher=True, about="signal to noise against the photo, dB"),
    Metric(
        name="lpips",
        function="lpips:lpips",
        of="content",
        higher=False,
        about="learned perceptual distance to the photo, AlexNet",
        check="check_lpips",
        weights=("ALEXNET",),
        default=False,
    ),
    Metric(
        name="lpips-squeeze",
        function="lpips:lpips_squeeze",
        of="content",
        higher=False,
        about="the same on SqueezeNet 1.1",
        check="check_lpips_squeeze",
        weights=("SQUEEZENET",),
        default=False,
    ),
    Metric(
        name="lpips-lite",
        function="lite:lpips_lite",
        of="content",
        higher=False,
        about="LPIPS' formula, unweighted, on EfficientNet-Lite0",
    ),
    Metric(
        name="dists",
        function="dists:dists",
        of="content",
        higher=False,
        about="distance of structure and texture to the photo, VGG-16",
        check="check_dists",
        weights=("VGG16",),
        default=False,
    ),
    Metric(
        name="cfsd",
        function="cfsd:cfsd",
        of="content",
        higher=False,
        about="StyleID's content feature structural distance, VGG-19",
        check="check_cfsd",
        default=False,
    ),
    Metric(
        name="content-lite",
        function="lite:content_lite",
        of="content",
        higher=True,
        about="similarity of features to the photo's, place by place, EfficientNet-Lite0",
    ),
    Metric(name="edges", function="edges:edges", of="content", higher=True, about="correlation with the photo's edges"),
    Metric(
        name="fid",
        function="fid:fid",
        embed="embed",
        of="style",
        higher=False,
        about="distance of all results to all styles, ArtFID's Inception",
        check="check_fid",
        weights=("ART_INCEPTION",),
        default=False,
    ),
    Metric(
        name="artfid",
        function="artfid:artfid",
        embed="embed_artfid",
        of="both",
        higher=False,
        about="(1 + LPIPS)(1 + FID)",
        check="check_artfid",
        weights=("ALEXNET", "ART_INCEPTION"),
        default=False,
    ),
    Metric(
        name="csd",
        function="csd:csd",
        of="style",
        higher=True,
        about="similarity of style descriptors, ViT-L/14",
        check="check_csd",
        weights=("CSD",),
        default=False,
    ),
    Metric(
        name="style-lite",
        function="lite:style_lite",
        of="style",
        higher=False,
        about="distance of features to the style's, 1 for the photo, EfficientNet-Lite0",
    ),
    Metric(
        name="texture",
        function="texture:texture",
        of="style",
        higher=False,
        about="distance of patches to the style's, 1 for the photo",
    ),
    Metric(
        name="colour",
        function="colour:colour",
        of="style",
        higher=False,
        about="distance of colours to the style's, 1 for the photo",
    ),
    Metric(
        name="leakage",
        function="leakage:leakage",
        of="artefacts",
        higher=False,
        about="how much of the style picture's content shows through",
    ),
    Metric(
        name="grain",
        function="grain:grain",
        of="artefacts",
        higher=False,
        about="noise where the photo is flat, 1 for the style's own",
    ),
    Metric(name="time", function="cost:time", of="cost", higher=False, about="seconds to paint"),
    Metric(name="memory", function="cost:memory", of="cost", higher=False, about="peak memory, GiB"),
    Metric(name="throughput", function="cost:throughput", of="cost", higher=True, about="megapixels a second"),
)
BY_NAME = {metric.name: metric for metric in METRICS}
DEFAULT = tuple(metric.name for metric in METRICS if metric.default)


def names_in(text: str) -> list[str]:
    """The names in a list separated by commas."""
    return [name for part in text.split(",") if (name := part.strip())]


def chosen(names: Sequence[str]) -> list[Metric]:
    """The figures of those names, each once; `all` stands for all of them. InputError for an unknown name."""
    found: dict[str, Metric] = {}
    for name in names:
        if name != "all" and name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"give some of {', '.join(BY_NAME)}."
            raise InputError(f"There is no figure called {name!r}: {hint}")
        found |= BY_NAME if name == "all" else {name: BY_NAME[name]}
    if not found:
        raise InputError(f"Name at least one figure: give some of {', '.join(BY_NAME)}.")
    return list(found.values())


def download(metrics: Sequence[Metric]) -> None:
    """Download the weights of figures that are missing; InputError if that fails."""
    from diffstyle.evaluation.metrics import weights

    for name in dict.fromkeys(name for metric in metrics for name in metric.weights):
        weights.fetch(cast("weights.MetricWeights", getattr(weights, name)))
