"""Photos that show what should be corrected on a card: kept, seen and erased like those of visits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients.store import in_scope
from fieldcrm.clients.tables import CardPhoto, Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.people.model import Actor, Role


def keep_in(session: Session, photo: CardPhoto) -> None:
    """Note a photo by its hash; the same again changes nothing."""
    if session.get(CardPhoto, photo.id) is None:
        session.add(photo)


def may_see(actor: Actor, sha256: str) -> bool:
    """Who took it, and desks that see the card."""
    wanted = select(CardPhoto.id).where(CardPhoto.sha256 == sha256)
    if actor.role is Role.rep:
        wanted = wanted.where(CardPhoto.rep_id == actor.user_id)
    else:
        wanted = wanted.join(Client, col(Client.id) == CardPhoto.client_id).where(in_scope(actor))
    with reading() as session:
        return session.exec(wanted).first() is not None


def of_corrections(session: Session, correction_ids: Iterable[str]) -> dict[str, list[CardPhoto]]:
    """Photos by correction, as they were taken."""
    found: dict[str, list[CardPhoto]] = {}
    wanted = select(CardPhoto).where(col(CardPhoto.correction_id).in_(list(correction_ids)))
    for photo in session.exec(wanted.order_by(col(CardPhoto.id))):
        found.setdefault(photo.correction_id, []).append(photo)
    return found


# ---- how long they are kept ----


def _kept(rep_id: str | None, before: date | None) -> list[Any]:
    wanted: list[Any] = [col(CardPhoto.erased_at).is_(None)]
    if rep_id is not None:
        wanted.append(CardPhoto.rep_id == rep_id)
    if before is not None:
        wanted.append(CardPhoto.asked_at < clock.day_bounds(before)[0])
    return wanted


def count_in(session: Session, rep_id: str | None, before: date | None) -> tuple[int, int]:
    """(photos, bytes) that are kept of a rep, or from before a local day."""
    wanted = select(func.count(), func.coalesce(func.sum(CardPhoto.size), 0))
    found = session.exec(wanted.where(*_kept(rep_id, before))).one()
    return int(found[0]), int(found[1])


def erase_in(session: Session, rep_id: str | None, before: date | None) -> int:
    """Mark photos as erased, with where they were taken; their bytes go with those of visits."""
    rows = list(session.exec(select(CardPhoto).where(*_kept(rep_id, before))))
    for row in rows:
        row.erased_at = clock.now()
        row.lat = row.lng = None
        session.add(row)
    return len(rows)


def erased_since(session: Session, since: Any) -> set[str]:
    return set(session.exec(select(CardPhoto.sha256).where(col(CardPhoto.erased_at) >= since)))


def needed(session: Session, hashes: Iterable[str]) -> set[str]:
    """Those of the hashes that a correction still shows."""
    some = select(CardPhoto.sha256).where(
        col(CardPhoto.sha256).in_(list(hashes)), col(CardPhoto.erased_at).is_(None)
    )
    return set(session.exec(some))
