"""Attachments by their SHA-256: a re-sent photo is the same photo."""

from __future__ import annotations

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

from fieldcrm.kit.errors import Invalid
from fieldcrm.kit.settings import settings

_SHA256 = re.compile(r"[0-9a-f]{64}")


class WrongHash(Invalid):
    """The bytes are not what their name promises."""

    code = "wrong_hash"


def is_hash(text: str) -> bool:
    """Whether a text is a lower-case SHA-256."""
    return _SHA256.fullmatch(text) is not None


def path_of(sha256: str) -> Path:
    """Where the file with this hash lies or would lie; refuses anything that isn't a hash."""
    if not is_hash(sha256):
        raise WrongHash(sha256=sha256[:80])
    return settings().files_dir / sha256[:2] / sha256


def has(sha256: str) -> bool:
    """Whether the whole file is stored, and its name too would outlast a power cut."""
    return path_of(sha256).is_file() and _is_kept(path_of(sha256))


@lru_cache(maxsize=20_000)
def _is_kept(path: Path) -> bool:
    """Sync the folders of a file that is there: a process that died may have named it just before."""
    sync_folder(path.parent)
    sync_folder(path.parent.parent)
    return True


def store(sha256: str, content: bytes) -> Path:
    """Keep bytes under their hash; returns when file and folder are on disk."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WrongHash(sha256=sha256)
    target = path_of(sha256)
    if has(sha256):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{sha256}.{os.getpid()}.{os.urandom(4).hex()}.part")
    write_durably(part, content)
    part.replace(target)
    sync_folder(target.parent)
    sync_folder(target.parent.parent)
    return target


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's own entries."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
