"""Weights that some figures need and diffstyle does not ship: where they are stored, and how to get them.

Nothing is downloaded unless `fetch` is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diffstyle.assets.hub import size_text
from diffstyle.core.errors import InputError


@dataclass(frozen=True, slots=True)
class MetricWeights:
    """A file in torch's cache of downloads. `sha256` is the beginning of its digest, "" if its authors name none; one
    without a `url` has to be fetched by hand from `page`.
    """

    name: str
    what: str
    size: int  # bytes, approximately
    url: str = ""
    sha256: str = ""
    page: str = ""

    @property
    def path(self) -> Path:
        """Where torch and torchvision look for the file too."""
        import torch

        return Path(torch.hub.get_dir()) / "checkpoints" / self.name


_TORCHVISION = "https://download.pytorch.org/models/"
ALEXNET = MetricWeights(
    "alexnet-owt-7be5be79.pth", "AlexNet", 244_000_000, f"{_TORCHVISION}alexnet-owt-7be5be79.pth", "7be5be79"
)
SQUEEZENET = MetricWeights(
    "squeezenet1_1-b8a52dc0.pth", "SqueezeNet 1.1", 5_000_000, f"{_TORCHVISION}squeezenet1_1-b8a52dc0.pth", "b8a52dc0"
)
VGG16 = MetricWeights("vgg16-397923af.pth", "VGG-16", 528_000_000, f"{_TORCHVISION}vgg16-397923af.pth", "397923af")
ART_INCEPTION = MetricWeights(
    "art_inception.pth",
    "the Inception network of ArtFID",
    105_000_000,
    "https://huggingface.co/matthias-wright/art_inception/resolve/main/art_inception.pth",
)
CSD = MetricWeights(
    "csd-vit-l.pth", "CSD's ViT-L/14", 1_200_000_000, page="https://github.com/learn2phoenix/CSD (its checkpoint.pth)"
)


def check(weights: MetricWeights, figure: str) -> None:
    """InputError with how to get the weights that `figure` needs, unless they are there."""
    if weights.path.is_file():
        return
    how = (
        f"add --download, or fetch {weights.url} to {weights.path}"
        if weights.url
        else f"save the file from {weights.page} as {weights.path}"
    )
    raise InputError(f"{figure} needs the weights of {weights.what} ({size_text(weights.size)}): {how}.")


def fetch(weights: MetricWeights) -> Path:
    """Download the weights unless they are there, and check them; InputError if there is no way to."""
    import torch

    if weights.path.is_file():
        return weights.path
    if not weights.url:
        check(weights, "The figure")
    try:
        weights.path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            weights.url, str(weights.path), hash_prefix=weights.sha256 or None, progress=False
        )
    except (OSError, RuntimeError) as error:  # torch writes to a temporary file, and raises RuntimeError for its digest
        raise InputError(f"Cannot download {weights.url}: check the network and try again.") from error
    return weights.path
