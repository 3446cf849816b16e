"""Schedulers by their common names."""

from __future__ import annotations

from typing import Any, get_args

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import SchedulerName


def make_scheduler(name: str, config: Any) -> Any:
    """The diffusers scheduler called `name`, with the noise schedule of `config`, another scheduler's configuration.

    ddim: Song et al. 2021. dpm++: DPM-Solver++(2M) with Karras sigmas (Lu et al. 2022, Karras et al. 2022). unipc: Zhao
    et al. 2023. euler-a: ancestral Euler. lcm, tcd: for the few-step models of Luo et al. 2023 and Zheng et al. 2024.
    """
    import diffusers as untyped

    diffusers: Any = untyped  # its classes are exported lazily
    zero_snr = bool(dict(config).get("rescale_betas_zero_snr"))  # its largest sigma is no start for Karras'
    classes: dict[str, tuple[Any, dict[str, Any]]] = {
        "ddim": (diffusers.DDIMScheduler, {"set_alpha_to_one": False, "clip_sample": False}),
        "dpm++": (diffusers.DPMSolverMultistepScheduler, {"use_karras_sigmas": not zero_snr}),
        "unipc": (diffusers.UniPCMultistepScheduler, {}),
        "euler-a": (diffusers.EulerAncestralDiscreteScheduler, {}),
        "lcm": (diffusers.LCMScheduler, {}),
        "tcd": (diffusers.TCDScheduler, {}),
    }
    if name not in get_args(SchedulerName):
        raise InputError(f"scheduler is {name!r}: give one of {', '.join(get_args(SchedulerName))}.")
    kind, changes = classes[name]
    kept = {k: v for k, v in dict(config).items() if k not in ("_class_name", "_diffusers_version")}
    accepted = kind._get_init_keys(kind)
    spacing = {"timestep_spacing": "trailing"} if "timestep_spacing" in accepted else {}
    return kind.from_config({k: v for k, v in kept.items() if k in accepted} | spacing | changes)
