"""Stand-in for ComfyUI's module of this name: see README.md. A test sets the folders."""

from __future__ import annotations

input_directory = output_directory = ""


def get_input_directory() -> str:
    return input_directory


def get_output_directory() -> str:
    return output_directory
