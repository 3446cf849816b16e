"""What img2img hands to scripts, and what they give back."""

from __future__ import annotations

from typing import Any

from PIL import Image


class StableDiffusionProcessingImg2Img:
    """A request of img2img."""

    outpath_samples = "samples"

    def __init__(self, init_images: list[Image.Image], *, seed: int = -1, batch_size: int = 1, n_iter: int = 1) -> None:
        self.init_images, self.seed, self.batch_size, self.n_iter = init_images, seed, batch_size, n_iter
        self.image_mask: Image.Image | None = None
        self.inpainting_mask_invert = 0


class Processed:
    """What a script gives back."""

    def __init__(self, p: Any, images_list: list[Image.Image], seed: int = -1, info: str = "") -> None:
        self.p, self.images, self.seed, self.info = p, images_list, seed, info


def fix_seed(p: Any) -> None:
    """Choose the seed where it is left open."""
    if p.seed in (None, "", -1):
        p.seed = 1234
