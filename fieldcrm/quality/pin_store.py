"""SQL of proposed pins, and of the visits that speak for them."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false, reportCallIssue=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from fieldcrm.clients import folding
from fieldcrm.clients.store import in_scope
from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.quality.model import PinStatus, Source
from fieldcrm.quality.pins import Sighting
from fieldcrm.quality.tables import GeocodeAnswer, PinProposal
from fieldcrm.sync.corrections import ACCEPTED, DECLINED
from fieldcrm.visits.tables import Visit

_CHUNK = 400
_PLACE = func.coalesce(Visit.place_id, Visit.client_id)
"""Where a visit took place: the workplace that was named, else the client himself."""


class Pinned(NamedTuple):
    """A check-in beside the pin of the place it was at."""

    client_id: str
    lat: float
    lng: float
    seen: Sighting


def check_ins(session: Session, since: date) -> Iterator[Pinned]:
    """Positions at which closed visits of living, placed clients began."""
    told = col(Visit.check_in)
    wanted = (
        select(
            Client.id, Client.lat, Client.lng, Visit.id, Visit.rep_id, Visit.day,
            told["lat"].as_float(), told["lng"].as_float(), told["accuracy_m"].as_float(),
            told["is_mock"].as_boolean(),
        )
        .join(Client, col(Client.id) == _PLACE)
        .where(Visit.state == "closed", Visit.day >= since, told["lat"].as_float().is_not(None),
               col(Client.lat).is_not(None), col(Client.archived_at).is_(None))
        .order_by(Client.id)
        .execution_options(yield_per=5_000)
    )  # fmt: skip
    for client_id, lat, lng, *seen, is_mock in session.execute(wanted):
        yield Pinned(client_id, lat, lng, Sighting(*seen, bool(is_mock)))


def visits(session: Session, visit_ids: Collection[str]) -> list[Visit]:
    """These visits."""
    wanted = select(Visit).where(col(Visit.id).in_(list(visit_ids)))
    return list(session.exec(wanted))


# ---- proposals ----


class PinRow(NamedTuple):
    """A proposal with its client, and who decided it."""

    pin: PinProposal
    client: Client
    decided_by: str | None


def _rows(actor: Actor) -> Any:
    return (
        select(PinProposal, Client, User.name)
        .join(Client, col(Client.id) == PinProposal.client_id)
        .outerjoin(User, col(User.id) == PinProposal.decided_by)
        .where(col(Client.archived_at).is_(None), in_scope(actor))
    )


def page(
    session: Session, actor: Actor, status: str, source: str, search: str, limit: int,
    after: str | None,
) -> list[PinRow]:  # fmt: skip
    """Proposals of clients in scope, the newest first, from after an id."""
    wanted = _rows(actor)
    if status:
        wanted = wanted.where(PinProposal.status == status)
    if source:
        wanted = wanted.where(PinProposal.source == source)
    for alternatives in folding.needles(search.replace("\x00", "")[:200]):
        said = [col(Client.search_text).contains(w, autoescape=True) for w in alternatives]
        wanted = wanted.where(or_(*said))
    if after:
        wanted = wanted.where(PinProposal.id < after)
    found = session.exec(wanted.order_by(col(PinProposal.id).desc()).limit(limit))
    return [PinRow(*row) for row in found]


def count_open(session: Session, actor: Actor) -> int:
    wanted = (
        select(func.count()).select_from(PinProposal)
        .join(Client, col(Client.id) == PinProposal.client_id)
        .where(PinProposal.status == PinStatus.open, col(Client.archived_at).is_(None), in_scope(actor))
    )  # fmt: skip
    return session.exec(wanted).one()


def one(session: Session, actor: Actor, pin_id: str) -> PinRow | None:
    """A proposal in scope."""
    found = session.exec(_rows(actor).where(PinProposal.id == pin_id)).first()
    return PinRow(*found) if found else None


def pin(session: Session, pin_id: str) -> PinProposal | None:
    """A proposal, locked until the transaction ends."""
    wanted = select(PinProposal).where(PinProposal.id == pin_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def of_clients(session: Session, client_ids: Sequence[str], source: Source) -> list[PinProposal]:
    """Every proposal ever made of these clients' pins by one source."""
    found: list[PinProposal] = []
    for n in range(0, len(client_ids), _CHUNK):
        some = client_ids[n : n + _CHUNK]
        wanted = select(PinProposal).where(
            col(PinProposal.client_id).in_(some), PinProposal.source == source
        )
        found += session.exec(wanted)
    return found


def open_ones(session: Session, source: Source) -> list[tuple[PinProposal, Client]]:
    """Open proposals of a source with their client, archived or not."""
    wanted = (
        select(PinProposal, Client).join(Client, col(Client.id) == PinProposal.client_id)
        .where(PinProposal.status == PinStatus.open, PinProposal.source == source)
    )  # fmt: skip
    return [tuple(row) for row in session.exec(wanted)]  # type: ignore[misc]


def decided_elsewhere(session: Session) -> list[tuple[PinProposal, Event]]:
    """Open proposals whose correction somebody decided among the corrections, with the word on it."""
    word = and_(
        col(Event.subject_id) == PinProposal.client_id,
        col(Event.kind).in_((ACCEPTED, DECLINED)),
        col(Event.data)["id"].as_string() == PinProposal.id,
    )
    wanted = (
        select(PinProposal, Event)
        .join(Event, word)
        .where(PinProposal.status == PinStatus.open, col(PinProposal.is_asked))
    )
    return [tuple(row) for row in session.exec(wanted)]  # type: ignore[misc]


# ---- what a geocoder is asked ----


def to_locate(session: Session, after: str, limit: int) -> list[Client]:
    """Living clients with an address and no place, none proposed and no workplace to stand at."""
    proposed = select(PinProposal.client_id).where(
        PinProposal.source == Source.geocoder,
        col(PinProposal.status).in_((PinStatus.open, PinStatus.declined)),
    )
    wanted = select(Client).where(
        col(Client.lat).is_(None), col(Client.archived_at).is_(None), Client.id > after,
        col(Client.address).is_not(None), col(Client.id).not_in(proposed),
        col(Client.id).not_in(select(Affiliation.person_id)),
    )  # fmt: skip
    return list(session.exec(wanted.order_by(col(Client.id)).limit(limit)))


def count_to_locate(session: Session) -> int:
    wanted = (
        select(func.count()).select_from(Client)
        .where(col(Client.lat).is_(None), col(Client.archived_at).is_(None),
               col(Client.address).is_not(None))
    )  # fmt: skip
    return session.exec(wanted).one()


def answer(session: Session, key: str, since: datetime) -> GeocodeAnswer | None:
    """What was answered to a question, unless that is too long ago."""
    found = session.get(GeocodeAnswer, key)
    return found if found is not None and found.at >= since else None


def remember(session: Session, key: str, told: dict[str, Any] | None, at: datetime) -> None:
    session.merge(GeocodeAnswer(question=key, answer=told, at=at))
