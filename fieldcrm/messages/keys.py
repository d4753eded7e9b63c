"""The install's own key for push services: made at the first start, the same ever after.

Phones subscribe with its public half; with another key every subscription would be void, so the
file is part of a backup.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fieldcrm.kit import secrets
from fieldcrm.kit.settings import settings
from fieldcrm.messages import webpush

FILE = "push.key"


def private_key() -> ec.EllipticCurvePrivateKey:
    """The key from `home/push.key`, made on first use, readable by its owner alone."""
    return _read(str(settings().home / FILE))


def public_key() -> str:
    """What phones subscribe with (`applicationServerKey`): a P-256 point, base64url."""
    return webpush.encode(webpush.point_of(private_key().public_key()))


@cache
def _read(path: str) -> ec.EllipticCurvePrivateKey:
    if not os.path.exists(path):
        _make(path)
    with open(path, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), path
    return key


def _make(path: str) -> None:
    pem = ec.generate_private_key(webpush.CURVE).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    secrets.write_once(Path(path), pem)
