"""Camera raw files, which hold unfinished sensor data, and small previews that are not the picture."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from diffstyle.core.errors import InputError

if TYPE_CHECKING:
    from tifffile import TiffFile

SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef"),
    *(".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
_HEADS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR")
_CFA, _LINEAR_RAW, _DNG_VERSION, _SUB_IFDS, _REDUCED = 32803, 34892, 50706, 330, 1


def refuse_raw(data: bytes, source: str) -> None:
    """InputError if `data` begins like a camera raw file, or is a TIFF under the name of one."""
    crx = data[4:12] == b"ftypcrx "
    named = PurePath(source).suffix.lower() in SUFFIXES and data[:4] in (b"II*\0", b"MM\0*")
    if crx or named or data.startswith(_HEADS) or data[8:10] == b"CR":
        raise raw_error(source)


def refuse_raw_pages(tiff: TiffFile, source: str) -> None:
    """InputError if a TIFF is camera raw under another name, or begins with a small preview of its picture."""
    page = tiff.pages.first
    photometric = int(page.photometric or 0)
    if photometric in (_CFA, _LINEAR_RAW) or _DNG_VERSION in page.tags:
        raise raw_error(source)
    if int(page.subfiletype or 0) & _REDUCED and _SUB_IFDS in page.tags:
        raise raw_error(source)


def raw_error(source: str) -> InputError:
    """What there is to say of a camera raw file."""
    return InputError(f"Cannot read {source}: it is a camera raw file, develop it and export it as TIFF or JPEG.")
