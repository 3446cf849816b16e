"""A UNet with whatever is attached to it, as it is exported, and its inputs as a pipeline's call has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diffstyle.engines.diffusion.exported.controlnet import Run
from diffstyle.engines.diffusion.exported.placed_styles import PlacedStyles
from diffstyle.engines.diffusion.exported.sizes import photo_sizes
from diffstyle.runtimes.exportable import Exportable, Input, Side


@dataclass(frozen=True, slots=True, eq=False)
class UNetLayers:
    """What of a UNet decides the inputs of its export: the `styled` processors by name, with the level of each, which
    halves the sides of the latents so many times; the `added` maps of ControlNets, (level, width) each, and the middle
    one last; how many `adapters` there are.
    """

    styled: Mapping[str, int]
    added: tuple[tuple[int, int], ...]
    adapters: int

    @classmethod
    def of(cls, unet: Any, *, controlled: bool) -> UNetLayers:
        """Those of a UNet as it is; `controlled` by ControlNets or not."""
        deepest = len(unet.down_blocks) - 1
        styled = {n: _level(n, deepest) for n, p in unet.attn_processors.items() if hasattr(p, "to_k_ip")}
        adapters = max((len(p.to_k_ip) for p in unet.attn_processors.values() if hasattr(p, "to_k_ip")), default=0)
        return cls(styled, tuple(_added(unet)) if controlled else (), adapters)

    @property
    def levels(self) -> tuple[int, ...]:
        """Those that have styled processors."""
        return tuple(sorted(set(self.styled.values())))


class UNetExport(nn.Module):
    """`forward(latents, timestep, prompt, *added, *styles)` is the prediction (1, c, h, w).

    The styles are, for each adapter, their tokens (styles, tokens, width), their scales (layers, styles), and for each
    level of the UNet where they act: (styles, places, 1), or (styles, 1, 1) for everywhere alike.
    """

    def __init__(self, unet: Any, layers: UNetLayers) -> None:
        """Of `unet`, which this changes: give a copy."""
        super().__init__()
        self.layers = layers
        own: dict[str, Any] = {n: p for n, p in unet.attn_processors.items() if not n.startswith("encoder_hid_proj.")}
        unet.encoder_hid_proj, unet.config.encoder_hid_dim_type = None, None  # what it makes is an input
        self.unet = unet
        self._placed = {name: PlacedStyles(own[name]) for name in layers.styled}
        unet.set_attn_processor({**own, **self._placed})

    def forward(self, latents: Tensor, timestep: Tensor, prompt: Tensor, *others: Tensor) -> Tensor:
        added, styles = others[: len(self.layers.added)], others[len(self.layers.added) :]
        levels = self.layers.levels
        each = 2 + len(levels)
        for number, (name, level) in enumerate(self.layers.styled.items()):
            self._placed[name].given = [
                (tokens, scales[number][:, None, None] * places[levels.index(level)])
                for tokens, scales, *places in (styles[n : n + each] for n in range(0, len(styles), each))
            ]
        control: dict[str, Any] = {}
        if added:
            *down, middle = added
            control = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        return self.unet(latents, timestep, prompt, return_dict=False, **control)[0]


def exportable(made: Any, layers: UNetLayers, prompt: Tensor, digest: str, *, multiple: int) -> Exportable:
    """The export of `made`, a copy in float32 which this changes, for prompts of the shape of `prompt` (1, tokens,
    width) and latents of `multiple` pixels to a side.
    """
    tokens = [(p.num_tokens, p.cross_attention_dim) for n, p in made.attn_processors.items() if n in layers.styled][:1]
    counts = tuple(tokens[0][0]) if tokens else ()
    width, channels = int(prompt.shape[2]), int(made.config.in_channels)

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(number)

        def noise(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator)

        height, across = (int(side) // multiple for side in photo.shape[2:])
        found = [noise(1, channels, height, across), torch.tensor([(621.0, 401.0, 180.5)[number % 3]])]
        found.append(noise(*prompt.shape))
        found += [0.1 * noise(1, wide, *_halved(height, across, level)) for level, wide in layers.added]
        styles = 2 - number % 2  # two, one, two
        for count in counts:
            found += [noise(styles, count, width), torch.rand((len(layers.styled), styles), generator=generator)]
            sizes = [_halved(height, across, level) for level in layers.levels]
            everywhere = number == 1
            found += [torch.rand((styles, 1 if everywhere else h * w, 1), generator=generator) for h, w in sizes]
        return tuple(found)

    return Exportable(
        name="painting-unet",
        title="a diffusion UNet with its style adapters, as diffstyle paints with it",
        module=UNetExport(made, layers),
        inputs=tuple(_inputs(layers, channels, prompt)),
        outputs={"prediction": f"(1, {int(made.config.out_channels)}, height, width)"},
        from_photo=from_photo,
        sizes=photo_sizes(multiple),
        digest=digest,
    )


def forward_of(unet: Any, layers: UNetLayers, run: Run) -> Callable[..., Any]:
    """What takes the place of the `forward` of `unet`, as diffusers' pipelines call it; `run` is its export."""

    def forward(
        sample: Tensor,
        timestep: Any,
        encoder_hidden_states: Tensor,
        *,
        timestep_cond: None = None,
        cross_attention_kwargs: Mapping[str, Any] | None = None,
        added_cond_kwargs: Mapping[str, Any] | None = None,
        down_block_additional_residuals: Sequence[Tensor] = (),
        mid_block_additional_residual: Tensor | None = None,
        return_dict: bool = False,
    ) -> tuple[Tensor]:
        del timestep_cond, return_dict
        words, styles = encoder_hidden_states, list[Tensor]()
        if layers.adapters:
            words, styles = unet.process_encoder_hidden_states(encoder_hidden_states, added_cond_kwargs)
        added = list(down_block_additional_residuals)
        if mid_block_additional_residual is not None:
            added.append(mid_block_additional_residual)
        level = torch.as_tensor(timestep).reshape(1)
        masks = (cross_attention_kwargs or {}).get("ip_adapter_masks")
        placed = _placed(
            unet, layers, masks, [s.shape[1] for s in styles], (int(sample.shape[2]), int(sample.shape[3]))
        )
        rows: list[Tensor] = []
        for n in range(len(sample)):  # each with the words and styles of its own
            latents, prompt, *control = (x[n : n + 1] for x in (sample, words, *added))
            acting = [x for tokens, where in zip(styles, placed, strict=True) for x in (tokens[n], *where)]
            rows += run([latents, level, prompt, *control, *acting])
        return (torch.cat(rows).to(sample),)

    return forward


