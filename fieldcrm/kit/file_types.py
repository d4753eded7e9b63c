"""What a file is, told by its bytes alone: its name, and what a browser says of it, prove nothing."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
_PARTS: Mapping[str, str] = {
    "word/document.xml": f"{_OOXML}wordprocessingml.document",
    "xl/workbook.xml": f"{_OOXML}spreadsheetml.sheet",
    "ppt/presentation.xml": f"{_OOXML}presentationml.presentation",
}
"""What a package has in it, by which it is known."""
_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",), "image/jpeg": (".jpg", ".jpeg"), "image/png": (".png",),
    "image/webp": (".webp",), "audio/wav": (".wav",), "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/webm": (".webm",), "audio/mp4": (".m4a", ".mp4", ".3gp"), "audio/mpeg": (".mp3",),
    f"{_OOXML}wordprocessingml.document": (".docx",), f"{_OOXML}spreadsheetml.sheet": (".xlsx",),
    f"{_OOXML}presentationml.presentation": (".pptx",), f"{_ODF}text": (".odt",),
    f"{_ODF}spreadsheet": (".ods",), f"{_ODF}presentation": (".odp",),
}  # fmt: skip
ACCEPTED = ",".join(ending for endings in _ENDINGS.values() for ending in endings)
"""What a browser's dialog offers."""
NAME_MAX = 120
_ENTRIES_MAX = 20_000


def photo_or_sound(head: bytes) -> str | None:
    """The media type by a file's first 16 bytes; None for what is neither."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "audio/webm"
    if head[4:8] == b"ftyp" and head[8:11] in (b"M4A", b"mp4", b"iso", b"3gp"):
        return "audio/mp4"
    if head.startswith(b"ID3") or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "audio/mpeg"
    return None


def of_document(content: bytes) -> str | None:
    """The media type of a photo, sound, PDF or office document without macros; None for all else."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content.startswith(b"PK\x03\x04"):
        return _of_package(content)
    return photo_or_sound(content[:16])


def is_paper(head: bytes) -> bool:
    """Whether a file begins as a PDF or office document does; what it is, its whole bytes say."""
    return head.startswith((b"%PDF-", b"PK\x03\x04"))


def by_name(name: str) -> str | None:
    """The media type that a file's name promises by its ending; its bytes are to prove it."""
    low = name.lower()
    return next((kind for kind, endings in _ENDINGS.items() if low.endswith(endings)), None)


def _of_package(content: bytes) -> str | None:
    """By its list of parts; nothing of it is unpacked but the few bytes of an OpenDocument's own type."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            names = package.namelist()
            if len(names) > _ENTRIES_MAX or any(_is_macro(name) for name in names):
                return None
            if "[Content_Types].xml" in names:
                return next((kind for part, kind in _PARTS.items() if part in names), None)
            return _told_inside(package) if "mimetype" in names else None
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError):
        return None


def _is_macro(name: str) -> bool:
    low = name.lower()
    return low.endswith("vbaproject.bin") or low.startswith(("basic/", "scripts/"))


def _told_inside(package: zipfile.ZipFile) -> str | None:
    about = package.getinfo("mimetype")
    if about.file_size > 100 or about.compress_type != zipfile.ZIP_STORED:
        return None
    kind = package.read(about).decode("ascii", "replace").strip()
    return kind if kind.startswith(_ODF) and kind in _ENDINGS else None


def named(name: str, kind: str) -> str:
    """A file's name as it is shown and kept: no path, nothing unseen, with an ending of its type."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", "", name)
    plain = re.split(r"[\\/]", plain)[-1].strip(" .") or "file"
    endings = _ENDINGS.get(kind, ())
    stem, dot, ending = plain.rpartition(".")
    if dot and f".{ending.lower()}" in endings:
        return f"{stem[: NAME_MAX - len(ending) - 1]}.{ending}"
    return plain[: NAME_MAX - 5] + (endings[0] if endings else "")


def ending_of(kind: str) -> str:
    """What names of a media type end with, without the dot; `bin` where that isn't known."""
    if kind in _ENDINGS:
        return _ENDINGS[kind][0].removeprefix(".")
    return kind.rpartition("/")[2].partition(";")[0] or "bin"
