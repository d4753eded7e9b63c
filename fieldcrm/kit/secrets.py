"""Tokens: made random, kept as hashes, and the install's own key."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from fieldcrm.kit.settings import settings

TOKEN_MAX = 128
"""Longer is no token of ours, and isn't hashed to find out."""


def new_token() -> str:
    """A random token of 256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token (SHA-256 hex; the token itself is random, so no salt is needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


def install_key() -> bytes:
    """The install's 32-byte key from `home/secret.key`, made on first use, readable by its owner."""
    path = settings().home / "secret.key"
    with suppress(FileNotFoundError):
        return path.read_bytes()
    write_once(path, secrets.token_bytes(32))
    return path.read_bytes()


def write_once(path: Path, content: bytes) -> None:
    """Keep a secret for its owner's eyes, whole or not at all; of two who write at once the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
