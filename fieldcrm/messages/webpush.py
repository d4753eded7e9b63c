"""A message for one browser: encrypted so that only it can read it, signed so that its push
service knows who sends. Pure but for its random numbers.

RFC 8291 (encryption of Web Push) over RFC 8188 (aes128gcm), RFC 8292 (VAPID).
"""

from __future__ import annotations

import base64
import json
import os
import struct
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldcrm.messages.model import BadKeys

RECORD_SIZE = 4096
TOKEN_S = 12 * 3600
"""RFC 8292 §2: at most a day."""
CURVE = ec.SECP256R1()


def encode(raw: bytes) -> str:
    """base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64url with or without padding; raises BadKeys."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise BadKeys() from error


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes: 4, x, y."""
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def check_keys(p256dh: str, auth: str) -> None:
    """Raises BadKeys unless a subscription's keys are a point of the curve and 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode(p256dh))
    except ValueError as error:
        raise BadKeys() from error
    if len(decode(auth)) != 16:
        raise BadKeys()


def encrypt(
    content: bytes, p256dh: str, auth: str, own: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:  # fmt: skip
    """A body of one aes128gcm record that only this subscription's browser can read.

    `own` and `salt` are new for each message; only a test of the standard's examples names them.
    """
    own, salt = own or ec.generate_private_key(CURVE), salt or os.urandom(16)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode(p256dh))
    shared = own.exchange(ec.ECDH(), theirs)
    mine = point_of(own.public_key())
    ikm = _derive(shared, decode(auth), b"WebPush: info\0" + decode(p256dh) + mine, 32)
    key = _derive(ikm, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(ikm, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, content + b"\x02", None)
    return salt + struct.pack("!IB", RECORD_SIZE, len(mine)) + mine + sealed


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def authorisation(
    endpoint: str, key: ec.EllipticCurvePrivateKey, contact: str, now_s: float
) -> str:
    """The Authorization header by which a push service knows us (RFC 8292 §3)."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}", "exp": int(now_s) + TOKEN_S, "sub": contact,
    }  # fmt: skip
    head = {"typ": "JWT", "alg": "ES256"}
    said = ".".join(encode(json.dumps(p, separators=(",", ":")).encode()) for p in (head, claims))
    r, s = utils.decode_dss_signature(key.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    signature = encode(r.to_bytes(32) + s.to_bytes(32))
    return f"vapid t={said}.{signature}, k={encode(point_of(key.public_key()))}"
