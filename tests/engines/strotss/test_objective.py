"""What STROTSS compares: hypercolumns at places, inside the masks of regions."""

from __future__ import annotations

import torch

from diffstyle import Picture, Style, Stylizer
from diffstyle.engines.strotss.objective import at
from diffstyle.engines.strotss.settings import Strotss
from tests.helpers.pictures import mean_difference, waves


def test_maps_are_read_at_the_middle_of_their_pixels() -> None:
    maps = torch.arange(12.0).view(1, 1, 3, 4)
    places = torch.tensor([[-0.75, -2 / 3], [0.75, 2 / 3], [-0.25, 0.0]])
    assert at(maps, places).flatten().tolist() == [0.0, 11.0, 5.0]


def test_more_iterations_go_further(stylizer: Stylizer, small_photo: Picture) -> None:
    style = Style.from_image(waves(96, 96, seed=2))

    def painted(iterations: int) -> Picture:
        settings = Strotss(iterations=iterations, scales=1, samples=128, preset="bold")
        return stylizer.stylize(small_photo, style, engine=settings).picture

    first = painted(1)
    assert mean_difference(painted(12), first) > mean_difference(painted(3), first)
