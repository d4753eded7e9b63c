"""The file by which a phone's unsent work reaches the office without the network.

Only this install can open one: the phone seals it to the install's public key (P-256 ECDH, HKDF
with SHA-256, AES-256-GCM), so a lost file tells nobody anything and no passphrase can be forgotten.
The key pair follows from the install's own key, which is in every backup. Pure but for that key.

    magic line | phone's public point, 65 bytes | nonce, 12 bytes | sealed JSON
"""

from __future__ import annotations

import base64
from functools import cache

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldcrm.kit import secrets
from fieldcrm.sync.model import BadExport, ForeignExport
from fieldcrm.wire import sync as wire

MAGIC = b"fieldcrm-export-1\n"
POINT, NONCE = 65, 12
INFO = b"fieldcrm-export-1"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256."""


def public_key() -> str:
    """The install's point, uncompressed, as base64: what a phone seals to."""
    return base64.b64encode(_point(_private(secrets.install_key()).public_key())).decode()


@cache
def _private(install_key: bytes) -> ec.EllipticCurvePrivateKey:
    seed = _derive(install_key, b"fieldcrm phone export key", 48)
    return ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())


def _derive(secret: bytes, info: bytes, length: int = 32, salt: bytes | None = None) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    form = serialization.PublicFormat.UncompressedPoint
    return key.public_bytes(serialization.Encoding.X962, form)


def seal(content: wire.ExportContent, point: bytes, nonce: bytes) -> bytes:
    """As the phone does it, with a key pair made for this one file."""
    own = ec.generate_private_key(ec.SECP256R1())
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    head = MAGIC + _point(own.public_key())
    key = _derive(own.exchange(ec.ECDH(), theirs), INFO, salt=head[len(MAGIC) :])
    return head + nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(content), head)


def unseal(file: bytes) -> wire.ExportContent:
    """What the phone put in; raises BadExport, or ForeignExport for another install's."""
    if not file.startswith(MAGIC) or len(file) < len(MAGIC) + POINT + NONCE + 16:
        raise BadExport()
    head, rest = file[: len(MAGIC) + POINT], file[len(MAGIC) + POINT :]
    point = head[len(MAGIC) :]
    try:
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise BadExport() from error
    shared = _private(secrets.install_key()).exchange(ec.ECDH(), theirs)
    try:
        plain = AESGCM(_derive(shared, INFO, salt=point)).decrypt(rest[:NONCE], rest[NONCE:], head)
    except InvalidTag as error:
        raise ForeignExport() from error
    try:
        return msgspec.json.decode(plain, type=wire.ExportContent)
    except msgspec.MsgspecError as error:
        raise BadExport() from error