def _placed(
    unet: Any, layers: UNetLayers, masks: Sequence[Tensor] | None, counts: Sequence[int], sides: tuple[int, int]
) -> list[list[Tensor]]:
    """For each adapter, of `counts` styles, the scales that its processors have now, and for each level where its
    styles act: from their masks (1, styles, H, W) if there are any.
    """
    from diffusers.image_processor import IPAdapterMaskProcessor

    found: list[list[Tensor]] = []
    for number, count in enumerate(counts):
        scales = [unet.attn_processors[name].scale[number] for name in layers.styled]
        own = [torch.tensor([s if isinstance(s, list) else [s] for s in scales])]
        for height, width in (_halved(*sides, level) for level in layers.levels):
            if masks is None:
                own.append(torch.ones(count, 1, 1))
            else:
                shares = [IPAdapterMaskProcessor.downsample(m[None], 1, height * width, 1) for m in masks[number][0]]
                own.append(torch.cat(shares))
        found.append(own)
    return found


def _inputs(layers: UNetLayers, channels: int, prompt: Tensor) -> list[Input]:
    sides = {2: Side("height"), 3: Side("width")}
    found = [
        Input(name="latents", meaning=f"(1, {channels}, height, width), any size", sides=sides),
        Input(name="timestep", meaning="(1,) float32 from 0 to 999"),
        Input(name="prompt", meaning=f"{tuple(prompt.shape)} of words"),
    ]
    for number, (level, wide) in enumerate(layers.added):
        sides = {2: Side(f"added{number}_height"), 3: Side(f"added{number}_width")}
        meaning = f"(1, {wide}, ...) of ControlNets, sides halved {level} times and rounded up"
        found.append(Input(name=f"added{number}", meaning=meaning, sides=sides))
    for number in range(layers.adapters):
        styles = Side(f"styles{number}")
        found += [
            Input(name=f"style{number}", meaning="(styles, tokens, width) of an adapter", sides={0: styles}),
            Input(name=f"scales{number}", meaning=f"({len(layers.styled)}, styles)", sides={1: styles}),
        ]
        for level in layers.levels:
            meaning = f"(styles, places, 1) where each acts, sides halved {level} times; or (styles, 1, 1)"
            places = {0: styles, 1: Side(f"places{number}_{level}")}
            found.append(Input(name=f"places{number}_{level}", meaning=meaning, sides=places))
    return found


def _added(unet: Any) -> list[tuple[int, int]]:
    """Level and width of each map that a ControlNet adds: on the way down, then in the middle."""
    found = [(0, int(unet.conv_in.out_channels))]
    for level, block in enumerate(unet.down_blocks):
        widths = [int(resnet.out_channels) for resnet in block.resnets]
        found += [(level, width) for width in widths]
        if block.downsamplers is not None:
            found.append((level + 1, widths[-1]))
    return [*found, (len(unet.down_blocks) - 1, int(unet.mid_block.resnets[-1].out_channels))]


def _level(processor: str, deepest: int) -> int:
    """How many times the sides are halved where the processor called so is."""
    block, number, *_ = processor.split(".")
    if block == "mid_block":
        return deepest
    return int(number) if block == "down_blocks" else deepest - int(number)


def _halved(height: int, width: int, level: int) -> tuple[int, int]:
    """The sides of a level of the UNet, which halves and rounds up."""
    for _ in range(level):
        height, width = -(-height // 2), -(-width // 2)
    return height, width
