"""The diffusion engine: diffusers' own img2img pipelines, told by adapters what the style is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

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
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.base import Engine, OnStep, S, report
from diffstyle.engines.diffusion.colours import in_colours_of
from diffstyle.engines.diffusion.controlnet_hints import condition, depth_weights
from diffstyle.engines.diffusion.masked_latents import KeptLatents
from diffstyle.engines.diffusion.padding import Frame
from diffstyle.engines.diffusion.schedule import Schedule, schedule
from diffstyle.engines.diffusion.style_input import image_embeds, style_masks, style_weights, with_features, words
from diffstyle.engines.diffusion.tiled import tiled
from diffstyle.engines.diffusion.tiles import Tiles, seam_score

KEPT_PROMPTS = 32
TILE = 2  # times the side that a public model was trained on: no larger part is painted at a time unless asked for


class DiffusionEngine:
    """`strength` times `denoise` is how far back into the noise the start picture is taken; 0 gives the content. Below
    1, what a quick VAE loses of that picture is given back in the same measure. Styles of regions act through masks in
    the adapters' attention; outside its mask the latents are the content's after each step (Avrahami et al. 2022).

    The noise is drawn on the CPU from `task.seed` alone, so that a picture is the same in any company and, up to
    rounding, on any device. A render that gives no numbers is tried once more in float32, and one that runs out of
    memory in the next lower memory mode; the picture's notes say so. Later renders stay there: numbers that overflow
    and memory that is too small are the model's and the machine's own, and each picture would be begun twice.
    """

    needs: Literal["embedding"] = "embedding"

    def __init__(
        self,
        backbone: Backbone,
        *,
        adapters: Sequence[tuple[TokensAdapter, float]] = (),
        loras: Sequence[LoraAdapter] = (),
        encoder: StyleEncoder | None = None,
        preview: Engine | None = None,
    ) -> None:
        self.backbone, self.adapters, self.loras = backbone, tuple(adapters), tuple(loras)
        self.encoder, self.preview = encoder, preview
        self._asked = (backbone.dtype, backbone.memory)
        self._detach = attach([*self.loras, *(a for a, _ in self.adapters)], backbone)
        self._scheduler_config = backbone.pipeline.scheduler.config
        self._prompts: dict[tuple[str, str, bool], dict[str, Any]] = {}

    def detach(self) -> None:
        """Take the adapters off again: the backbone is what it was."""
        self._detach()

    @property
    def space(self) -> str:
        return self.adapters[0][0].space if self.adapters else ""

    @property
    def regional(self) -> bool:
        return bool(self.adapters)

    @property
    def weights(self) -> Mapping[str, str]:
        found = dict(self.backbone.weights)
        found |= {f"adapter {n} {a.name}": a.digest for n, (a, _) in enumerate(self.adapters)}
        found |= {f"lora {n} {a.name}": a.digest for n, a in enumerate(self.loras)}
        if any(c.conditioning == "depth" for c in self.backbone.controls):
            found |= depth_weights()
        return found | (dict(self.preview.weights) if self.preview is not None else {})

    @property
    def runtime(self) -> Mapping[str, str]:
        return {
            "device": str(self.backbone.device),
            "dtype": dtype_name(self.backbone.dtype),
            "threads": str(torch.get_num_threads()),
            "memory": self.backbone.memory,
        }

    def measure(self, style: Style) -> Style:
        """With its embeddings for the adapters; and, for a start from the preview, what that needs."""
        kinds = {a.variant for a, _ in self.adapters}
        if "plus" in kinds and self.encoder is not None:
            style = with_features(style, self.encoder)
        if "base" in kinds and self.encoder is not None:
            style = self.encoder.encode(style)
        elif not self.adapters and not (self.backbone.has_words and style.prompt):
            reads = "words alone" if self.backbone.has_words else "neither words nor pictures"
            raise InputError(
                f"The model reads {reads} without a style adapter, and the style {style.label} is not in words: add"
                " --adapter, `diffstyle models list` names some."
            )
        return style

    @torch.no_grad()
    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        task = self.settled(task)
        plan = self.plan(task)
        total = max(1, plan.run * self._tiles(task).count)
        report(on_step, 0, total)
        if plan.run == 0:
            report(on_step, total, total)
            previewed = task.start == "preview" and task.strength > 0 and self.preview is not None
            return self._preview_of(task) if previewed else task.content
        task = replace(task, style=self.measure(task.style))
        if task.negative_style is not None and self.adapters:
            task = replace(task, negative_style=self.measure(task.negative_style))
        task = replace(task, regions=tuple(replace(r, style=self.measure(r.style)) for r in task.regions))
        while True:
            try:
                begin = self._beginning(task)
                pixels, blanked = self._run(task, begin, plan, on_step)
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
                if task.strength < 1 and self._quick:
                    pixels = pixels.add(self._lost(begin), alpha=1 - task.strength).clamp_(0, 1)
                if task.start == "preview" and self.backbone.sampling.keeps_colours:
                    pixels = in_colours_of(begin, pixels).clamp_(0, 1)
                report(on_step, total, total)
                return Picture(
                    self._frame(task).inside(pixels),
                    content.alpha,
                    content.source,
                    self._notes(task, blanked=blanked),
                    self._seams(task, pixels),
                )
            if self.backbone.dtype == torch.float32:
                raise InputError("The model gives no finite numbers, not even in float32: its weights are damaged.")
            self.backbone.in_dtype(torch.float32)
            self._prompts.clear()

    def settled(self, task: S) -> S:
        """`task` with the backbone's own sampling where it names none."""
        own = self.backbone.sampling
        return replace(
            task,
            steps=own.steps if task.steps is None else task.steps,
            guidance=own.guidance if task.guidance is None else task.guidance,
            scheduler=task.scheduler or own.scheduler,
            denoise=own.denoise if task.denoise is None else task.denoise,
            texture=own.texture if task.texture is None else task.texture,
            start=task.start or own.start,
        )

    def plan(self, task: Task) -> Schedule:
        """Which steps a settled task takes."""
        own = self.backbone.sampling
        name = task.scheduler or own.scheduler
        scheduler = make_scheduler(name, self._scheduler_config)
        denoise = own.denoise if task.denoise is None else task.denoise
        return schedule(task.steps or own.steps, task.strength * denoise, scheduler, name)

    def _notes(self, task: Task, *, blanked: bool) -> tuple[str, ...]:
        """What went otherwise than asked."""
        dtype, memory = self._asked
        notes: list[str] = []
        if self.backbone.dtype != dtype:
            notes.append(f"{dtype_name(dtype)} gives no finite numbers with this model: rendered in float32.")
        if self.backbone.memory != memory:
            notes.append(f"Memory ran out: rendered with memory={self.backbone.memory}.")
        if (task.negative or task.negative_style is not None) and (task.guidance or 0) <= 1:
            notes.append("What is not wanted needs guidance above 1: it was left out.")
        if blanked:
            notes.append("The model's safety checker blanked the picture.")
        return tuple(notes)

    def arguments(self, task: Task, begin: Tensor, plan: Schedule) -> dict[str, Any]:
        """What diffusers' pipeline is called with for a settled task, and the picture (3, H, W) that is begun with: all
        that decides the result.
        """
        guidance = self.backbone.sampling.guidance if task.guidance is None else task.guidance
        frame = self._frame(task)
        content = frame.around(task.content.pixels)
        found: dict[str, Any] = {
            "image": begin[None],
            "strength": plan.strength,
            "num_inference_steps": plan.total,
            "guidance_scale": guidance,
            "generator": torch.Generator("cpu").manual_seed(task.seed),
            "output_type": "pt",
            **self.prompt(*words(task), guided=guidance > 1),
        }
        if self.adapters:
            embeds = image_embeds([a for a, _ in self.adapters], self.encoder, task, guided=guidance > 1)
            found["ip_adapter_image_embeds"] = [e.to(self.backbone.device, self.backbone.dtype) for e in embeds]
            found |= self._masks(task, frame)
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

    def _run(self, task: Task, begin: Tensor, plan: Schedule, on_step: OnStep | None) -> tuple[Tensor, bool]:
        """(3, H, W) on the CPU, frame included, and whether a safety checker blanked it."""
        pipeline = self.backbone.pipeline
        pipeline.scheduler = make_scheduler(task.scheduler or "", self._scheduler_config)
        arguments = self.arguments(task, begin, plan)
        keep = self._kept(task) if task.mask is not None else None
        frame = self._frame(task)
        tiles = self._tiles(task)
        begun = 0
        self._set_scales(task, 0.0)

        def after_step(_: Any, index: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            nonlocal begun
            begun = done = index + 1
            self._set_scales(task, done / plan.run)
            latents = cast("Tensor", tensors["latents"])
            if keep is not None:
                latents = keep.blend(latents, pipeline.scheduler, left=plan.run - done)
            show = (lambda: self._shown(latents, task.content, frame)) if self._tiny is not None else None
            total = plan.run * tiles.count
            report(on_step, min(done * tiles.count, total - 1), total, show)  # the last one is done once it is decoded
            return {"latents": latents}

        def after_tile(done: int) -> None:
            if done < tiles.count:
                report(on_step, begun * tiles.count + done, plan.run * tiles.count)

        try:
            with tiled(pipeline, tiles, scale=self.backbone.multiple, on_tile=after_tile):
                output = pipeline(**arguments, callback_on_step_end=after_step)
        finally:
            pipeline.maybe_free_model_hooks()
        flagged = cast("list[bool] | None", getattr(output, "nsfw_content_detected", None))
        return cast("Tensor", output.images)[0].float().cpu(), any(flagged or [])

    def _set_scales(self, task: Task, progress: float) -> None:
        if not self.adapters:
            return
        acts = task.style_start <= progress < task.style_end
        chosen = profile(task.blocks, self.backbone.architecture.name)
        factor = task.style_scale if acts else 0.0
        set_scales(
            self.backbone.unet,
            [[(chosen, factor * scale * w) for w in style_weights(a, task)] for a, scale in self.adapters],
        )

    def _masks(self, task: Task, frame: Frame) -> dict[str, Any]:
        """With several styles in one adapter, each is attended to by itself where its mask is, and weighed."""
        masks = [style_masks(a, task) for a, _ in self.adapters]
        if max(map(len, masks)) == 1:
            return {}
        framed = [frame.around(m)[None].to(self.backbone.device) for m in masks]  # (1, styles, h, w)
        return {"cross_attention_kwargs": {"ip_adapter_masks": framed}}

    def _kept(self, task: Task) -> KeptLatents:
        """What stays of the content outside of the task's mask."""
        assert task.mask is not None
        frame = self._frame(task)
        latents = self.backbone.encode(frame.around(task.content.pixels)[None]).to(self.backbone.dtype)
        return KeptLatents.of(latents, frame.around(task.mask.shares), seed=task.seed)

    def prompt(self, prompt: str, negative: str, *, guided: bool) -> dict[str, Any]:
        """Embeddings of the words, from the last ones if they are among them; the constant where words mean nothing."""
        if not self.backbone.has_words:
            constant = self._constant()
            return {"prompt_embeds": constant} | ({"negative_prompt_embeds": constant} if guided else {})
        key = (prompt, negative, guided)
        if key not in self._prompts:
            while len(self._prompts) >= KEPT_PROMPTS:
                self._prompts.pop(next(iter(self._prompts)))
            pipeline = self.backbone.pipeline
            where = pipeline._execution_device
            found = pipeline.encode_prompt(
                prompt=prompt,
                negative_prompt=negative or None,  # SDXL has zeros of its own for none
                device=where,
                num_images_per_prompt=1,
                do_classifier_free_guidance=guided,
            )
            names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
            self._prompts[key] = {n: v for n, v in zip(names, found, strict=False) if v is not None}
        return self._prompts[key]

    def _constant(self) -> Tensor:
        width = int(self.backbone.unet.config.cross_attention_dim)
        constant = self.backbone.constant
        zeros = torch.zeros(1, 1, width) if constant is None else constant
        return zeros.to(self.backbone.device, self.backbone.dtype)

    def _frame(self, task: Task) -> Frame:
        own = self.backbone
        return Frame.of(task.content.size, margin=own.sampling.margin, multiple=own.multiple)

    def _tiles(self, task: Task) -> Tiles:
        """Where a step is taken at a time: one tile over all, unless `task.tile` or the model's own side says else."""
        frame, scale = self._frame(task), self.backbone.multiple
        height, width = (side // scale for side in frame.outer)
        side = task.tile or self._own_tile(frame)
        if side is None:
            return Tiles(height, width, max(height, width), 0)
        return Tiles(height, width, side // scale, -(-min(task.overlap, side // 2) // scale))

    def _own_tile(self, frame: Frame) -> int | None:
        """Pixels: far above the side that a public model was trained on, a whole picture takes too much memory."""
        own = self.backbone.architecture.side
        return TILE * own if own and max(frame.outer) > TILE * own else None

    def _seams(self, task: Task, pixels: Tensor) -> dict[str, float]:
        """How far the edges of tiles are seen in a framed picture (3, H, W)."""
        tiles = self._tiles(task)
        if tiles.count == 1:
            return {}
        scale = self.backbone.multiple
        rows, columns = ([edge * scale for edge in edges] for edges in tiles.borders())
        return {"seam_score": seam_score(pixels, rows, columns, scale=scale)}

    def _beginning(self, task: Task) -> Tensor:
        """The picture whose latents are noised, in its frame."""
        begin = self._preview_of(task) if task.start == "preview" else task.content
        return self._frame(task).around(begin.pixels)

    def _lost(self, begin: Tensor) -> Tensor:
        """(3, H, W): what the VAE loses of the picture that was begun with, so that a small strength changes little."""
        return begin - self.backbone.decode(self.backbone.encode(begin[None]))[0].cpu()

    def _preview_of(self, task: Task) -> Picture:
        """The preview of the same task, all over."""
        if self.preview is None:
            raise InputError("start=preview needs the preview engine, which was not loaded: give start=content.")
        return self.preview.render(replace(task, engine="adain", size=None, mask=None))

    @property
    def _quick(self) -> bool:
        """Whether the model's own VAE takes next to no time."""
        return type(self.backbone.pipeline.vae).__name__ == "AutoencoderTiny"

    @property
    def _tiny(self) -> Any:
        """A VAE quick enough to decode every step, or None."""
        return self.backbone.pipeline.vae if self._quick else self.backbone.preview_vae

    @torch.no_grad()
    def _shown(self, latents: Tensor, content: Picture, frame: Frame) -> Picture:
        """Latents half way as a picture."""
        vae = self._tiny
        weight = next(vae.parameters())
        decoded = vae.decode((latents / vae.config.scaling_factor).to(weight.device, weight.dtype)).sample[0]
        pixels = (decoded.float().cpu() / 2 + 0.5).nan_to_num(0).clamp(0, 1)
        return Picture(frame.inside(pixels), content.alpha, content.source)
