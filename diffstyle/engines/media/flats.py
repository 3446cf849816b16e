"""Flat inks: screen print, risograph, pop art, comic, cel shading, Warhol's panels; and the glitch of a signal."""

from __future__ import annotations

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look, brightness, nearest, ramp, saturated
from diffstyle.engines.media.photo import Photo, Rng, contours
from diffstyle.engines.media.screens import dots
from diffstyle.ops.lines import blur, noise

PLAIN = 0.05  # of tone above the deepest that is printed as one, where noise would divide it
PANELS = (  # shadow, middle, light, ground of each panel
    ((0.13, 0.07, 0.36), (0.93, 0.16, 0.53), (1.0, 0.86, 0.2), (0.13, 0.72, 0.8)),
    ((0.05, 0.2, 0.25), (0.1, 0.62, 0.6), (1.0, 0.62, 0.75), (1.0, 0.8, 0.1)),
    ((0.3, 0.04, 0.2), (0.95, 0.4, 0.12), (0.75, 0.93, 0.45), (0.85, 0.15, 0.45)),
    ((0.09, 0.09, 0.3), (0.35, 0.36, 0.85), (0.99, 0.75, 0.35), (0.4, 0.78, 0.4)),
)


def screen_print(photo: Photo, look: Look, rng: Rng) -> Draw:
    """A poster of a few flat inks with smooth edges; the ink between dark and middle is a ruled screen."""
    inks = sorted(look.inks, key=brightness)
    tone = blur(photo.flat.mean(2) * 0.3 + photo.tone * 0.7, 1.7 * look.grain)
    count = len(inks)
    spots = np.linspace(0, 1, count + 1)[1:-1]
    edges = 0.5 * np.quantile(tone, spots) + 0.5 * spots * 0.95
    pitch, phase = 5.2 * look.grain, float(rng.uniform(0, 1))
    roll = 0.012 * noise(photo.shape, 0.7, rng)

    def draw(window: Window) -> Array:
        y, _ = window.grid()
        level = window.sample(tone)
        out = np.broadcast_to(inks[0], (window.rows, window.width, 3)).astype(np.float32)
        for n in range(1, count):
            over = window.cover((level - edges[n - 1]) * 90)[..., None]
            out = out * (1 - over) + inks[n] * over
        if count > 2:
            middle = (edges[0] + edges[1]) / 2
            band = window.cover((level - edges[0]) * 90) * window.cover((middle - level) * 90)
            ruled = window.cover(pitch * 0.25 - np.abs((y / pitch + phase) % 1 - 0.5) * pitch)
            printed = (band * ruled)[..., None]
            out = out * (1 - printed) + inks[0] * printed
        return out * (1 + window.sample(roll))[..., None]

    return draw


