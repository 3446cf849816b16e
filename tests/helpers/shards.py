"""Webdataset shards of small pictures made here, as a folder of training pictures has them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from PIL import Image

from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.formats.safetensors import write_safetensors
from tests.conftest import waves


def write_shard(path: Path, first: int, count: int) -> None:
    """`count` pictures, one in five of them in the dev split; the kind is the start of the file's name."""
    with tarfile.open(path, "w") as tar:
        for n in range(first, first + count):
            picture = io.BytesIO()
            Image.fromarray(waves(96, 80, seed=n)).save(picture, "JPEG")
            info = {"split": "dev" if n % 5 == 4 else "train", "key": f"{n:03}", "kind": path.name.split("-")[0]}
            info |= {"medium": "oil painting", "movement": "Baroque"} if info["kind"] == "art" else {}
            for name, data in ((f"{n:03}.jpg", picture.getvalue()), (f"{n:03}.json", json.dumps(info).encode())):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def make_shards(folder: Path) -> Path:
    """Photos, art and the weights of a random teacher."""
    write_shard(folder / "photo-clean-00.tar", 0, 10)
    write_shard(folder / "art-clean-00.tar", 10, 10)
    (folder / "perceptual").mkdir()
    write_safetensors(folder / "perceptual" / "squeezenet1_0.safetensors", dict(SqueezeNet().state_dict()))
    return folder
