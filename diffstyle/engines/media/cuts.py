"""Media cut with a blade: woodcut, linocut, paper cut."""

from __future__ import annotations

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look, ramp
from diffstyle.engines.media.photo import Photo, Rng, contours, evened
from diffstyle.ops.lines import along, blur, noise


def woodcut(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Solid blacks and bare lights; between them cuts that run along the forms and taper into the dark, and the grain
    of the plank in the black.
    """
    h, w = photo.shape
    tone = _bold(photo, 1.4) if not look.light_on_dark else 1 - _bold(photo, 1.4)
    cuts = evened(along(noise((h, w), 1.05 * look.grain, rng), photo.flow, 30 * look.grain))
    key = contours(photo, 2.0 * look.grain)
    stretched = noise((h, w), 1.0, rng)
    plank = along(stretched, np.full((h, w), rng.uniform(-0.06, 0.06), np.float32), 60.0)
    plank = plank / np.float32(plank.std() + 1e-6)

    def draw(window: Window) -> Array:
        light = ((window.sample(tone) - 0.2) / 0.5).clip(0, 1)
        paper = window.cover((light - window.sample(cuts)) * (4.2 * look.grain))
        paper = np.maximum(paper, window.cover((light - 0.97) * 30))
        lines = window.cover((window.sample(key) - 0.5) * 5)
        ink = np.maximum(1 - paper, lines)
        ink *= 1 - window.cover((window.sample(plank) - 1.75) * 0.8) * 0.85
        return look.between(ink)

    return draw


def linocut(photo: Photo, look: Look, rng: Rng) -> Draw:
    """A few bold shapes with smooth edges, broad gouge marks where they meet, and the ridges that the gouge left in the
    cleared ground. The subject is cut with a finer gouge, with white lines along the forms in its darks and a white rim
    around it; what lies behind is simpler.
    """
    h, w = photo.shape
    fine = (0.75 * photo.subject + photo.faces).clip(0, 1)
    tone = _bold(photo, 3.2 * look.grain, local=0.6) + _apart(photo)
    tone = tone + (_modelled(photo, 1.3 * look.grain) - tone) * fine
    tone = 1 - tone if look.light_on_dark else tone
    gouge = along(noise((h, w), 2.9 * look.grain, rng), photo.flow, 26 * look.grain)
    small = along(noise((h, w), 1.5 * look.grain, rng), photo.flow, 18 * look.grain)
    gouge, small = evened(gouge), evened(small)
    gouge = gouge + (small - gouge) * fine
    chatter = along(noise((h, w), 1.7 * look.grain, rng), photo.flow + np.float32(0.2), 18 * look.grain)
    chatter = chatter / np.float32(chatter.std() + 1e-6)
    key = contours(photo, 2.8 * look.grain, sensitivity=0.9) * (0.55 + 0.45 * np.sqrt(fine))
    key = np.maximum(key, contours(photo, 1.6 * look.grain, sensitivity=1.1) * (fine > 0.5))
    white = contours(photo, 1.8 * look.grain, sensitivity=0.8, light=not look.light_on_dark) * fine
    white = np.maximum(white, _rim(photo.subject))
    roll = noise((h, w), 0.7, rng)
    calm = 1 - fine

    def draw(window: Window) -> Array:
        level = window.sample(tone)
        between = ((level - 0.4) / 0.13).clip(0, 1)
        ink = 1 - window.cover((between - 0.04 - 0.92 * window.sample(gouge)) * (8 * look.grain))
        ink *= 1 - window.cover((window.sample(white) - 0.5) * 6)
        ink = np.maximum(ink, window.cover((window.sample(key) - 0.5) * 6))
        cleared = window.cover((level - 0.62) * 30)
        ink = np.maximum(
            ink, window.cover((window.sample(chatter) - 2.2) * 2.2 * look.grain) * cleared * window.sample(calm)
        )
        return look.between(ink * (0.96 + 0.03 * window.sample(roll)).clip(0, 1))

    return draw


def paper_cut(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Sheets of coloured paper, one for each step of tone, laid over one another with their shadows."""
    count = 6 if look.grain < 1.3 else 5
    tone = blur(blur(photo.flat.mean(2) * 0.2 + photo.tone * 0.8, 2.2 * look.grain), 1.5)
    edges = np.quantile(tone, np.linspace(0, 1, count + 1)[1:-1] ** 0.95)
    edges = 0.55 * edges + 0.45 * np.linspace(0.12, 0.85, count - 1)
    scale = np.linspace(0, 1, count, dtype=np.float32)
    sheets = ramp(look.inks, scale)
    fibre = 0.018 * noise(photo.shape, 0.8, rng) + 0.012 * noise(photo.shape, 5.0, rng)
    turn = rng.uniform(0.6, 0.95)
    offset = 4.2 * np.sin(turn), 4.2 * np.cos(turn)
    shadows = [_shadow(tone < edge, offset) for edge in edges]
    slope = 1 / 0.012

    def draw(window: Window) -> Array:
        level = window.sample(tone)
        out = np.broadcast_to(sheets[-1], (window.rows, window.width, 3)).astype(np.float32)
        for n in range(count - 2, -1, -1):  # darker sheets lie on top
            on_top = window.cover((edges[n] - level) * slope)[..., None]
            shade = 1 - 0.42 * window.sample(shadows[n])[..., None]
            out = out * shade * (1 - on_top) + sheets[n] * on_top
        return out * (1 + window.sample(fibre))[..., None]

    return draw


def _bold(photo: Photo, sigma: float, *, local: float = 1.1) -> Array:
    """(h, w): the tones smoothed, with shapes set off from what is around them as far as `local` says."""
    soft = blur(photo.tone, sigma)
    return (soft + local * (soft - blur(photo.tone, 30.0)) + 0.02).clip(0, 1)


def _modelled(photo: Photo, sigma: float) -> Array:
    """(h, w): the tones of the subject, as many of them dark as light, with small forms raised."""
    soft = blur(photo.tone, sigma)
    middle = float(np.average(soft, weights=photo.subject + 4 * photo.faces + 1e-3))
    return (soft + 0.8 * (0.47 - middle) + 1.0 * (soft - blur(photo.tone, 14.0))).clip(0, 1)


def _apart(photo: Photo) -> float:
    """What is added to the tones behind the subject, so that they differ from its own."""
    own, other = (float(np.average(photo.tone, weights=weight + 1e-3)) for weight in (photo.subject, 1 - photo.subject))
    return 0.1 * float(np.tanh(10 * (other - own)))


def _rim(subject: Array) -> Array:
    """(h, w): above 0.5 on a line just outside of the subject, where it is cut sharply."""
    near = blur(subject, 1.6)
    outside = near * (1 - near) * 4 * (subject < 0.5)
    return (outside - 0.25).clip(0, 1)


def _shadow(above: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], offset: tuple[float, float]) -> Array:
    """(h, w): how dark a sheet that is `above` there makes the one below it, lit from the upper left."""
    dy, dx = (round(v) for v in offset)
    field = np.pad(above.astype(np.float32), ((dy, 0), (dx, 0)), mode="edge")[: above.shape[0], : above.shape[1]]
    return blur(field, 3.2)
