"""The photos that the page offers, each with a style and painted in it already."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from diffstyle.assets.manifest import read_toml

FOLDER = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True, slots=True)
class ExamplePair:
    """A photo, its style as `--style` takes it, the painting, and whose photo it is."""

    name: str
    label: str
    style: str
    credit: str

    @property
    def photo(self) -> Path:
        """The file of the photo."""
        return FOLDER / f"{self.name}.jpg"

    @property
    def painted(self) -> Path:
        """The file of the painting, of the photo's size."""
        return FOLDER / f"{self.name}-painted.jpg"


@cache
def example_pairs() -> tuple[ExamplePair, ...]:
    """All pairs; the page opens with the first."""
    return tuple(ExamplePair(name, **values) for name, values in read_toml(FOLDER / "examples.toml").items())
