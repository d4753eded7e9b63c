"""The pieces of a handover: passed on, and given back where nobody has built on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client, Promise
from fieldcrm.handover import rules, store
from fieldcrm.handover.model import BriefLine, PromiseLine, Tell
from fieldcrm.kit import clock, ids
from fieldcrm.people.model import Actor
from fieldcrm.planning.tables import CycleTarget
from fieldcrm.visits import service as visits
from fieldcrm.visits import store as visit_store
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit


class Steps:
    """Counts the pieces of a handover as they go, and tells how far it is."""

    def __init__(self, whole: int, tell: Tell) -> None:
        self._whole, self._tell, self._done = max(whole, 1), tell, 0

    def each[Piece](self, pieces: Iterable[Piece]) -> Iterable[Piece]:
        """The pieces one by one, each told when it is done."""
        for piece in pieces:
            yield piece
            self._done += 1
            self._tell(min(self._done / self._whole, 1.0))


# ---- what a cycle still wants ----


@dataclass(frozen=True)
class Share:
    """A target and the part of it that is still to be reached."""

    row: CycleTarget
    passed: int
    is_running: bool
    """Whether its cycle holds the first day of the handover."""


def shares(session: Session, rep_id: str, day: date) -> list[Share]:
    """The rep's targets of this and later cycles of which something is left."""
    found: list[Share] = []
    done: dict[str, dict[str, int]] = {}
    for target, cycle in store.targets(session, rep_id, day):
        if cycle.id not in done:
            done[cycle.id] = store.held(session, rep_id, cycle.starts_on, cycle.ends_on)
        reached = done[cycle.id].get(target.client_id, 0)
        _, passed = rules.shared_target(target.planned, reached)
        if passed:
            found.append(Share(target, passed, cycle.starts_on <= day))
    return found


def pass_targets(session: Session, found: list[Share], owner: str, steps: Steps) -> list[list[Any]]:
    """Lessen the former's targets and raise the new owner's; returns them as they were."""
    was: list[list[Any]] = []
    for share in steps.each(found):
        row = share.row
        theirs = store.target_of(session, row.cycle_id, owner, row.client_id)
        if theirs is None:
            theirs = CycleTarget(
                id=ids.new_id(), cycle_id=row.cycle_id, rep_id=owner, client_id=row.client_id,
                category=row.category, planned=0,
            )  # fmt: skip
        was.append([row.id, row.planned, theirs.id, share.passed])
        row.planned -= share.passed
        theirs.planned += share.passed
        session.add_all([row, theirs])
    return was


def return_targets(session: Session, was: list[list[Any]], former: str, steps: Steps) -> int:
    """Give back what the new owner has not reached himself; returns how many targets stay parted."""
    stayed = 0
    for row_id, planned, theirs_id, passed in steps.each(was):
        row, theirs = store.target(session, row_id), store.target(session, theirs_id)
        if row is None or theirs is None or row.rep_id != former or theirs.planned < passed:
            stayed += 1
            continue
        row.planned = min(row.planned + passed, planned)
        theirs.planned -= passed
        session.add(row)
        if theirs.planned:
            session.add(theirs)
        else:
            session.delete(theirs)
    return stayed


# ---- promises ----


def pass_promises(session: Session, found: list[Promise], owner: str, steps: Steps) -> list[str]:
    """Open promises are the new owner's to keep."""
    for promise in steps.each(found):
        promise.rep_id = owner
        session.add(promise)
        clients.tell_holders_in(session, promise.client_id, (owner,))
    return [promise.id for promise in found]


def return_promises(
    session: Session, promise_ids: list[str], owner: str, former: str, steps: Steps
) -> int:
    """Back to who made them, unless they were kept meanwhile; returns how many stay."""
    open_ones = [
        p for p in store.promises(session, promise_ids) if p.rep_id == owner and p.done_at is None
    ]
    pass_promises(session, open_ones, former, steps)
    return len(promise_ids) - len(open_ones)


# ---- planned visits ----


def pass_visits(
    session: Session, actor: Actor, found: Collection[Visit], owner: str, steps: Steps
) -> dict[str, int]:
    """Behind the new owner's own stops of each day; returns their positions before."""
    was = {visit.id: visit.position for visit in found}
    last: dict[date, int] = {}
    for visit in steps.each(found):
        if visit.day not in last:
            last[visit.day] = visit_store.last_position(session, owner, visit.day)
        last[visit.day] += 1
        _assign(session, actor, visit.id, owner, last[visit.day])
    return was


def return_visits(
    session: Session, actor: Actor, was: dict[str, int], owner: str, former: str, steps: Steps
) -> int:
    """Those still planned and his go back to their place in the day; returns how many stay."""
    back = [
        v for v in store.visits(session, was) if v.rep_id == owner and v.state == "planned"
    ]  # fmt: skip
    for visit in steps.each(back):
        _assign(session, actor, visit.id, former, was[visit.id])
    return len(was) - len(back)


def _assign(session: Session, actor: Actor, visit_id: str, rep_id: str, position: int) -> None:
    request = MoveRequest(visit_id, "assign", at=clock.now(), rep_id=rep_id, order=position)
    visits.apply_move(session, actor, request)


# ---- named clients ----


def pass_clients(
    session: Session, actor: Actor, found: Iterable[Client], into_id: str | None, steps: Steps
) -> dict[str, str | None]:
    """Named clients into a territory of the new owner; returns where they were at home."""
    was: dict[str, str | None] = {}
    for client in steps.each(found):
        was[client.id] = client.territory_id
        clients.change_in(session, actor, client, {"territory_id": into_id})
    return was


def return_clients(
    session: Session, actor: Actor, homes: dict[str, str], own: Collection[str], steps: Steps
) -> int:
    """Clients that are still in one of the new owner's territories go home; returns how many stay."""
    back = [c for c in store.clients(session, homes) if c.territory_id in own]
    for client in steps.each(back):
        clients.change_in(session, actor, client, {"territory_id": homes[client.id]})
    return len(homes) - len(back)


# ---- the brief as it is kept ----


def plain(line: BriefLine) -> dict[str, Any]:
    """A line as JSON."""
    told = asdict(line)
    told["promises"] = [[p.text, _iso(p.due_on)] for p in line.promises]
    return told | {k: _iso(told[k]) for k in ("last_visit", "next_visit")}


def line(told: dict[str, Any]) -> BriefLine:
    """The same back."""
    promises = tuple(PromiseLine(text, _day(due)) for text, due in told["promises"])
    days = {k: _day(told[k]) for k in ("last_visit", "next_visit")}
    return BriefLine(**{**told, **days, "promises": promises})


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
