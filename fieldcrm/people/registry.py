"""The phones and trackers that speak for reps: paired, registered, revoked, known by their token."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlmodel import Session

from fieldcrm.kit import clock, events, ids, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.people import notices, pairing, service, store
from fieldcrm.people.model import (
    Actor,
    BadField,
    DeviceIdentity,
    DeviceKind,
    DeviceTaken,
    OutOfScope,
    Role,
    UnknownDevice,
)
from fieldcrm.people.tables import Device, User

_HOST = re.compile(r"[0-9A-Za-z.:-]{1,253}")


def pair_device(
    actor: Actor, rep_id: str, kind: DeviceKind | str, name: str = "", host: str | None = None
) -> tuple[Device, str, str, str]:
    """A new device of a rep: (device, token, setup uri, QR as SVG); the token is shown only now.

    `host` is the name under which the caller reached us: a phone will reach us under it too.
    """
    chosen = _kind(kind)
    token = secrets.new_token()
    with transaction() as session:
        rep = service.scope_rep_in(session, actor, rep_id)
        device = Device(
            id=ids.new_id(), user_id=rep.id, kind=chosen.value, name=_device_name(name),
            token_hash=secrets.token_hash(token), paired_at=clock.now(),
        )  # fmt: skip
        session.add(device)
        _record_device(session, actor, "device.paired", device, rep)
    web, gateway = reached_at(host)
    uri = pairing.setup_uri(chosen, gateway, web, device.id, token)
    return device, token, uri, pairing.qr_svg(uri)


def reached_at(host: str | None) -> tuple[str, str]:
    """(web, gateway) as origins: the set addresses, else this machine's ports of the host asked."""
    s = settings()
    if not host or s.public_url or not _HOST.fullmatch(host):
        return s.web_address, s.gateway_address
    shown = f"[{host}]" if ":" in host else host
    gateway = s.gateway_url or f"{s.scheme}://{shown}:{s.gateway_port}"
    return f"{s.scheme}://{shown}:{s.port}", gateway.rstrip("/")


def _kind(kind: DeviceKind | str) -> DeviceKind:
    try:
        chosen = DeviceKind(kind)
    except ValueError as error:
        raise BadField(field="kind") from error
    if chosen is DeviceKind.pwa:  # the phone app registers itself after its rep signed in
        raise BadField(field="kind")
    return chosen


def _device_name(name: str) -> str:
    return " ".join(name.replace("\x00", "").split())[:80]


def _record_device(session: Session, actor: Actor, kind: str, device: Device, rep: User) -> None:
    events.record(
        session, kind, device.id, actor_id=actor.user_id or None, team_id=rep.team_id,
        source=actor.source, data={"rep_id": rep.id, "kind": device.kind},
    )  # fmt: skip


def list_devices(actor: Actor, rep_id: str | None = None) -> list[Device]:
    """Devices of a rep, or of all reps the actor sees, the newest first."""
    rep_ids = (
        [service.scope_rep(actor, rep_id).id]
        if rep_id
        else [u.id for u in service.visible_reps(actor, True)]
    )
    with reading() as session:
        return store.devices(session, rep_ids)


def revoke_device(actor: Actor, device_id: str) -> Device:
    """Cut a device off, at once: gateways hear of it. Raises OutOfScope."""
    with transaction() as session:
        device = store.device(session, device_id)
        if device is None:
            raise OutOfScope()
        rep = service.scope_rep_in(session, actor, device.user_id)
        if device.revoked_at is None:
            device.revoked_at = clock.now()
            _record_device(session, actor, "device.revoked", device, rep)
    notices.tell_gateways([{"t": "revoked", "device_id": device_id}])
    return device


def device_by_token(token: str | None) -> DeviceIdentity:
    """Whom a device's token speaks for; raises UnknownDevice."""
    found = devices_by_tokens([token or ""])
    if not found:
        raise UnknownDevice()
    return found[token or ""]


def devices_by_tokens(tokens: Collection[str]) -> dict[str, DeviceIdentity]:
    """Whom each of several tokens speaks for; one that nobody knows is missing."""
    hashed = {secrets.token_hash(t): t for t in tokens if 0 < len(t) <= secrets.TOKEN_MAX}
    with reading() as session:
        found = store.devices_by_hashes(session, hashed)
    return {
        hashed[token_hash]: DeviceIdentity(device_id, rep_id, team_id, DeviceKind(kind))
        for token_hash, device_id, kind, rep_id, team_id in found
    }


def register_device(actor: Actor, device_id: str, name: str, app_version: str) -> Device:
    """Note the phone app that a signed-in rep uses; safe to repeat, a newer name and version count.

    Raises DeviceTaken when the id is somebody else's, UnknownDevice when it was revoked.
    """
    service.require(actor, Role.rep)
    if not ids.is_id(device_id):
        raise BadField(field="device_id")
    with transaction() as session:
        rep = service.user_in(session, actor.user_id)
        device = store.device(session, device_id)
        if device is None:
            # no token of its own (its rep's session speaks), yet the column wants a unique hash
            device = Device(
                id=device_id, user_id=rep.id, kind=DeviceKind.pwa.value, name=_device_name(name),
                token_hash=secrets.token_hash(secrets.new_token()), paired_at=clock.now(),
            )  # fmt: skip
            session.add(device)
            _record_device(session, actor, "device.registered", device, rep)
        _check_own(device, actor)
        device.name, device.app_version = _device_name(name) or device.name, app_version[:40]
        return device


def own_device_in(session: Session, actor: Actor, device_id: str) -> Device:
    """The actor's own living device, inside a transaction; raises UnknownDevice or DeviceTaken."""
    device = store.device(session, device_id)
    if device is None:
        raise UnknownDevice()
    _check_own(device, actor)
    return device


def _check_own(device: Device, actor: Actor) -> None:
    if device.user_id != actor.user_id:
        raise DeviceTaken()
    if device.revoked_at is not None:
        raise UnknownDevice()
