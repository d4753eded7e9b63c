"""Attachments in resumable pieces: a part file for each person and hash, whole by rename.

A piece is on disk before it is acknowledged; a whole file is hashed before it gets its name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldcrm.kit import file_types, files
from fieldcrm.kit.settings import settings
from fieldcrm.sync.model import FileTooLarge, TooManyParts, WrongOffset, WrongType

PARTS_MAX = 40
STALE_S = 14 * 86_400


def have(user_id: str, sha256: str) -> tuple[int, bool]:
    """Bytes of this file that are here, and whether it is whole.

    The server may have died between a file's last byte and its name: such a file gets its name now.
    """
    if not files.has(sha256) and _part(user_id, sha256).is_file():
        with _locked(user_id, sha256) as part:
            if part.is_file() and _hash(part) == sha256:
                _name(part, sha256)
    if files.has(sha256):
        return files.path_of(sha256).stat().st_size, True
    part = _part(user_id, sha256)
    return (part.stat().st_size if part.is_file() else 0), False


def no_paper() -> bool:
    """Of visits and corrections: photos and sounds alone."""
    return False


def take(
    user_id: str, sha256: str, offset: int, length: int, piece: bytes,
    may_be_paper: Callable[[], bool] = no_paper,
) -> tuple[int, bool]:  # fmt: skip
    """Add a piece that begins at `offset` of a file of `length` bytes; (bytes here, whole).

    `may_be_paper`: asked of what begins as a PDF or office document does.

    Raises WrongOffset, FileTooLarge, WrongType, TooManyParts, WrongHash (then the part is gone
    and the phone begins again).
    """
    if files.has(sha256):
        return length, True
    if length > settings().upload_limit_mb << 20 or offset + len(piece) > length:
        raise FileTooLarge(limit_mb=settings().upload_limit_mb)
    with _locked(user_id, sha256) as part:
        here = part.stat().st_size if part.is_file() else 0
        if files.has(sha256):
            return length, True
        if offset != here:
            raise WrongOffset(offset=here)
        _check_head(part, piece, here, length, may_be_paper)
        _append(part, piece)
        if here + len(piece) < length:
            return here + len(piece), False
        _finish(part, sha256)
        return length, True


def _check_head(
    part: Path, piece: bytes, here: int, length: int, may_be_paper: Callable[[], bool]
) -> None:
    """Refuse what isn't a photo or sound as soon as its first bytes are known, nor a paper asked for."""
    head = (_head(part) + piece)[:16] if here < 16 else b""
    is_known = here + len(piece) >= min(16, length)
    if here >= 16 or not is_known or file_types.photo_or_sound(head) is not None:
        return
    if not (file_types.is_paper(head) and may_be_paper()):
        part.unlink(missing_ok=True)
        raise WrongType()


def _head(part: Path) -> bytes:
    if not part.is_file():
        return b""
    with part.open("rb") as file:
        return file.read(16)


def _append(part: Path, piece: bytes) -> None:
    is_new = not part.is_file()
    with part.open("ab") as file:
        file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        files.sync_folder(part.parent)


def _finish(part: Path, sha256: str) -> None:
    """Give the file its name when its bytes are what the name says."""
    if _hash(part) != sha256:
        part.unlink()
        raise files.WrongHash(sha256=sha256)
    if file_types.is_paper(_head(part)) and file_types.of_document(part.read_bytes()) is None:
        part.unlink()
        raise WrongType()
    _name(part, sha256)


def _name(part: Path, sha256: str) -> None:
    """Give a file its name, once its bytes are on disk: who wrote the last ones may have died."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    target = files.path_of(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    part.rename(target)
    files.sync_folder(target.parent)
    files.sync_folder(target.parent.parent)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(user_id: str) -> Path:
    """One folder a person: two people's pieces of one hash never mix."""
    return settings().files_dir / "parts" / hashlib.sha256(user_id.encode()).hexdigest()[:32]


def _part(user_id: str, sha256: str) -> Path:
    return _folder(user_id) / f"{files.path_of(sha256).name}.part"


@contextmanager
def _locked(user_id: str, sha256: str) -> Iterator[Path]:
    """The part file, alone: two requests of one person take turns, across processes too."""
    part = _part(user_id, sha256)
    part.parent.mkdir(parents=True, exist_ok=True)
    with (part.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _sweep(part)
        yield part


def _sweep(part: Path) -> None:
    """Forget parts nobody came back for; refuse one more when there are too many."""
    others = [p for p in part.parent.glob("*.part") if p != part]
    old = [p for p in others if time.time() - p.stat().st_mtime > STALE_S]
    for path in old:
        path.unlink(missing_ok=True)
    if not part.is_file() and len(others) - len(old) >= PARTS_MAX:
        raise TooManyParts(limit=PARTS_MAX)
