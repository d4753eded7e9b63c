"""A new client that may be there already waits in the queue at once, whoever added it."""

from __future__ import annotations

from dataclasses import asdict

from sqlmodel import Session

from fieldcrm.clients.duplicates import hints, store
from fieldcrm.clients.duplicates.records import Record
from fieldcrm.clients.duplicates.tables import Duplicate
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, ids
from fieldcrm.people.model import SYSTEM


def note_in(session: Session, client: Client) -> int:
    """Keep the pairs of a new client that nobody knows of, inside its transaction; how many.

    Also those with clients that who added it may not see: the office decides, not he.
    """
    fields = {name: getattr(client, name) for name in Record._fields if name != "id"}
    fresh = 0
    for hint in hints.alike_in(session, SYSTEM, fields, client.id):
        if store.pair_of(session, hint.client.id, client.id) is None:
            fresh += 1
            session.add(
                Duplicate(
                    id=ids.new_id(), left_id=hint.client.id, right_id=client.id,
                    probability=hint.probability, reasons=[asdict(r) for r in hint.reasons],
                    found_at=clock.now(),
                )
            )  # fmt: skip
    return fresh
