"""`diffstyle export`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from diffstyle.core.model_options import NetworkFormat
from diffstyle.formats.atomic import check_writable


def export(
    name: str,
    /,
    *,
    kind: Annotated[NetworkFormat | None, Parameter(name="--format")] = None,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    photos: Path | None = None,
) -> int:
    """Write a network for other programs: diffstyle export preview -o preview.onnx

    Parameters
    ----------
    name
        A student, by its name or file; or preview, features, painter-decoder, unet, controlnet, vae-encoder,
        vae-decoder of the starter.
    kind
        onnx; onnx-fp16 in half the size; onnx-int8 with 8-bit convolutions; openvino writes .xml and .bin; pt2 is
        torch.export's; safetensors holds the weights alone. If not given, the file's name says it.
    out
        The file to write.
    photos
        A folder of photos that onnx-int8 is calibrated with; photos of scikit-image and drawn scenes if not given.
    """
    from diffstyle.export.files import check_suffix, format_named, write
    from diffstyle.export.targets import exportable

    kind = format_named(out) if kind is None else kind
    check_suffix(out, kind)
    check_writable(out, [Path(name)])
    written = write(exportable(name), kind, out, photos=photos)
    for path in written.files:
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    for found in written.differences:
        where = f"{found.width}x{found.height}"
        print(f"{where}: differs from torch by at most {found.largest:.1e}, on average {found.mean:.1e}")
    return 0
