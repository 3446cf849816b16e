"""The page as a hosted Space: `python app.py`, on the starter, with nothing downloaded."""

from __future__ import annotations

import os
from pathlib import Path

from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.page import launch

if __name__ == "__main__":
    launch(
        host=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0"),
        port=int(os.environ.get("PORT", "7860")),
        limits=Limits(max_pixels=24_000_000, max_upload_mb=20, training=False),
        names=[name for name in [os.environ.get("SPACE_HOST", "")] if name],
        votes=Path("votes.csv"),
    )
