"""Media on a grid: pixel art, one-bit dithering, characters, bricks, cross-stitch, knitting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2 as untyped
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look, nearest, palette, ramp, saturated
from diffstyle.engines.media.photo import Photo, Rng
from diffstyle.ops.lines import blur, noise

cv2: Any = untyped
BAYER = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) + 0.5) / 16 - 0.5
CHARACTERS = " .'`,:;-~+=<>icvxzsnuoaeJTLYCUOQXZmwqpdbkhMWN&8%B@#$"
FACE_CELLS, SMALLEST_CELL = 22, 0.62  # cells across a face, for which cells may shrink to this share of their size
_GLYPH = (10, 16)  # pixels across and down of a character when it is compared and drawn


@dataclass(frozen=True, slots=True)
class Grid:
    """`rows` x `columns` cells, each `height` x `width` units."""

    rows: int
    columns: int
    height: float
    width: float

    @classmethod
    def of(cls, photo: Photo, width: float, aspect: float = 1.0) -> Grid:
        """Cells about `width` units wide and `aspect` times as high that fill the picture; smaller where faces would
        have too few of them.
        """
        h, w = photo.shape
        side = float(np.sqrt((photo.faces > 0.5).sum()))  # of a square as large as all faces together
        width *= min(max(side / (FACE_CELLS * width), SMALLEST_CELL), 1) if side else 1
        columns, rows = max(1, round(w / width)), max(1, round(h / (width * aspect)))
        return cls(rows, columns, h / rows, w / columns)

    def halved(self) -> Grid:
        """Four cells in place of each."""
        return Grid(self.rows * 2, self.columns * 2, self.height / 2, self.width / 2)

    def mean(self, field: Array) -> Array:
        """A field of the picture -> its mean in each cell (rows, columns[, 3])."""
        return cv2.resize(field, (self.columns, self.rows), interpolation=cv2.INTER_AREA)

    def cells(self, window: Window) -> tuple[Array, Array, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Places in the cells from 0 to 1, down (rows, 1) and across (1, width); then the cells' rows and columns."""
        y, x = window.grid()
        y, x = y / self.height, x / self.width
        row, column = (np.floor(c).astype(np.intp) for c in (y, x))
        return y - row, x - column, row.clip(0, self.rows - 1), column.clip(0, self.columns - 1)


