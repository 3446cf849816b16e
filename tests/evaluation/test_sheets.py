"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle import Picture
from diffstyle.evaluation import sheets
from tests.conftest import waves


def test_rows_and_labels_have_the_pictures_in_order(tmp_path: Path) -> None:
    one, two = (Picture.from_array(waves(20, 16, seed=s)) for s in (1, 2))
    row = sheets.row([one, two])
    assert np.array_equal(row[:, 20:], two.to_array())
    assert np.array_equal(sheets.column([one, two])[16:], two.to_array())
    labelled = sheets.labelled(row, "a label")
    assert np.array_equal(labelled[sheets.LABEL_HEIGHT :], row)
    assert labelled[: sheets.LABEL_HEIGHT].min() < 128
    sheets.write_sheets(tmp_path, "sheet", [labelled] * 5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sheet-00.png", "sheet-01.png"]
    with Image.open(sheets.write_sheet(tmp_path / "half.jpg", [row], scale=0.5)) as image:
        assert (image.format, image.size) == ("JPEG", (20, 8))
