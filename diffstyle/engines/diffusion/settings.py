"""The settings of the diffusion engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from diffstyle.core.errors import InputError
from diffstyle.core.fields import MaxLength, Range, check_values
from diffstyle.core.model_options import SchedulerName
from diffstyle.core.settings import Capabilities, EngineSettings

if TYPE_CHECKING:
    from diffstyle.core.task import ResolvedTask

Start = Literal["content", "preview", "painter"]
Blend = Literal["mix", "tokens"]
StyleAttention = Literal["own", "inject", "share"]
Guidance = Literal["off", "nnst"]
MAX_STEPS = 200
MAX_WORDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Diffusion(EngineSettings):
    """Stable Diffusion img2img with ControlNets, conditioned on styles by adapters.

    Parameters
    ----------
    denoise
        Share of the noise schedule that is run at strength 1; more repaints more boldly. If not given, the model's own
        for the start.
    start
        Begin from the photo (content), or from it in the same style as the preview or the painter has it; if not given,
        the model's own, which is the painter for a model without a style adapter.
    style_scale
        How strongly the style adapter acts, 1 as it was trained.
    style_start
        Share of the steps from which on the style adapter acts.
    style_end
        Share of the steps until which the style adapter acts.
    blocks
        Where the style adapter acts: all, style, style+layout, or block names as up_blocks.1=0.8.
    blend
        Several styles as their mean (mix), or each with tokens of its own (tokens).
    steps
        Number of denoising steps, at most the noise levels below `denoise`; the model's own if not given.
    guidance
        Classifier-free guidance; 1 is none and twice as fast. The model's own if not given.
    scheduler
        The sampler; the model's own if not given.
    prompt
        Words beside the style's, where the model reads words.
    negative
        Words for what is not wanted.
    style_content
        Words for what the style's pictures show, as "a woman": it is taken out of their embedding, and how much of it
        appears all the same is measured (leakage).
    style_attention
        What self-attention looks at, without any training: the picture itself (own), the style's pictures with the
        photo's queries (inject, StyleID, Chung et al. 2024), or both (share, Style Aligned, Hertz et al. 2024).
    query_preservation
        How much of the photo's layout inject keeps, from 0 to 1.
    attention_temperature
        How sharply inject attends; above 1 keeps the style's marks crisp.
    attention_blocks
        Where inject and share act, as up_blocks.2,up_blocks.3; the last two blocks with self-attention if not given.
    guide
        Draw every step towards the style picture's own marks: by their nearest neighbours (nnst), or not (off).
    guide_scale
        How far nnst draws.
    tile
        Paint in overlapping tiles of this many pixels, which needs less memory; if not given, twice the side that the
        model was trained on, for larger pictures.
    overlap
        Overlap of the tiles in pixels, at most half of one.
    """

    name: ClassVar[str] = "diffusion"
    title: ClassVar[str] = "Diffusion model"
    capabilities: ClassVar[Capabilities] = Capabilities(
        regional=True,
        seeded=True,
        negative=True,
        structure=True,
        adapters=("tokens", "lora", "controlnet"),
        runtimes=("onnx", "openvino"),
    )

    denoise: Annotated[float | None, Range(0, 1)] = None
    start: Start | None = None
    style_scale: Annotated[float, Range(0, 3)] = 1.0
    style_start: Annotated[float, Range(0, 1)] = 0.0
    style_end: Annotated[float, Range(0, 1)] = 1.0
    blocks: str = "all"
    blend: Blend = "mix"
    steps: Annotated[int | None, Range(1, MAX_STEPS)] = None
    guidance: Annotated[float | None, Range(0, 30)] = None
    scheduler: SchedulerName | None = None
    prompt: Annotated[str, MaxLength(MAX_WORDS)] = ""
    negative: Annotated[str, MaxLength(MAX_WORDS)] = ""
    style_content: Annotated[str, MaxLength(MAX_WORDS)] = ""
    style_attention: StyleAttention = "own"
    query_preservation: Annotated[float, Range(0, 1)] = 0.75
    attention_temperature: Annotated[float, Range(0.1, 5)] = 1.5
    attention_blocks: str = ""
    guide: Guidance = "off"
    guide_scale: Annotated[float, Range(0, 10)] = 1.0
    tile: Annotated[int | None, Range(128, 2048)] = None
    overlap: Annotated[int, Range(16, 1024)] = 64

    def __post_init__(self) -> None:
        check_values(self, Diffusion)
        if self.tile is not None and 2 * self.overlap > self.tile:
            raise InputError(f"overlap is {self.overlap}: give at most half of tile, {self.tile // 2}.")
        if self.style_attention != "own" and self.tile is not None:
            raise InputError(
                f"style_attention={self.style_attention} paints the whole picture at once: leave tile out."
            )
        if self.looks_at_pictures and self.scheduler == "euler-a":
            raise InputError("style_attention and guide cannot follow euler-a: give ddim or dpm++.")
        if self.style_attention == "inject" and self.start not in (None, "content"):
            raise InputError(f"style_attention=inject begins from the photo: leave out start={self.start}.")
        if self.style_start > self.style_end:
            raise InputError(f"style_start is {self.style_start}: it must not be after style_end, {self.style_end}.")

    @property
    def looks_at_pictures(self) -> bool:
        """Whether the style's pictures act by themselves, without an adapter."""
        return self.style_attention != "own" or self.guide != "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedDiffusion(Diffusion):
    """`Diffusion` with what the model chose in place of every None; `tile` None means one tile over all."""

    denoise: float  # pyright: ignore[reportGeneralTypeIssues] - a resolved value has no default
    start: Start  # pyright: ignore[reportGeneralTypeIssues]
    steps: int  # pyright: ignore[reportGeneralTypeIssues]
    guidance: float  # pyright: ignore[reportGeneralTypeIssues]
    scheduler: SchedulerName  # pyright: ignore[reportGeneralTypeIssues]


def diffusion_settings(task: ResolvedTask) -> ResolvedDiffusion:
    """The engine's own settings of a task that it prepared."""
    assert isinstance(task.engine, ResolvedDiffusion), "the task was prepared by another engine"
    return task.engine
