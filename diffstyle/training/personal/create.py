"""A personal style without training: what painters and the preview read of pictures by one artist, in the zoo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from diffstyle._version import __version__
from diffstyle.assets.zoo import CARD, LOOK, PICTURES, check_new, replacing, write_info
from diffstyle.core.picture import PictureLike
from diffstyle.core.style import COLLECTION_SIDE, Style
from diffstyle.formats.atomic import sha256
from diffstyle.stylizer import Stylizer
from diffstyle.training.personal.dataset import Dataset, read_dataset


def create_style(
    pictures: str | Path | Sequence[PictureLike],
    *,
    name: str,
    overwrite: bool = False,
    licence: str = "",
    stylizer: Stylizer | None = None,
) -> Path:
    """Put the style of a folder or a list of 3 to 500 pictures into the user's zoo, and return its folder.

    Styles name it `adapter:NAME`. It holds no weights: the painter copies marks from its exemplars, the preview uses
    its statistics, and models that read the starter's embeddings are conditioned on their mean. InputError for pictures
    and names that cannot be used.
    """
    folder = check_new(name, overwrite=overwrite)
    dataset = read_dataset(pictures, longest=COLLECTION_SIDE)
    stylizer = stylizer or Stylizer.load("starter", device="cpu")
    collection = Style.from_collection([i.picture for i in dataset.images], name=name)
    style = replace(stylizer.measure(stylizer.encoder.encode(collection)), licence=licence)
    with replacing(folder) as partial:
        look = style.save(partial / LOOK)
        (partial / CARD).write_text(_card(name, dataset, style), "utf-8")
        info = {
            "name": name,
            "kind": PICTURES,
            "space": style.space,
            "source": f"made with diffstyle {__version__} of {len(dataset.images)} pictures",
            "licence": licence,
            "sha256": sha256(look),
        }
        write_info(partial, info)
    return folder


def _card(name: str, dataset: Dataset, style: Style) -> str:
    """CARD.md."""
    exemplars = sum(len(r.exemplars) for r in style.references)
    lines = [f"# {name}", "", f"A style of {len(dataset.images)} pictures, made with diffstyle without training.", ""]
    lines += [f"- colours and embedding: of all {len(dataset.images)} pictures"]
    lines += [f"- marks: of the {exemplars} most typical pictures, which the style file holds at 384 pixels or less"]
    lines += [f"- {note}" for note in dataset.notes]
    return "\n".join(lines) + "\n"
