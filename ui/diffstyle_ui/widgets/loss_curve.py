"""A loss curve as SVG: the training loss as a thin line, the loss on held-out pictures with dots."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 600, 180, 10
MAX_POINTS = 400
Points = Sequence[tuple[int, float]]

CSS = """
.curve { width: 100%; height: auto; background: var(--compare-ground); border-radius: 10px; display: block; }
.curve polyline { fill: none; stroke: var(--body-text-color-subdued); stroke-width: 1.2; }
.curve .held { stroke: var(--accent-strong); stroke-width: 2.2; } .curve circle { fill: var(--accent-strong); }
.curve text { font: 12px var(--font); fill: var(--body-text-color-subdued); }
"""


def loss_curve(losses: Points, held_out: Points = (), *, compared: str = "your pictures") -> str:
    """The SVG of two series of (step, loss); "" while `losses` has fewer than two points. The loss is the difference
    from what is `compared`.
    """
    if len(losses) < 2:
        return ""
    losses = losses[:: max(1, len(losses) // MAX_POINTS)]
    values = [v for _, v in (*losses, *held_out)]
    low, high, last = min(values), max(values), max(losses[-1][0], 1)

    def place(step: int, value: float) -> tuple[float, float]:
        x = EDGE + (WIDTH - 2 * EDGE) * step / last
        return x, EDGE + (HEIGHT - 2 * EDGE) * (high - value) / max(high - low, 1e-9)

    def line(points: Points, kind: str) -> str:
        places = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in points)
        return f'<polyline class="{kind}" points="{places}"/>'

    dots = "".join('<circle cx="{:.1f}" cy="{:.1f}" r="4"/>'.format(*place(*point)) for point in held_out)
    words = f"Difference from {compared} at step {losses[-1][0]}: {losses[-1][1]:.3f}"
    if held_out:
        words += f", from those kept for checking: {held_out[-1][1]:.3f}"
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f"{line(losses, 'all')}{line(held_out, 'held')}{dots}"
        f'<text x="{WIDTH - EDGE}" y="{EDGE + 12}" text-anchor="end">{words}</text></svg>'
    )
