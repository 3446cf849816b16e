"""A ControlNet as it is exported, and how a pipeline calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from diffstyle.engines.diffusion.exported.sizes import photo_sizes
from diffstyle.runtimes.exportable import Exportable, Input, Side

Run = Callable[[Sequence[Tensor]], list[Tensor]]
"""An export: its outputs for its inputs, both in order."""


class ControlNetExport(nn.Module):
    """`forward(latents, timestep, hint, scale, prompt)` is what is added to the UNet's maps, the middle one last.

    Nets without attention read no prompt.
    """

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, latents: Tensor, timestep: Tensor, hint: Tensor, scale: Tensor, prompt: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        down, middle = self.net(latents, timestep, prompt, hint, return_dict=False)
        return (*[each * scale for each in down], middle * scale)


def exportable(net: Any, prompt: Tensor, digest: str, *, multiple: int) -> Exportable:
    """The export of a float32 ControlNet for latents of `multiple` pixels to a side."""
    channels = int(net.config.in_channels)

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(number)
        height, width = (int(side) // multiple for side in photo.shape[2:])
        latents = torch.randn((1, channels, height, width), generator=generator)
        timestep = torch.tensor([(621.0, 401.0, 180.5)[number % 3]])
        scale = torch.tensor([(1.0, 0.5, 0.0)[number % 3]])
        words = [torch.randn(prompt.shape, generator=generator)] if net.attn_processors else []
        return latents, timestep, photo, scale, *words

    inputs = [
        Input(name="latents", meaning=f"(1, {channels}, height, width)", sides={2: Side("height"), 3: Side("width")}),
        Input(name="timestep", meaning="(1,) float32 from 0 to 999"),
        Input(
            name="hint",
            meaning=f"(1, 3, {multiple} height, {multiple} width) from 0 to 1",
            sides={2: Side("hint_height"), 3: Side("hint_width")},
        ),
        Input(name="scale", meaning="(1,) how much it counts"),
    ]
    if net.attn_processors:
        inputs.append(Input(name="prompt", meaning=f"{tuple(prompt.shape)} of words"))
    count = len(net.controlnet_down_blocks)
    return Exportable(
        name="painting-controlnet",
        title="a ControlNet, as diffstyle paints with it",
        module=ControlNetExport(net),
        inputs=tuple(inputs),
        outputs={f"added{n}": "for the UNet" for n in range(count + 1)},
        from_photo=from_photo,
        sizes=photo_sizes(multiple),
        digest=digest,
    )


def forward_of(net: Any, run: Run) -> Callable[..., Any]:
    """What takes the place of the `forward` of `net`, as diffusers' pipelines call it; `run` is its export."""

    def forward(
        sample: Tensor,
        timestep: Any,
        encoder_hidden_states: Tensor,
        controlnet_cond: Tensor,
        conditioning_scale: float = 1.0,
        class_labels: None = None,
        timestep_cond: None = None,
        attention_mask: None = None,
        added_cond_kwargs: Mapping[str, Any] | None = None,
        cross_attention_kwargs: None = None,
        guess_mode: bool = False,
        return_dict: bool = False,
    ) -> tuple[list[Tensor], Tensor]:
        del class_labels, timestep_cond, attention_mask, added_cond_kwargs, cross_attention_kwargs
        del guess_mode, return_dict
        level, scale = torch.as_tensor(timestep).reshape(1), torch.tensor([conditioning_scale])
        rows: list[list[Tensor]] = []
        for n in range(len(sample)):
            latents, hint, words = (x[n : n + 1] for x in (sample, controlnet_cond, encoder_hidden_states))
            rows.append(run([latents, level, hint, scale, *([words] if net.attn_processors else [])]))
        *down, middle = (torch.cat(maps).to(sample) for maps in zip(*rows, strict=True))
        return down, middle

    return forward
