"""How pictures are found and saved, as people type it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from diffstyle.cli.options import FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How files are found and written.

    Parameters
    ----------
    depth
        Bits a channel of the saved files: 8, or 16 in PNG and TIFF.
    recursive
        Also the files in the folders below those named; their results go to folders of the same names.
    overwrite
        Replace results that were made by another recipe.
    no_recipe
        Leave the recipe out of the results: they then hide the style, the settings and the name of the source, and
        `diffstyle replay` cannot repeat them.
    json_lines
        Print a JSON object for each result.
    """

    depth: Annotated[Literal[8, 16], Parameter(group=FILES)] = 8
    recursive: Annotated[bool, Parameter(group=FILES, negative=(), show_default=False)] = False
    overwrite: Annotated[bool, Parameter(group=FILES, negative=(), show_default=False)] = False
    no_recipe: Annotated[bool, Parameter(group=FILES, negative=(), show_default=False)] = False
    json_lines: Annotated[bool, Parameter(name="--json", group=FILES, negative=(), show_default=False)] = False