def pixel_art(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Large square pixels in a small bright palette, dithered in gradients, with the contours kept dark."""
    grid = Grid.of(photo, 9.4 * look.grain)
    cells = _cells(photo, look, grid, 1.35)
    colours = palette(cells.reshape(-1, 3), 24, rng)
    y, x = np.indices(cells.shape[:2])
    shifted = cells + 0.05 * BAYER[(y + rng.integers(4)) % 4, (x + rng.integers(4)) % 4][..., None]
    chosen = colours[nearest(shifted.reshape(-1, 3).astype(np.float32), colours)].reshape(cells.shape)

    def draw(window: Window) -> Array:
        _, _, row, column = grid.cells(window)
        return chosen[row, column]

    return draw


def one_bit(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Square pixels of two colours, as on an early computer (error diffusion, Floyd & Steinberg 1976)."""
    grid = Grid.of(photo, 3.9 * look.grain)
    tone = grid.mean(photo.tone)
    keen = tone + 0.9 * (tone - blur(tone, 2.0)) + 0.03 * rng.standard_normal(tone.shape)
    light = look.amount(1 - keen) if not look.light_on_dark else keen
    grey = Image.fromarray((light.clip(0, 1) * 255).astype(np.uint8))
    bits = np.asarray(grey.convert("1", dither=Image.Dither.FLOYDSTEINBERG), np.float32)
    amount = bits if look.light_on_dark else 1 - bits

    def draw(window: Window) -> Array:
        _, _, row, column = grid.cells(window)
        return look.between(amount[row, column])

    return draw


def characters(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Typed characters, each the one whose shape and weight come nearest to its cell."""
    width, height = _GLYPH
    grid = Grid.of(photo, 8.4 * look.grain, height / width)
    glyphs = _glyphs()  # (n, height, width)
    small = 4, 6
    shapes = np.stack([cv2.resize(g, small, interpolation=cv2.INTER_AREA) for g in glyphs]).reshape(len(glyphs), -1)
    shapes = shapes / shapes.mean(1).max()
    amount = look.amount(photo.tone + 0.6 * (photo.tone - blur(photo.tone, 3.0)) + 0.3 * (photo.tone - 0.5)).clip(0, 1)
    amount = amount**0.65
    fine = cv2.resize(amount, (grid.columns * small[0], grid.rows * small[1]), interpolation=cv2.INTER_AREA)
    cells = fine.reshape(grid.rows, small[1], grid.columns, small[0]).transpose(0, 2, 1, 3)
    cells = cells.reshape(grid.rows * grid.columns, -1)  # (cells, 24)
    apart = np.square(cells).sum(1)[:, None] - 2 * cells @ shapes.T + np.square(shapes).sum(1)[None]
    weights = 3.0 * small[0] * small[1] * np.square(cells.mean(1)[:, None] - shapes.mean(1)[None])
    best = np.asarray((apart + weights + 0.25 * rng.random(apart.shape)).argmin(1), np.intp)
    chosen = best.reshape(grid.rows, grid.columns)
    sheet = np.pad(glyphs, ((0, 0), (1, 1), (1, 1)))
    flat = np.ascontiguousarray(sheet.reshape(-1, width + 2))
    bright = 0.7 + 0.3 * grid.mean(amount)
    glow = 0.34 * amount**1.6 if look.light_on_dark else 0.1 * amount

    def draw(window: Window) -> Array:
        v, u, row, column = grid.cells(window)
        start = (chosen[row, column] * (height + 2)).astype(np.float32)
        y = start + (1 + v * height - 0.5).astype(np.float32)
        x = np.broadcast_to((1 + u * width - 0.5).astype(np.float32), y.shape)
        ink = cv2.remap(flat, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_LINEAR)
        ink = ((ink - 0.5) * 2.4 + 0.5).clip(0, 1)
        ink = ink * (bright[row, column] if look.light_on_dark else 1)
        return look.between(np.maximum(ink, window.sample(glow)))

    return draw


def bricks(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Toy bricks seen from above, each with its stud, in the colours that bricks are sold in; small ones on faces."""
    large = Grid.of(photo, 12.2 * look.grain)
    small = large.halved()
    layers = [_in_palette(photo, look, grid, 26, rng) for grid in (large, small)]
    layers = [c * (1 + rng.normal(0, 0.015, (*c.shape[:2], 1))) for c in layers]
    on_faces = large.mean(photo.faces) > 0.5

    def draw(window: Window) -> Array:
        out = _bricks(window, large, layers[0])
        if not on_faces.any():
            return out
        _, _, row, column = large.cells(window)
        return np.where(on_faces[row, column][..., None], _bricks(window, small, layers[1]), out)

    return draw


def _bricks(window: Window, grid: Grid, colours: Array) -> Array:
    v, u, row, column = grid.cells(window)
    dy, dx = v - 0.5, u - 0.5
    radius = np.hypot(dy, dx)
    unit, lit = grid.width, -(dy + dx) / np.float32(0.62)
    stud = window.cover((0.31 - radius) * unit)
    rim = window.cover((0.035 - np.abs(radius - 0.30)) * unit) * lit * 0.55
    cast = window.cover((0.33 - np.hypot(dy - 0.06, dx - 0.06)) * unit) * (1 - stud) * 0.3
    edge = np.maximum(np.abs(dy), np.abs(dx))
    side = np.where(np.abs(dy) > np.abs(dx), -np.sign(dy), -np.sign(dx)) * window.cover((edge - 0.455) * unit) * 0.22
    shade = 1 + 0.05 * stud + rim - cast + side - 0.25 * window.cover((edge - 0.49) * unit)
    glint = window.cover((0.05 - np.hypot(dy + 0.15, dx + 0.15)) * unit) * 0.12
    return colours[row, column] * shade[..., None] + glint[..., None]


def cross_stitch(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Crosses of two threads in a few colours of floss, on woven cloth with its holes."""
    grid = Grid.of(photo, 8.6 * look.grain)
    chosen = _in_palette(photo, look, grid, 28, rng)
    light = rng.normal(0, 0.035, (*chosen.shape[:2], 1)).astype(np.float32)
    chosen = (chosen * (1 + light)).astype(np.float32)

    def draw(window: Window) -> Array:
        v, u, row, column = grid.cells(window)
        dy, dx = v - 0.5, u - 0.5
        unit = grid.width
        weave = 0.93 + 0.04 * np.cos(8 * np.pi * u) + 0.04 * np.cos(8 * np.pi * v)
        corner = np.hypot(0.5 - np.abs(dy), 0.5 - np.abs(dx))
        out = look.paper * (weave * (1 - 0.55 * window.cover((0.1 - corner) * unit)))[..., None]
        colour = chosen[row, column]
        for sign, level in ((1, 0.8), (-1, 1.0)):  # the second thread lies over the first
            off, length = (dy - sign * dx) * np.float32(0.7071), np.abs(dy + sign * dx) * np.float32(0.7071)
            thread = window.cover((0.225 - np.abs(off)) * unit) * window.cover((0.66 - length) * unit)
            around = window.cover((0.27 - np.abs(off)) * unit) * window.cover((0.68 - length) * unit)
            sheen = level * (1.12 - 6.5 * np.square(off) - 0.25 * np.square(length))
            sheen += 0.06 * np.cos((off * 5 + length * 2.2) * 2 * np.pi)  # the twist of the floss
            out = out * (1 - 0.45 * around * (1 - thread))[..., None]
            out = out * (1 - thread[..., None]) + colour * (sheen * thread)[..., None]
        return out

    return draw


def knitted(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Rows of stitches, each a V of two strands of wool."""
    grid = Grid.of(photo, 12.4 * look.grain, 0.78)
    cells = _cells(photo, look, grid, 1.2)
    colours = palette(cells.reshape(-1, 3), 22, rng)
    chosen = colours[nearest(cells.reshape(-1, 3), colours)].reshape(cells.shape)
    chosen = (chosen * (1 + rng.normal(0, 0.035, (*cells.shape[:2], 1)))).astype(np.float32)
    fuzz = 0.05 * noise(photo.shape, 0.8, rng)

    def draw(window: Window) -> Array:
        y, x = window.grid()
        column = x / np.float32(grid.width)
        number = np.floor(column)
        u = column - number - np.float32(0.5)
        slanted = y / np.float32(grid.height) + np.abs(u) * np.float32(1.55)
        row = np.floor(slanted)
        v = slanted - row - np.float32(0.5)
        across = np.abs(u) - np.float32(0.25)
        strand = np.square(across / np.float32(0.27)) + np.square(v / np.float32(0.56))
        shade = 1.2 - 0.72 * strand.clip(0, 1.5)
        shade += 0.07 * np.cos((v * 2.2 + across * 5) * 2 * np.pi)
        rows = row.astype(np.intp).clip(0, grid.rows - 1)
        columns = np.broadcast_to(number.astype(np.intp).clip(0, grid.columns - 1), rows.shape)
        return chosen[rows, columns] * (shade + window.sample(fuzz))[..., None]

    return draw


def _cells(photo: Photo, look: Look, grid: Grid, gain: float) -> Array:
    """(rows, columns, 3): the colours of the cells, crisp and saturated."""
    base = ramp(look.inks, photo.tone) if look.said else saturated(photo.rgb, gain)
    low, high = (float(v) for v in np.percentile(base, (1, 99)))
    base = 0.4 * base + 0.6 * (base - low) / max(high - low, 0.3)
    small = grid.mean(base.clip(0, 1).astype(np.float32))
    return (
        np.asarray(small + 0.55 * (small - blur(small, 1.6)), np.float32).reshape(grid.rows, grid.columns, 3).clip(0, 1)
    )


def _in_palette(photo: Photo, look: Look, grid: Grid, count: int, rng: Rng) -> Array:
    """(rows, columns, 3): the colours of the cells, of which there are `count` at most."""
    cells = _cells(photo, look, grid, 1.3)
    colours = palette(cells.reshape(-1, 3), count, rng)
    return colours[nearest(cells.reshape(-1, 3), colours)].reshape(cells.shape)


def _glyphs() -> Array:
    """(n, 16, 10): the characters, 1 is ink, in the font that comes with Pillow."""
    width, height = _GLYPH
    times = 4
    font = ImageFont.load_default(height * times * 0.88)
    out: list[Array] = []
    for character in CHARACTERS:
        image = Image.new("L", (width * times, height * times))
        left, _, right, _ = font.getbbox(character)
        ImageDraw.Draw(image).text(
            (width * times / 2 - (left + right) / 2, height * times * -0.04), character, 255, font
        )
        out.append(cv2.resize(np.asarray(image, np.float32) / 255, _GLYPH, interpolation=cv2.INTER_AREA))
    return np.stack(out)
