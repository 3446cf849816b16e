"""Types of Blender, for pyright alone: its Python module is written in C, and knows its types while it runs."""

from typing import Any

types: Any
props: Any
utils: Any
data: Any
app: Any
ops: Any
context: Any
