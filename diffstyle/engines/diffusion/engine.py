"""The diffusion engine: diffusers' img2img pipelines, conditioned on styles by adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from diffstyle.adapters.attach import attach
from diffstyle.adapters.blocks import profile, set_scales
from diffstyle.adapters.lora import LoraAdapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.backbone import Backbone
from diffstyle.backbones.schedulers import make_scheduler
from diffstyle.core.device import dtype_name, ran_out
from diffstyle.core.errors import InputError
from diffstyle.core.fields import values_of
from diffstyle.core.model_options import Runtime
from diffstyle.core.picture import Picture
from diffstyle.core.settings import Capabilities
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task, resolve
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.base import Drafter, Engine, OnStep, report, settings_of
from diffstyle.engines.diffusion.colours import in_colours_of
from diffstyle.engines.diffusion.controlnet_hints import condition, depth_weights
from diffstyle.engines.diffusion.exported.networks import ExportedNetworks
from diffstyle.engines.diffusion.guide import guide_of, guided
from diffstyle.engines.diffusion.injection import StyleAttention, unstyled_arguments
from diffstyle.engines.diffusion.interrupt import interruptible
from diffstyle.engines.diffusion.masked_latents import MaskedLatents
from diffstyle.engines.diffusion.notes import notes_of, unused_note
from diffstyle.engines.diffusion.padding import Padding
from diffstyle.engines.diffusion.policy import INVERTED, StylePolicy
from diffstyle.engines.diffusion.prompts import PromptCache
from diffstyle.engines.diffusion.schedule import Schedule, schedule
from diffstyle.engines.diffusion.settings import Diffusion, ResolvedDiffusion, diffusion_settings
from diffstyle.engines.diffusion.starts import Starts
from diffstyle.engines.diffusion.style_content import leakage
from diffstyle.engines.diffusion.style_input import (
    has_features,
    image_embeds,
    style_masks,
    style_weights,
    with_features,
    words,
)
from diffstyle.engines.diffusion.tiled import tiled
from diffstyle.engines.diffusion.tiles import Tiles, seam_score
from diffstyle.runtimes.sessions import described

TILE = 2  # largest tile unless asked for, in sides that the model was trained on


class DiffusionEngine:
    """`strength` times `denoise` is how far back into the noise the init image goes; 0 gives the content. Detail that a
    tiny VAE loses of the init image is added back, more at lower strengths. Styles of regions act through masks in the
    adapters' attention; outside the mask the latents are the content's after each step (Avrahami et al. 2022).

    The noise is drawn on the CPU from `task.seed` alone, so a picture does not depend on its batch nor, up to rounding,
    on the device. A render with non-finite numbers is repeated once in float32, one that runs out of memory in the next
    lower memory mode; the picture's notes say so, and later renders keep that dtype and mode.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        adapters: Sequence[tuple[TokensAdapter, float]] = (),
        loras: Sequence[LoraAdapter] = (),
        encoder: StyleEncoder | None = None,
        preview: Engine | None = None,
        painter: Drafter | None = None,
        policy: StylePolicy | None = None,
        runtime: Runtime = "torch",
    ) -> None:
        self.backbone, self.adapters, self.loras = backbone, tuple(adapters), tuple(loras)
        self.encoder, self.policy = encoder, policy or StylePolicy()
        self.starts = Starts(preview, painter)
        self._asked = (backbone.dtype, backbone.memory)
        self._runtime: Runtime = runtime
        self._exported = ExportedNetworks(backbone, self._runtime, self._any_prompt)
        self._detach = attach([*self.loras, *(a for a, _ in self.adapters)], backbone)
        self._unused = [note for lora in self.loras if (note := unused_note(lora, backbone))]
        self._scheduler_config = backbone.pipeline.scheduler.config
        self._prompts = PromptCache(backbone)
        self._style_attention = StyleAttention(backbone)

    def detach(self) -> None:
        """Remove the adapters: the backbone is bit for bit what it was."""
        self._detach()
        self._exported.forget()

    @property
    def capabilities(self) -> Capabilities:
        return replace(Diffusion.capabilities, regional=bool(self.adapters))

    @property
    def weights(self) -> Mapping[str, str]:
        found = dict(self.backbone.weights)
        found |= {f"adapter {n} {a.name}": a.digest for n, (a, _) in enumerate(self.adapters)}
        found |= {f"lora {n} {a.name}": a.digest for n, a in enumerate(self.loras)}
        if any(c.conditioning == "depth" for c in self.backbone.controls):
            found |= depth_weights()
        return found | dict(self.starts.preview.weights if self.starts.preview is not None else {})

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        return {**self.weights, **self.starts.weights_of(task)}

    @property
    def runtime(self) -> Mapping[str, str]:
        return {
            "device": str(self.backbone.device),
            "dtype": dtype_name(self.backbone.dtype),
            "threads": str(torch.get_num_threads()),
            "memory": self.backbone.memory,
            **described(self._runtime),
        }

    def measure(self, style: Style) -> Style:
        """`style` with the embeddings and features that the adapters read. InputError for one that the model cannot
        read.
        """
        return self._measured(style, shown=False)

    def _measured(self, style: Style, *, shown: bool) -> Style:
        """With `shown`, a draft or its pictures carry a style that the model cannot read."""
        variants = {a.variant for a, _ in self.adapters}
        if "plus" in variants and self.encoder is not None:
            painter, encoder = self.starts.painter, self.encoder
            if painter is not None and not all(has_features(r, encoder) for r in style.references):
                style = painter.with_exemplars(style)
            style = with_features(style, self.encoder)
        if "base" in variants and self.encoder is not None:
            style = self.encoder.encode(style)
        elif not self.adapters and not shown and not (self.backbone.has_words and style.prompt):
            reads = "words alone" if self.backbone.has_words else "neither words nor pictures"
            raise InputError(
                f"The model reads {reads} without a style adapter, and the style {style.label} is not in words: add"
                " --adapter, `diffstyle models list` names some, or --start painter."
            )
        return style

    def prepare(self, task: Task) -> ResolvedTask:
        settings = self.resolved(settings_of(task, Diffusion))

        def measure(style: Style) -> Style:
            style = self.starts.measured(style, settings.start)
            if settings.looks_at_pictures and self.starts.painter is not None:
                style = self.starts.painter.with_exemplars(style)
            return self._measured(style, shown=settings.looks_at_pictures or settings.start == "painter")

        return resolve(task, settings, measure)

    def resolved(self, settings: Diffusion) -> ResolvedDiffusion:
        """`settings` with the backbone's own sampling in place of every None."""
        if settings.style_attention != "own" and self._runtime != "torch":
            raise InputError(
                f"style_attention={settings.style_attention} changes the network, which runs in {self._runtime}: leave"
                " it out, or give runtime=torch."
            )
        own, policy = self.backbone.sampling, self.policy
        given = {name: value for name, value in values_of(settings).items() if value is not None}
        chosen = {name: getattr(own, name) for name in ("steps", "guidance", "scheduler")}
        injected = settings.style_attention == "inject"
        usual = "content" if injected or self.adapters or self.starts.painter is None else "painter"
        start = settings.start or ("content" if injected else policy.start) or usual
        chosen |= {"denoise": INVERTED if injected else policy.share(start), "start": start}
        return ResolvedDiffusion(**(chosen | given))

    def largest_side(self, task: ResolvedTask) -> int | None:
        return self.backbone.sampling.side if diffusion_settings(task).tile is None else None

    @torch.no_grad()
    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        settings, plan = diffusion_settings(task), self.plan(task)
        total = max(1, plan.run * self._tiles(task).count)
        report(on_step, 0, total)
        if plan.run == 0:
            report(on_step, total, total)
            drafted = task.strength > 0 and self.starts.drafts(settings.start) is not None
            return self.starts.picture(task) if drafted else task.content
        while True:
            try:
                begin = self._init_image(task)
                with self._exported.acting(), interruptible(self.backbone.pipeline):
                    pixels, blanked, measures = self._run(task, begin, plan, on_step)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                if not self.backbone.relieve():
                    raise InputError(
                        f"There is not enough memory for {task.content.width}x{task.content.height} pixels even with"
                        " memory=low: give tile=512, or a smaller size."
                    ) from error
                continue
            if bool(torch.isfinite(pixels).all()):
                content = task.content
                restored = 1 - task.strength * (1 - self.policy.keeps_detail)
                if restored and self.is_quick:
                    pixels = pixels.add(self._lost(begin), alpha=restored).clamp_(0, 1)
                if settings.start != "content" and self.policy.keeps_colours:
                    pixels = in_colours_of(begin, pixels).clamp_(0, 1)
                report(on_step, total, total)
                painted = Picture(
                    self._padding(task).remove(pixels),
                    content.alpha,
                    content.source,
                    notes_of(task, self.backbone, asked=self._asked, left_out=self._said(task), blanked=blanked),
                    self._seams(task, pixels) | measures,
                )
                if settings.style_content and self.encoder is not None:
                    return painted.measured(leakage=leakage(self.encoder, painted, content, settings.style_content))
                return painted
            if self.backbone.dtype == torch.float32:
                raise InputError("The model gives no finite numbers, not even in float32: its weights are damaged.")
            self.backbone.in_dtype(torch.float32)
            self._prompts = PromptCache(self.backbone)

    def plan(self, task: ResolvedTask) -> Schedule:
        """The denoising steps of a task."""
        settings = diffusion_settings(task)
        scheduler = make_scheduler(settings.scheduler, self._scheduler_config)
        return schedule(settings.steps, task.strength * settings.denoise, scheduler, settings.scheduler)

    def _said(self, task: ResolvedTask) -> list[str]:
        """What LoRAs and the tokenizer left out."""
        return [*self._unused, *(self._prompts.left_out(*words(task)) if self.backbone.has_words else ())]

    def arguments(self, task: ResolvedTask, begin: Tensor, plan: Schedule) -> dict[str, Any]:
        """The arguments of diffusers' pipeline for a task and an init image `begin` (3, H, W), both padded: everything
        that decides the result.
        """
        guidance = diffusion_settings(task).guidance
        padding = self._padding(task)
        content = padding.add(task.content.pixels)
        found: dict[str, Any] = {
            "image": begin[None],
            "strength": plan.strength,
            "num_inference_steps": plan.total,
            "guidance_scale": guidance,
            "generator": torch.Generator("cpu").manual_seed(task.seed),
            "output_type": "pt",
            **self._prompts.get(*words(task), guided=guidance > 1),
        }
        if self.adapters:
            embeds = image_embeds([a for a, _ in self.adapters], self.encoder, task, guided=guidance > 1)
            found["ip_adapter_image_embeds"] = [e.to(self.backbone.device, self.backbone.dtype) for e in embeds]
            found |= self._masks(task, padding)
        if controls := self.backbone.controls:
            shown = [condition(content, c.conditioning)[None] for c in controls]
            scales = [c.scale * task.structure * 2 for c in controls]
            one = len(controls) == 1
            found |= {
                "control_image": shown[0] if one else shown,
                "controlnet_conditioning_scale": scales[0] if one else scales,
                "control_guidance_start": [c.start for c in controls],
                "control_guidance_end": [c.end for c in controls],
            }
        return found

    def _run(
        self, task: ResolvedTask, begin: Tensor, plan: Schedule, on_step: OnStep | None
    ) -> tuple[Tensor, bool, dict[str, float]]:
        """(3, H, W) on the CPU, frame included, whether a safety checker blanked it, and measures."""
        pipeline = self.backbone.pipeline
        scheduler = make_scheduler(diffusion_settings(task).scheduler, self._scheduler_config)
        levels, pipeline.scheduler = plan.levels(scheduler), scheduler
        arguments = self.arguments(task, begin, plan)
        keep = self._kept(task) if task.mask is not None else None
        padding = self._padding(task)
        tiles, guide = self._tiles(task), guide_of(task, self.backbone, padding)
        begun = 0
        self._set_scales(task, 0.0)

        def after_step(_: Any, index: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            nonlocal begun
            begun = done = index + 1
            self._set_scales(task, done / plan.run)
            latents = cast("Tensor", tensors["latents"])
            if keep is not None:
                latents = keep.blend(latents, pipeline.scheduler, left=plan.run - done)
            show = (lambda: self._shown(latents, task.content, padding)) if self._tiny is not None else None
            total = plan.run * tiles.count
            report(on_step, min(done * tiles.count, total - 1), total, show)  # the last one is done once it is decoded
            return {"latents": latents}

        def after_tile(done: int) -> None:
            if done < tiles.count:
                report(on_step, begun * tiles.count + done, plan.run * tiles.count)

        try:
            with (
                tiled(pipeline, tiles, scale=self.backbone.multiple, on_tile=after_tile),
                self._style_attention.acting(task, levels, padding, unstyled_arguments(arguments, padding.outer)),
                guided(pipeline.unet, guide, scheduler),
            ):
                output = pipeline(**arguments, callback_on_step_end=after_step)
        finally:
            pipeline.maybe_free_model_hooks()
        flagged = cast("list[bool] | None", getattr(output, "nsfw_content_detected", None))
        took = {} if guide is None else {"guide_seconds": guide.seconds}
        return cast("Tensor", output.images)[0].float().cpu(), any(flagged or []), took

    def _set_scales(self, task: ResolvedTask, progress: float) -> None:
        if not self.adapters:
            return
        settings = diffusion_settings(task)
        acts = settings.style_start <= progress < settings.style_end
        chosen = profile(settings.blocks, self.backbone.architecture.name)
        factor = settings.style_scale if acts else 0.0
        set_scales(
            self.backbone.unet,
            [[(chosen, factor * scale * w) for w in style_weights(a, task)] for a, scale in self.adapters],
        )

    def _masks(self, task: ResolvedTask, padding: Padding) -> dict[str, Any]:
        """With several styles in one adapter, each is attended to by itself where its mask is, and weighed."""
        masks = [style_masks(a, task) for a, _ in self.adapters]
        if max(map(len, masks)) == 1:
            return {}
        framed = [padding.add(m)[None].to(self.backbone.device) for m in masks]  # (1, styles, h, w)
        return {"cross_attention_kwargs": {"ip_adapter_masks": framed}}

    def _kept(self, task: ResolvedTask) -> MaskedLatents:
        """The content's latents outside the task's mask."""
        assert task.mask is not None
        padding = self._padding(task)
        latents = self.backbone.encode(padding.add(task.content.pixels)[None]).to(self.backbone.dtype)
        return MaskedLatents.of(latents, padding.add(task.mask.values), seed=task.seed)

    def _padding(self, task: ResolvedTask) -> Padding:
        own = self.backbone
        return Padding.of(task.content.size, margin=own.sampling.margin, multiple=own.multiple)

    def _tiles(self, task: ResolvedTask) -> Tiles:
        """The windows of a denoising step: one over all unless `tile` or a public model's side says else."""
        padding, scale = self._padding(task), self.backbone.multiple
        height, width = (side // scale for side in padding.outer)
        settings = diffusion_settings(task)
        side = settings.tile or self._own_tile(padding)
        if side is None:
            return Tiles(height, width, max(height, width), 0)
        return Tiles(height, width, side // scale, -(-min(settings.overlap, side // 2) // scale))

    def _own_tile(self, padding: Padding) -> int | None:
        """In pixels; a picture far larger than a public model was trained on takes too much memory in one piece."""
        own = self.backbone.architecture.side
        return TILE * own if own and max(padding.outer) > TILE * own else None

    def _seams(self, task: ResolvedTask, pixels: Tensor) -> dict[str, float]:
        """How visible the edges of tiles are in a padded picture (3, H, W)."""
        tiles = self._tiles(task)
        if tiles.count == 1:
            return {}
        scale = self.backbone.multiple
        rows, columns = ([edge * scale for edge in edges] for edges in tiles.borders())
        return {"seam_score": seam_score(pixels, rows, columns, scale=scale)}

    def _init_image(self, task: ResolvedTask) -> Tensor:
        """(3, H, W): the picture whose latents are noised, padded."""
        return self._padding(task).add(self.starts.picture(task).pixels)

    def _lost(self, begin: Tensor) -> Tensor:
        """(3, H, W): the detail that the VAE loses of the init image."""
        return begin - self.backbone.decode(self.backbone.encode(begin[None]))[0].cpu()

    def _any_prompt(self) -> Tensor:
        return self._prompts.get("", "", guided=False)["prompt_embeds"]

    @property
    def is_quick(self) -> bool:
        """Whether the model's own VAE is a tiny one, which takes next to no time."""
        return type(self.backbone.pipeline.vae).__name__ == "AutoencoderTiny"

    @property
    def _tiny(self) -> Any:
        """A VAE quick enough to decode every step, or None."""
        return self.backbone.pipeline.vae if self.is_quick else self.backbone.preview_vae

    @torch.no_grad()
    def _shown(self, latents: Tensor, content: Picture, padding: Padding) -> Picture:
        """Latents between two steps as a picture."""
        vae = self._tiny
        weight = next(vae.parameters())
        decoded = vae.decode((latents / vae.config.scaling_factor).to(weight.device, weight.dtype)).sample[0]
        pixels = (decoded.float().cpu() / 2 + 0.5).nan_to_num(0).clamp(0, 1)
        return Picture(padding.remove(pixels), content.alpha, content.source)
