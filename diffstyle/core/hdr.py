"""Colours that a file names by number (ITU-T H.273) and not by a profile: wide gamuts and high dynamic range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PQ, HLG = 16, 18
WHITE = 203.0  # nits of diffuse white (ITU-R BT.2408)
PEAK = 1000.0  # nits of the display that HLG is graded for
KNEE = 0.75  # up to this share of diffuse white, light is kept as it is
_FIRST = 1 << 16  # a file names its colours in its first bytes
_CURVES = (1, 6, 13, 14, 15)  # of standard dynamic range, which displays show like sRGB
_TO_SRGB: Mapping[int, tuple[tuple[float, float, float], ...]] = {
    1: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    9: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),  # BT.2020
    12: ((1.2249, -0.2247, 0.0), (-0.042, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),  # Display P3
}


@dataclass(frozen=True, slots=True)
class Cicp:
    """Code points of the primaries and of the transfer characteristic."""

    primaries: int
    transfer: int

    @property
    def high_range(self) -> bool:
        """Whether it is HDR."""
        return self.transfer in (PQ, HLG)

    @property
    def wide(self) -> bool:
        """Whether its colours are not those of sRGB, but known."""
        return self.primaries in _TO_SRGB and (self.high_range or (self.primaries != 1 and self.transfer in _CURVES))


def cicp_of(data: bytes, kind: str) -> Cicp | None:
    """What a PNG, AVIF or HEIF file says of its colours by number; None if it says nothing."""
    head = data[:_FIRST]
    if kind == "PNG":
        at = head.find(b"cICP")
        return Cicp(head[at + 4], head[at + 5]) if 0 < at < len(head) - 6 else None
    at = head.find(b"colrnclx")
    if kind not in ("AVIF", "HEIF") or at < 0 or at > len(head) - 12 or b"colrprof" in head:
        return None
    return Cicp(int.from_bytes(head[at + 8 : at + 10], "big"), int.from_bytes(head[at + 10 : at + 12], "big"))


def to_srgb(values: npt.NDArray[Any], cicp: Cicp) -> npt.NDArray[Any]:
    """Encoded colours (H, W, 3) in [0, 1] as sRGB in [0, 1].

    Light above diffuse white is compressed by the largest of the three channels, so that hues stay.
    """
    light: npt.NDArray[Any] = _linear(values, cicp.transfer) @ np.asarray(_TO_SRGB[cicp.primaries], np.float32).T
    light = np.maximum(light, 0)
    if cicp.high_range:
        most: npt.NDArray[Any] = light.max(2, keepdims=True)
        over = np.maximum(most - KNEE, 0) / (1 - KNEE)
        kept: npt.NDArray[Any] = np.where(most > KNEE, KNEE + (1 - KNEE) * over / (1 + over), most)
        light = light * (kept / np.maximum(most, 1e-6))
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def _linear(values: npt.NDArray[Any], transfer: int) -> npt.NDArray[Any]:
    """Light in which diffuse white is 1."""
    if transfer == PQ:  # SMPTE ST 2084
        power = values ** (1 / 78.84375)
        ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
        return (ratio ** (1 / 0.1593017578125) * (10000 / WHITE)).astype(np.float32)
    if transfer == HLG:  # ITU-R BT.2100
        scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        luminance = scene @ np.array([0.2627, 0.678, 0.0593])
        return (scene * np.maximum(luminance, 1e-6)[..., None] ** 0.2 * (PEAK / WHITE)).astype(np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)
