"""Brings in a phone's exported work: what the phone would have sent itself, through the same push."""

from __future__ import annotations

import base64
import binascii

import msgspec

from fieldcrm.kit import events
from fieldcrm.kit.database import transaction
from fieldcrm.kit.errors import Refusal
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.sync import envelope, export_file, service
from fieldcrm.wire import sync as wire


def import_export(actor: Actor, file: bytes) -> wire.ExportReport:
    """Apply an export's mutations in the rep's name and keep its photos; safe to repeat.

    The phone may send the same later: it gets the answers given here. Raises BadExport,
    ForeignExport, RoleForbids, OutOfScope, UnknownDevice, DeviceTaken.
    """
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    content = export_file.unseal(file)
    rep = people.scope_rep(actor, content.rep_id)
    on_behalf = people.actor_of(rep.id, "file")
    results = _push(on_behalf, content)
    kept, spoilt = _keep_photos(on_behalf, content.photos)
    report = wire.ExportReport(
        rep_id=rep.id, rep_name=rep.name, made_at_ms=content.made_at_ms, results=results,
        applied=sum(r.status == "applied" for r in results),
        refused=sum(r.status == "refused" for r in results),
        waiting=sum(r.status == "waiting" for r in results), photos=kept, photos_refused=spoilt,
    )  # fmt: skip
    with transaction() as session:
        events.record(
            session, "sync.imported", rep.id, actor_id=actor.user_id, team_id=rep.team_id,
            source=actor.source,
            data={"device_id": content.device_id, "applied": report.applied,
                  "refused": report.refused, "waiting": report.waiting, "photos": kept},
        )  # fmt: skip
    return report


def _push(on_behalf: Actor, content: wire.ExportContent) -> list[wire.MutationResult]:
    """In batches, read as carefully as what comes over the network."""
    results: list[wire.MutationResult] = []
    for start in range(0, max(len(content.mutations), 1), wire.PUSH_MAX):
        batch = content.mutations[start : start + wire.PUSH_MAX]
        body = msgspec.json.encode({"device_id": content.device_id, "mutations": batch})
        results += service.push(on_behalf, envelope.read_push(body)).results
    return results


def _keep_photos(on_behalf: Actor, photos: list[wire.ExportPhoto]) -> tuple[int, int]:
    """(kept, refused): a spoilt one doesn't hold up the others."""
    kept = refused = 0
    for photo in photos:
        try:
            content = base64.b64decode(photo.base64, validate=True)
            service.take_piece(on_behalf, photo.sha256, 0, len(content), content)
            kept += 1
        except (Refusal, binascii.Error, ValueError):
            refused += 1
    return kept, refused
