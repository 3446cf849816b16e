"""The settings that engines share which optimise the picture itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from diffstyle.core.fields import MaxLength, Range
from diffstyle.core.settings import Capabilities, EngineSettings

Preset = Literal["faithful", "bold", "texture"]
Net = Literal["efficientnet-lite0", "vgg16", "vgg19"]
Pooling = Literal["max", "average"]
Init = Literal["content", "noise", "preview", "painter"]
ContentColours = Literal["style", "photo"]
Checkpointing = Literal["auto", "on", "off"]
Resume = Literal["off", "on"]
Optimizer = Literal["adam", "lbfgs"]

OPTIMISED = Capabilities(regional=True, seeded=True, structure=True, temporal=True)
_LAYERS = MaxLength(400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimised(EngineSettings):
    """Settings of every engine that optimises the picture itself.

    Parameters
    ----------
    preset
        Values for all settings below that are not given: faithful keeps faces and outlines, bold lets the style take
        over more, texture paints the style's marks alone, from noise.
    net
        The network whose features are compared; if not given, vgg19 where its weights are on this machine, else
        efficientnet-lite0, which always is.
    pooling
        How VGG reduces its maps: max as it was trained, or average, which gives smoother gradients.
    style_layers
        Layers by name whose statistics come from the style, each with a weight if wanted, such as relu1_1,relu2_1:0.5;
        rgb is the picture's own colours.
    content_layers
        Layers by name whose features come from the photo, each with a weight if wanted.
    style_weight
        Weight of the style when that of the content is 1; in the literature 1e3 to 1e5 on VGG.
    tv_weight
        Weight of total variation, which removes grain.
    edge_aware_tv
        Weight of total variation where the photo is flat: it calms skies and leaves strokes on objects.
    temporal_weight
        Weight of the difference to the frame before, in a clip: the more, the less marks change; 0 only begins with it.
    init
        What is begun from: the photo, noise, or a draft by the preview or by the painter.
    content_colours
        The colours of the photo that is compared with: the style's, by a linear map, or the photo's own.
    scales
        How many sizes are painted, each twice the one before.
    iterations
        Evaluations of the loss and its gradient at each size.
    learning_rate
        Step of the optimiser.
    learning_rate_decay
        Share of the learning rate that is left at the end of each size.
    pyramid
        Bands of the Laplacian pyramid that is optimised; 1 optimises pixels.
    checkpointing
        Whether activations are computed twice instead of kept, which takes less memory: for large pictures (auto),
        always, or never.
    resume
        Whether an optimisation that is interrupted goes on from there when it is asked for again: its state is
        kept in the cache folder until it is done.
    """

    preset: Preset = "faithful"
    net: Net | None = None
    pooling: Pooling | None = None
    style_layers: Annotated[str | None, _LAYERS] = None
    content_layers: Annotated[str | None, _LAYERS] = None
    style_weight: Annotated[float | None, Range(0, 1e9)] = None
    tv_weight: Annotated[float | None, Range(0, 1e6)] = None
    edge_aware_tv: Annotated[float | None, Range(0, 1e6)] = None
    temporal_weight: Annotated[float | None, Range(0, 1e9)] = None
    init: Init | None = None
    content_colours: ContentColours | None = None
    scales: Annotated[int | None, Range(1, 6)] = None
    iterations: Annotated[int | None, Range(1, 10_000)] = None
    learning_rate: Annotated[float | None, Range(1e-5, 10)] = None
    learning_rate_decay: Annotated[float | None, Range(0.001, 1)] = None
    pyramid: Annotated[int | None, Range(1, 8)] = None
    checkpointing: Checkpointing = "auto"
    resume: Resume = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimisedByChoice(Optimised):
    """Settings of the engines whose loss is the same at every step, so that there is a choice of optimisers.

    Parameters
    ----------
    optimizer
        Adam, whose moments are carried from one size to the next, or L-BFGS, which reaches a lower loss in photos of
        moderate size.
    """

    optimizer: Optimizer | None = None
