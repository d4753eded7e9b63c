"""Spreadsheets as rows of texts, read in a process of their own: a hostile one harms nobody else.

A workbook of a few kilobytes can unpack into gigabytes, or name one cell so far out that a reader
reserves room for all between. What is unpacked is counted beforehand, and the reading process may
take so much memory and time and no more.
"""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from fieldcrm.clients.model import UnreadableTable

UNPACKED_MAX = 300 << 20
MEMORY_MAX = 3 << 30
SECONDS_MAX = 60
CELLS_MAX = 40_000_000
PIECE = 1 << 20
OLE = b"\xd0\xcf\x11\xe0"
WHY = {3: "empty", 4: "not_a_sheet", 5: "password", 6: "bomb"}
"""Exit status of the reading process -> why it read nothing."""
_STATUS = {why: status for status, why in WHY.items()}


def sheet_rows(content: bytes) -> list[tuple[int, list[str]]]:
    """Rows of the first sheet that has any, numbered as it shows them; raises UnreadableTable."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fieldcrm.clients.import_sheets"], input=content,
            capture_output=True, timeout=2 * SECONDS_MAX, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UnreadableTable(why="bomb") from error
    if done.returncode:
        raise UnreadableTable(why=WHY.get(done.returncode, "bomb"))
    return msgspec.msgpack.decode(done.stdout, type=list[tuple[int, list[str]]])


# ---- inside the process ----


def main() -> None:
    """Read a workbook from standard input, write its rows to standard output."""
    _limit()
    content = sys.stdin.buffer.read()
    why = _refused(content)
    if why:
        raise SystemExit(_STATUS[why])
    sys.stdout.buffer.write(msgspec.msgpack.encode(_rows(content)))


def _limit() -> None:
    """No more memory and processor time than a large honest workbook needs."""
    try:
        import resource
    except ImportError:  # not every system limits its processes; the count of bytes still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _refused(content: bytes) -> str | None:
    """Why this is not even to be opened."""
    if content.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in content:
        return "password"
    if not content.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if any(p.flag_bits & 1 for p in parts) or _is_locked(packed):
                return "password"
            return "bomb" if _unpacks_beyond(content, parts, UNPACKED_MAX) else None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError):
        return "not_a_sheet"


def _is_locked(packed: zipfile.ZipFile) -> bool:
    """Whether an OpenDocument says that its parts are encrypted."""
    name = "META-INF/manifest.xml"
    if name not in packed.namelist():
        return False
    with packed.open(name) as part:
        return b"encryption-data" in part.read(PIECE)


def _unpacks_beyond(content: bytes, parts: Sequence[zipfile.ZipInfo], most: int) -> bool:
    """Whether parts unpack to more; counted, as what a bomb says of its size is no proof."""
    unpacked = 0
    for part in parts:
        for size in _sizes(content, part):
            unpacked += size
            if unpacked > most:
                return True
    return False


def _sizes(content: bytes, part: zipfile.ZipInfo) -> Iterator[int]:
    """Sizes of the pieces that a part unpacks to."""
    at = part.header_offset
    name, extra = (int.from_bytes(content[at + i : at + i + 2], "little") for i in (26, 28))
    packed = content[at + 30 + name + extra :][: part.compress_size]
    if part.compress_type != zipfile.ZIP_DEFLATED:
        yield len(packed)
        return
    inflate = zlib.decompressobj(-15)
    while packed and not inflate.eof:
        yield len(inflate.decompress(packed, PIECE))
        packed = inflate.unconsumed_tail


def _rows(content: bytes) -> list[tuple[int, list[str]]]:
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.height and sheet.height * sheet.width <= CELLS_MAX:
                return _texts(sheet.to_python(skip_empty_area=False))
    except python_calamine.PasswordError as error:
        raise SystemExit(_STATUS["password"]) from error
    except MemoryError as error:
        raise SystemExit(_STATUS["bomb"]) from error
    except Exception as error:  # the reader names its errors differently for each format
        raise SystemExit(_STATUS["not_a_sheet"]) from error
    raise SystemExit(_STATUS["empty"])


def _texts(found: Sequence[Sequence[object]]) -> list[tuple[int, list[str]]]:
    rows = ((number, [as_text(c) for c in cells]) for number, cells in enumerate(found, 1))
    return [(number, cells) for number, cells in rows if any(cells)]


def as_text(value: object) -> str:
    """A cell as its author saw it: whole numbers without `.0`, days without midnight."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value).removesuffix(" 00:00:00")


if __name__ == "__main__":
    main()
