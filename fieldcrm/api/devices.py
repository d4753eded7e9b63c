"""Phones that speak for reps: list, pair, revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson, Person
from fieldcrm.api.shapes import ID, Id, plain
from fieldcrm.people import registry
from fieldcrm.people.tables import Device
from fieldcrm.tracking import trial

router = APIRouter(prefix="/api/v1/devices", tags=["devices"])


class DeviceView(BaseModel):
    """A phone app that may send a rep's positions."""

    id: str
    rep_id: str
    kind: str
    name: str
    paired_at: datetime
    revoked_at: datetime | None
    app_version: str


class PairBody(BaseModel):
    """Whose phone, and which app: osmand (Traccar Client), owntracks, overland, gpslogger."""

    rep_id: Id
    kind: Annotated[str, Field(max_length=20)]
    name: Annotated[str, Field(max_length=80)] = ""


class PairedView(BaseModel):
    """What sets the phone up. The token is shown this once: only its hash is kept."""

    device: DeviceView
    token: str
    uri: str
    qr_svg: str


def _view(device: Device) -> dict[str, Any]:
    fields = ("id", "kind", "name", "paired_at", "revoked_at", "app_version")
    return {f: getattr(device, f) for f in fields} | {"rep_id": device.user_id}


@router.get("", summary="Devices of reps I see", response_model=list[DeviceView])
def list_devices(actor: Person, rep_id: Id | None = None) -> list[dict[str, Any]]:
    """The newest first; `rep_id` narrows to one rep."""
    return [_view(d) for d in registry.list_devices(actor, rep_id)]


@router.post("", summary="Pair a phone", status_code=201, response_model=PairedView)
def pair_device(body: PairBody, request: Request, actor: Person) -> dict[str, Any]:
    """Makes a token and the link (also as QR code) that sets the app up; a rep pairs his own."""
    device, token, uri, qr_svg = registry.pair_device(
        actor, body.rep_id, body.kind, body.name, request.url.hostname
    )
    return {"device": _view(device), "token": token, "uri": uri, "qr_svg": qr_svg}


class HeardView(BaseModel):
    """The newest fix of a device, without its place."""

    fix_at_ms: int
    server_at_ms: int
    accuracy_m: float | None
    battery_pct: float | None
    source: str


@router.get("/{device_id}/heard", summary="Self-test", response_model=HeardView | None)
def heard(device_id: Annotated[str, Path(pattern=ID)], actor: Person) -> dict[str, Any] | None:
    """What was last heard of a phone, also before its rep's first shift; null when nothing was."""
    return plain(trial.heard(actor, device_id))


@router.delete("/{device_id}", summary="Revoke a phone", response_model=DeviceView)
def revoke_device(device_id: Annotated[str, Path(pattern=ID)], actor: DeskPerson) -> dict[str, Any]:
    """Cuts it off at once; what it sent stays."""
    return _view(registry.revoke_device(actor, device_id))
