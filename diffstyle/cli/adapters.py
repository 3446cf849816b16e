"""`diffstyle adapters`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.core.model_options import ExportFormat

if TYPE_CHECKING:
    from diffstyle.assets.zoo import AdapterInfo


def list_adapters() -> int:
    """Name every style adapter on this machine."""
    from diffstyle.assets.zoo import adapter_folders, adapter_info, adapters_folder

    for name in adapter_folders():
        info = adapter_info(name)
        whose = "yours" if info.own else "comes with diffstyle"
        print(f"{name:<24} {_kind(info):<22} {whose}")
    print(f"Yours are in {adapters_folder()}.")
    return 0


def create(
    name: str, pictures: Path, /, *, overwrite: Annotated[bool, Parameter(negative=())] = False, licence: str = ""
) -> int:
    """Make a personal style from pictures by one artist; it paints at once, without training.

    Parameters
    ----------
    name
        What the style is called: --style adapter:NAME.
    pictures
        A folder of 3 to 500 pictures in one style.
    overwrite
        Replace an adapter of that name.
    licence
        Under which licence the style may be used.
    """
    from diffstyle.assets.zoo import CARD
    from diffstyle.training.personal.create import create_style

    made = create_style(pictures, name=name, overwrite=overwrite, licence=licence)
    print((made / CARD).read_text("utf-8"))
    print(f"Paint in it with  diffstyle stylize PHOTO --style adapter:{name}")
    return 0


def show(name: str, /) -> int:
    """Say what an adapter is, and how good.

    Parameters
    ----------
    name
        Its name in the list.
    """
    from diffstyle.assets.zoo import CARD, adapter_file, adapter_info

    info = adapter_info(name)
    card = info.folder / CARD
    print(card.read_text("utf-8").rstrip() if card.is_file() else f"# {name}")
    print(f"\n{_kind(info)}, {info.source}\n{adapter_file(name)}, whole")
    return 0


def export(
    name: str,
    /,
    *,
    layout: Annotated[ExportFormat, Parameter(name="--format")],
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path(),
) -> int:
    """Write an adapter for other programs.

    Parameters
    ----------
    name
        Its name in the list.
    layout
        ip-adapter for an adapter of the kind tokens; diffusers-lora or kohya for a LoRA. `diffstyle adapters list`
        names the kinds.
    out
        The folder to write to.
    """
    from diffstyle.adapters.export import export as write
    from diffstyle.assets.zoo import adapter_info

    print(write(adapter_info(name), layout, out))
    return 0


def remove(name: str, /) -> int:
    """Delete an adapter of yours.

    Parameters
    ----------
    name
        Its name in the list.
    """
    from diffstyle.assets.zoo import remove_adapter

    print(f"{remove_adapter(name)} is gone.")
    return 0


def _kind(info: AdapterInfo) -> str:
    return f"{info.kind} for {info.backbone if info.has_weights else 'any model'}"
