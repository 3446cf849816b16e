"""Printing screens: tones as dots or lines of varying width."""

from __future__ import annotations

import math
from functools import cache
from typing import cast

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look, ramp, saturated
from diffstyle.engines.media.photo import Photo, Rng
from diffstyle.ops.lines import blur, noise

CYAN, MAGENTA, YELLOW = (np.array(c, np.float32) for c in ((0.0, 0.66, 0.9), (0.9, 0.05, 0.52), (1.0, 0.92, 0.05)))
ANGLES = (15, 75, 0, 45)  # degrees, of cyan, magenta, yellow and black
PITCH = 9.5  # units between dots
BULGE = 0.05  # of a tube: how much further out its edges lie in the middle


def halftone(photo: Photo, look: Look, rng: Rng) -> Draw:
    """One screen of round dots at 45 degrees, whose sizes follow the tone; contours cut through dots, as in print."""
    pitch, phase = PITCH * look.grain, _phase(rng)
    amount = look.amount(photo.tone)

    def draw(window: Window) -> Array:
        return look.between(dots(window, window.sample(amount), pitch, 45.0, phase))

    return draw


def colour_halftone(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Four screens at their own angles, in transparent inks over one another (cyan, magenta, yellow, black)."""
    pitch, phases = PITCH * look.grain, [_phase(rng) for _ in range(4)]
    colours = ramp(look.inks, photo.tone) if look.said else saturated(_crisp(photo), 1.25)
    light = 1 - colours
    black = np.square(light.min(2)) * 0.85
    parts = [((light[..., c] - black) / (1 - black + 1e-3)).clip(0, 1) for c in range(3)]

    def draw(window: Window) -> Array:
        out = np.ones((window.rows, window.width, 3), np.float32) * look.paper
        for part, ink, angle, phase in zip(
            (*parts, black), (CYAN, MAGENTA, YELLOW, look.ink), ANGLES, phases, strict=True
        ):
            covered = dots(window, window.sample(part), pitch, angle, phase)
            out *= 1 - covered[..., None] * (1 - ink)
        return out

    return draw


def newspaper(photo: Photo, look: Look, rng: Rng) -> Draw:
    """A coarse black screen on yellowed, fibrous paper, with uneven ink."""
    pitch, phase = 8.6 * look.grain, _phase(rng)
    amount = 0.06 + 0.92 * look.amount((photo.tone + 0.35 * (photo.tone - 0.5)).clip(0, 1))
    fibres = 0.035 * noise(photo.shape, 0.8, rng) + 0.03 * noise(photo.shape, 12.0, rng)
    uneven = 0.10 * noise(photo.shape, 1.0, rng)

    def draw(window: Window) -> Array:
        screened = dots(window, window.sample(amount + uneven * 0.4), pitch, 45.0, phase)
        printed = screened * (0.88 + window.sample(uneven)).clip(0.6, 1)
        return look.between(printed) * (1 + window.sample(fibres))[..., None]

    return draw


def line_screen(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Parallel lines that swell with the tone."""
    pitch, angle, phase = 9.0 * look.grain, rng.uniform(-0.06, 0.06) - 0.5, rng.uniform(0, 1)
    amount = look.amount(blur(photo.tone, pitch * 0.12))

    def draw(window: Window) -> Array:
        y, x = window.grid()
        across = (y * np.cos(angle) + x * np.sin(angle)) / pitch + phase
        half = window.sample(amount) * (0.96 * pitch / 2)
        return look.between(window.cover(half - np.abs(across % 1 - 0.5) * pitch))

    return draw


def spiral(photo: Photo, look: Look, rng: Rng) -> Draw:
    """One line that winds outwards from the middle of what there is to see, thicker where it is darker."""
    pitch = 9.0 * look.grain
    h, w = photo.shape
    weight = photo.detail + 0.2
    centre = [float((weight.sum(axis) * np.arange(n)).sum() / weight.sum()) for axis, n in ((1, h), (0, w))]
    centre = [0.5 * c + 0.5 * n / 2 for c, n in zip(centre, (h, w), strict=True)]
    turn, amount = rng.uniform(0, 2 * np.pi), look.amount(blur(photo.tone, pitch * 0.15))

    def draw(window: Window) -> Array:
        y, x = window.grid()
        y, x = y - np.float32(centre[0]), x - np.float32(centre[1])
        across = np.hypot(y, x) / pitch + (np.arctan2(y, x) + turn) / np.float32(2 * np.pi)
        half = (0.07 + 0.9 * window.sample(amount)) * (pitch / 2)
        return look.between(window.cover(half - np.abs(across % 1 - 0.5) * pitch))

    return draw


def crt(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Red, green and blue phosphor stripes in scan lines, with the glow, the bulge and the dark corners of a tube."""
    pitch, phase = 9.0 * look.grain, rng.uniform(0, 3)
    colours = ramp(look.inks, photo.tone) if look.said else saturated(photo.rgb, 1.35)
    light = np.square(colours) + 0.35 * blur(np.square(colours), 9.0)
    h, w = photo.shape

    def draw(window: Window) -> Array:
        y, x = window.grid()
        down, across = 2 * y / h - 1, 2 * x / w - 1
        down, across = down * (1.01 + BULGE * across * across), across * (1.01 + BULGE * down * down)
        y, x = (down + 1) * np.float32(h / 2), (across + 1) * np.float32(w / 2)
        inside = np.minimum((1 - np.abs(down)) * np.float32(h / 2), (1 - np.abs(across)) * np.float32(w / 2))
        row = y / pitch
        beam = 0.4 + 0.95 * np.square(np.sin(np.pi * row))
        column = x / (pitch / 3) + phase + 1.5 * (np.floor(row) % 2)
        stripes = np.stack([0.3 + 1.7 * np.exp(-3.2 * np.square((column - c + 1.5) % 3 - 1.5)) for c in range(3)], -1)
        dark = np.square(down) ** 2 + np.square(across) ** 2
        shown = window.at(light, y, x).clip(0, None) * stripes * (beam * (1.1 - 0.42 * dark).clip(0, None))[..., None]
        return np.sqrt(shown) * (inside / 5).clip(0, 1)[..., None]

    return draw


def dots(window: Window, amount: Array, pitch: float, degrees: float, phase: tuple[float, float]) -> Array:
    """(rows, width): ink of a screen of dots that covers `amount` (rows, width) of the paper on average."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    y, x = window.grid()
    u = (x * cosine + y * sine) * (2 * math.pi / pitch) + phase[0]
    v = (y * cosine - x * sine) * (2 * math.pi / pitch) + phase[1]
    spot = (np.cos(u, dtype=np.float32) + np.cos(v, dtype=np.float32)) / np.float32(2)
    shares, levels = _levels()
    level = np.interp(amount, shares, levels).astype(np.float32)
    steepness = np.float32(0.72 * np.pi / pitch)  # of the spot function, per unit
    return window.cover((spot - level) / steepness)


@cache
def _levels() -> tuple[Array, Array]:
    """Shares of ink, rising, and the level above which that share of the spot function lies."""
    u = np.linspace(0, 2 * np.pi, 257)[:-1]
    spot = np.sort(((np.cos(u)[:, None] + np.cos(u)[None]) / 2).ravel())[::-1]
    shares = np.linspace(0, 1, 129)
    levels = spot[(shares * (len(spot) - 1)).astype(int)]
    levels[0], levels[-1] = 1.1, -1.1
    return cast("Array", shares), cast("Array", levels)


def _phase(rng: Rng) -> tuple[float, float]:
    return float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, 2 * np.pi))


def _crisp(photo: Photo) -> Array:
    return (photo.rgb + 0.6 * (photo.rgb - blur(photo.rgb, 4.0))).clip(0, 1)
