"""Messages from the office on their way to a phone, and what its rep says of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlmodel import Session

from fieldcrm.messages import service as messages
from fieldcrm.messages.model import Answer
from fieldcrm.people.model import Actor
from fieldcrm.wire import sync as wire

if TYPE_CHECKING:
    from fieldcrm.sync.documents import Reach
    from fieldcrm.sync.handlers import Doing


def message_docs(session: Session, r: Reach, ids: Collection[str]) -> dict[str, msgspec.Struct]:
    return {held.row.id: _doc(held) for held in messages.on_phone_in(session, r.rep_id, [*ids])}


def message_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    return messages.on_phone_ids_in(session, r.rep_id, after, limit)


def _doc(held: messages.Held) -> wire.MessageDoc:
    m = held.row
    return wire.MessageDoc(
        id=m.id, kind=m.kind,  # type: ignore[arg-type]
        text=m.text, by=held.by, created_at_ms=_ms(m.created_at) or 0,
        day=m.day.isoformat() if m.day else None, due_at_ms=_ms(m.due_at), client_id=m.client_id,
        place=held.place, lat=m.lat, lng=m.lng, radius_m=m.radius_m, seen_at_ms=_ms(m.seen_at),
        accepted_at_ms=_ms(m.accepted_at), declined_at_ms=_ms(m.declined_at),
        done_at_ms=_ms(m.done_at), comment=m.comment, version=m.version,
    )  # fmt: skip


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def answer(session: Session, actor: Actor, d: Doing) -> int:
    """Seen, accepted, declined or done; what comes again changes nothing."""
    p: wire.MessageAnswerPayload = d.payload
    said = messages.answer_in(session, actor, d.subject_id, Answer(p.answer), p.comment, d.when.at)
    return said.version