def risograph(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Grainy transparent inks laid over one another, each a little out of register, on uncoated paper."""
    inks = [np.clip(i, 0.02, 0.98) for i in look.inks]
    wanted = ramp(look.inks, photo.tone) if look.said else saturated(photo.rgb, 1.3)
    crisp = (wanted + 0.5 * (wanted - blur(wanted, 3.0))).clip(0.03, 1)
    density = -np.log(crisp).reshape(-1, 3)
    dyes = -np.log(np.stack(inks))  # (inks, 3)
    parts = _unmixed(density, dyes).reshape(*photo.shape, len(inks))
    shifts = rng.uniform(-2.4, 2.4, (len(inks), 2)).astype(np.float32)
    grains = [noise(photo.shape, 0.45 * look.grain, rng) for _ in inks]
    blotches = [noise(photo.shape, 18.0, rng) for _ in inks]

    def draw(window: Window) -> Array:
        y, x = window.grid()
        out = np.ones((window.rows, window.width, 3), np.float32) * look.paper
        for n, ink in enumerate(inks):
            amount = window.at(np.ascontiguousarray(parts[..., n]), y + shifts[n, 0], x + shifts[n, 1])
            share = amount * (0.97 + 0.03 * window.sample(blotches[n]))
            cover = ((share - 0.5 + 0.27 * window.sample(grains[n])) * 2.4 + share).clip(0, 1) * 0.94
            out *= 1 - cover[..., None] * (1 - ink)
        return out

    return draw


def pop_art(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Flat loud colours, a field of dots in the middle tones, thick outlines (after Lichtenstein)."""
    tone = blur(photo.flat.mean(2) * 0.3 + photo.tone * 0.7, 1.6)
    if look.said:
        loud = ramp(look.inks, tone)
        plain = loud
    else:
        loud = _loud(blur(photo.flat, 2.0), tone, look)
        plain = loud
    keys = np.concatenate([np.stack(look.inks), look.paper[None]])
    flat = keys[nearest(plain.reshape(-1, 3).astype(np.float32), keys)].reshape(plain.shape)
    flat = blur(flat.astype(np.float32), 0.8)
    line = contours(photo, 2.6 * look.grain, sensitivity=1.1)
    pitch, phase = 9.0 * look.grain, (float(rng.uniform(0, 6)), float(rng.uniform(0, 6)))
    share = (0.55 - 1.1 * np.abs(tone - 0.5)).clip(0, 0.5) * (tone < 0.72) * 1.0
    share = blur(share.astype(np.float32), 1.5)

    def draw(window: Window) -> Array:
        out = window.sample(flat, smooth=False)
        spots = dots(window, window.sample(share), pitch, 45.0, phase)[..., None]
        shade = out * np.float32(0.55) + look.inks[0] * np.float32(0.3)
        out = out * (1 - spots) + shade * spots
        level = window.sample(tone)
        black = np.maximum(window.cover((window.sample(line) - 0.5) * 6), window.cover((0.17 - level) * 60))[..., None]
        return out * (1 - black) + look.ink * black

    return draw


def warhol(photo: Photo, look: Look, rng: Rng) -> Draw:
    """The picture four times over, in other loud inks each time, the black out of register."""
    tone = blur(photo.flat.mean(2) * 0.3 + photo.tone * 0.7, 2.0)
    low, high = (float(v) for v in np.quantile(tone, (0.3, 0.68)))
    low, high = 0.5 * low + 0.16, 0.5 * high + 0.31
    line = contours(photo, 2.6)
    h, w = photo.shape
    order = rng.permutation(len(PANELS))
    panels = np.array(PANELS, np.float32)[order]
    if look.said:
        stops = sorted(look.inks, key=brightness)
        cycle = [stops[n % len(stops)] for n in range(8)]
        panels = np.array([[look.ink * 0.5 + cycle[n] * 0.2, cycle[n], cycle[n + 1], cycle[n + 2]] for n in range(4)])
    shift = rng.uniform(-3.0, 3.0, (4, 2)).astype(np.float32)
    ground = (blur(photo.detail, 10.0) < 0.45) & (tone > low)
    behind = blur(ground.astype(np.float32), 3.0)
    grain = noise((h, w), 0.8, rng)

    def draw(window: Window) -> Array:
        y, x = window.grid()
        rows, columns = (y >= h / 2).astype(np.intp), (x >= w / 2).astype(np.intp)
        panel = rows * 2 + columns
        v, u = (y * 2) % h, (x * 2) % w
        level, rear = window.at(tone, v, u), window.at(behind, v, u)
        moved = v + shift[panel, 0], u + shift[panel, 1]
        inks = panels[panel]
        wide = window.pixel * 0.5
        out = inks[..., 1, :]
        for amount, ink in (((level - high) * 45, inks[..., 2, :]), ((rear - 0.5) * 8, inks[..., 3, :])):
            over = (amount / wide * 0.5 + 0.5).clip(0, 1)[..., None]
            out = out * (1 - over) + ink * over
        dark = np.maximum((low - window.at(tone, *moved)) * 45, (window.at(line, *moved) - 0.55) * 5)
        dry = (1 - 0.25 * (window.at(grain, v, u) > 1.6))[..., None]
        over = (dark / wide * 0.5 + 0.5).clip(0, 1)[..., None] * dry
        return out * (1 - over) + inks[..., 0, :] * over

    return draw


def comic(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Inked outlines and solid shadows over flat printed colours, with dots in the half-tones."""
    base = ramp(look.inks, photo.tone) if look.said else saturated(blur(photo.flat, 1.5), 1.6)
    flat = _stepped(base, photo, 4)
    line = contours(photo, 2.1 * look.grain, sensitivity=1.25)
    tone = blur(photo.tone, 1.8)
    deepest, dark = (float(q) for q in np.quantile(tone, (0.02, 0.2)))
    dark = min(0.2, max(dark, deepest + PLAIN))
    pitch, phase = 7.0 * look.grain, (float(rng.uniform(0, 6)), float(rng.uniform(0, 6)))
    share = ((0.52 - tone) * 1.5).clip(0, 0.42)
    aged = 0.02 * noise(photo.shape, 0.8, rng)

    def draw(window: Window) -> Array:
        out = window.sample(flat, smooth=False) * look.paper
        spots = dots(window, window.sample(share), pitch, 45.0, phase)[..., None] * 0.42
        out = out * (1 - spots)
        black = np.maximum(
            window.cover((window.sample(line) - 0.5) * 6), window.cover((dark - window.sample(tone)) * 60)
        )[..., None]
        return (out * (1 - black) + look.ink * black) * (1 + window.sample(aged))[..., None]

    return draw


def cel_shading(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Clean flat colours in three or four steps of light, thin dark outlines, as in an animated film."""
    base = ramp(look.inks, photo.tone) if look.said else saturated(blur(photo.flat, 2.2), 1.45)
    base = (base * 1.04 + 0.02).clip(0, 1)
    flat = _stepped(base, photo, 5, shift=float(rng.uniform(-0.02, 0.02)))
    line = contours(photo, 1.5 * look.grain, sensitivity=1.1)
    shade = blur(flat, 4.0) * 0.35

    def draw(window: Window) -> Array:
        out = window.sample(flat, smooth=False)
        ink = window.cover((window.sample(line) - 0.52) * 5)[..., None] * 0.92
        return out * (1 - ink) + (look.ink * 0.7 + window.sample(shade) * 0.4) * ink

    return draw


def glitch(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Torn rows, split colours and blocks of a damaged video signal."""
    h, w = photo.shape
    base = np.ascontiguousarray(ramp(look.inks, photo.tone) if look.said else saturated(photo.rgb, 1.3))
    shift = np.zeros(h, np.float32)
    for _ in range(26):
        top, tall = rng.integers(0, h), int(rng.integers(2, max(3, h // 14)))
        shift[top : top + tall] = rng.normal(0, 22 * look.grain)
    tear = np.repeat(rng.normal(0, 0.35, -(-h // 3)), 3)[:h].astype(np.float32)
    split = np.where(np.abs(shift) > 0, 13.0, 4.5).astype(np.float32)
    blocks = np.zeros((h, w), np.float32)
    for _ in range(34):
        top, left = int(rng.integers(0, h)), int(rng.integers(0, w))
        blocks[top : top + int(rng.integers(2, 9)), left : left + int(rng.integers(12, 110))] = rng.normal(0, 60)
    hot = np.array(((1.0, 0.1, 0.6), (0.1, 1.0, 0.9)), np.float32)

    def draw(window: Window) -> Array:
        y, x = window.grid()
        row = y[:, 0].astype(int).clip(0, h - 1)
        moved = window.sample(blocks, smooth=False)
        place = x + (shift + tear)[row][:, None] + moved
        parts = [window.at(base[..., c].copy(), y, place + split[row][:, None] * (c - 1)) for c in range(3)]
        out = np.stack(parts, -1) * (0.93 + 0.09 * np.cos(2 * np.pi * y / np.float32(3.2)))[..., None]
        tint = (np.abs(moved) > 45)[..., None] * np.float32(0.45)
        return out * (1 - tint) + hot[(moved > 0).astype(np.intp)] * tint * (0.4 + out.mean(2, keepdims=True))

    return draw


def _loud(colours: Array, tone: Array, look: Look) -> Array:
    """Colours pushed to the nearest loud ink by hue; greys to the paper or the darkest ink by tone."""
    vivid = saturated(colours, 2.6)
    lifted = vivid + (tone[..., None] - vivid.mean(2, keepdims=True)) * 0.8
    grey = np.ptp(colours, axis=2, keepdims=True) < 0.09
    return np.where(grey & (tone[..., None] > 0.55), look.paper, lifted).clip(0, 1).astype(np.float32)


def _stepped(colours: Array, photo: Photo, count: int, *, shift: float = 0.0) -> Array:
    """Colours (h, w, 3) with their lightness in `count` steps that are smooth for less than a unit."""
    light = blur(photo.flat.mean(2) * 0.5 + photo.tone * 0.5, 1.8) + np.float32(shift)
    steps = light * count
    whole = np.floor(steps)
    eased = whole + ((steps - whole - 0.5) * 8 + 0.5).clip(0, 1)
    wanted = (eased / count * 0.92 + 0.06).astype(np.float32)
    own = colours.mean(2)
    gain = (wanted / np.maximum(own, 0.06)).clip(0.45, 2.2)[..., None]
    return (colours * (0.35 + 0.65 * gain)).clip(0, 1).astype(np.float32)


def _unmixed(density: Array, dyes: Array) -> Array:
    """Optical densities (n, 3) -> the amounts (n, inks) in [0, 1] of dyes (inks, 3) that come nearest (projected
    gradient descent).
    """
    step = np.float32(1 / np.linalg.norm(dyes @ dyes.T, 2))
    amounts = np.full((len(density), len(dyes)), 0.4, np.float32)
    wanted, gram = (density @ dyes.T) * step, (dyes @ dyes.T * step).astype(np.float32)
    for _ in range(12):
        amounts = (amounts + wanted - amounts @ gram).clip(0, 1)
    return amounts.astype(np.float32)
