"""Handing clients over from one rep to another: looked at first, done in one stroke, undone whole.

Territories (or named clients) change hands with the planned visits, the open promises and what the
cycle still wants. Closed visits, verdicts and what the former rep has reached stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client, Promise, Territory
from fieldcrm.handover import moving, rules, store
from fieldcrm.handover.model import (
    BRIEF_MOST,
    BadHandover,
    BriefLine,
    HandoverMoved,
    HandoverUndone,
    HandoverUnknown,
    HandoverView,
    NothingToHandOver,
    Order,
    OtherTeam,
    Preview,
    PromiseLine,
    Tell,
    quiet,
)
from fieldcrm.handover.tables import Handover
from fieldcrm.kit import clock, events, feed, i18n, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.messages import service as messages
from fieldcrm.messages.model import Draft, Kind
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.visits.tables import Visit

_BOSSES = Role.manager, Role.admin
LIST_MOST = 200


@dataclass(frozen=True)
class Estate:
    """Everything that an order touches, as it stands."""

    former: User
    owner: User
    territories: list[Territory]
    """Those that change hands whole; none for named clients."""
    clients: list[Client]
    visits: list[Visit]
    promises: list[Promise]
    targets: list[moving.Share]

    @property
    def rows(self) -> list[tuple[str, int]]:
        """Ids with versions of what is handed over."""
        versioned: list[Territory | Client | Visit] = [
            *self.territories, *self.clients, *self.visits
        ]  # fmt: skip
        plain = [(p.id, 0) for p in self.promises] + [
            (s.row.id, s.row.planned) for s in self.targets
        ]
        return [(row.id, row.version) for row in versioned] + plain


def preview(actor: Actor, order: Order) -> Preview:
    """What a handover would do; raises BadHandover, OtherTeam, NothingToHandOver, OutOfScope."""
    with reading() as session:
        return preview_in(session, actor, order)


def preview_in(session: Session, actor: Actor, order: Order) -> Preview:
    """The same inside a transaction."""
    found = _estate(session, actor, order)
    lines = sorted(_brief(session, found), key=rules.urgency)
    return Preview(
        order=order, from_name=found.former.name, to_name=found.owner.name,
        territories=tuple(t.name for t in found.territories), clients=len(found.clients),
        visits=len(found.visits), days=len({v.day for v in found.visits}),
        promises=len(found.promises), staying=store.under_way(session, order.from_rep_id),
        brief=tuple(lines[:BRIEF_MOST]), seal=rules.seal(order, found.rows),
    )  # fmt: skip


def _estate(session: Session, actor: Actor, order: Order) -> Estate:
    """What the order touches, read anew; the same for looking and for doing."""
    people.require(actor, *_BOSSES)
    rules.check(order, clock.local(clock.now()).date())
    former = people.scope_rep_in(session, actor, order.from_rep_id)
    owner = people.scope_rep_in(session, actor, order.to_rep_id)
    if not owner.is_active:
        raise BadHandover(field="to_rep_id")
    if owner.team_id is None or owner.team_id != former.team_id:
        raise OtherTeam()
    territories, moving_clients = _property(session, order)
    named = {c.id for c in moving_clients}
    is_meant = (lambda client_id: True) if order.is_whole else named.__contains__
    found = Estate(
        former, owner, territories, moving_clients,
        [v for v in store.planned_visits(session, former.id, order.first_day) if is_meant(v.client_id)],
        [p for p in store.open_promises(session, former.id) if is_meant(p.client_id)],
        [s for s in moving.shares(session, former.id, order.first_day) if is_meant(s.row.client_id)],
    )  # fmt: skip
    if not found.rows:
        raise NothingToHandOver()
    return found


def _property(session: Session, order: Order) -> tuple[list[Territory], list[Client]]:
    """(territories that change hands whole, living clients that do); named ones have to be his."""
    own = store.territories_of(session, order.from_rep_id)
    if not order.client_ids:
        meant = [t for t in own if order.is_whole or t.id in order.territory_ids]
        if not order.is_whole and len(meant) != len(order.territory_ids):
            raise BadHandover(field="territory_ids")
        return meant, store.clients_of(session, [t.id for t in meant])
    homes = {t.id for t in own}
    found = store.clients(session, order.client_ids)
    if len(found) != len(order.client_ids) or any(c.territory_id not in homes for c in found):
        raise BadHandover(field="client_ids")
    if order.into_id not in {t.id for t in store.territories_of(session, order.to_rep_id)}:
        raise BadHandover(field="into_id")
    return [], found


def _brief(session: Session, found: Estate) -> list[BriefLine]:
    """What the new owner has to know of each client that comes to him."""
    known = {c.id: c for c in found.clients}
    others = {p.client_id for p in found.promises} | {v.client_id for v in found.visits}
    known |= {c.id: c for c in store.clients(session, others - known.keys())}
    last = store.last_visits(session, known)
    places = store.workplaces(session, known)
    days = _by_client((v.client_id, v.day) for v in found.visits)
    made = _by_client((p.client_id, PromiseLine(p.text, p.due_on)) for p in found.promises)
    wanted = _by_client((s.row.client_id, s.passed) for s in found.targets if s.is_running)
    return [
        _line(
            client, places.get(client.id), made.get(client.id, []), last.get(client.id),
            min(days.get(client.id, []), default=None), sum(wanted.get(client.id, [])),
        )
        for client in known.values()
    ]  # fmt: skip


def _by_client[Fact](pairs: Iterable[tuple[str, Fact]]) -> dict[str, list[Fact]]:
    told: dict[str, list[Fact]] = {}
    for client_id, fact in pairs:
        told.setdefault(client_id, []).append(fact)
    return told


def _line(
    client: Client, place: str | None, promises: list[PromiseLine], last: Visit | None,
    next_visit: date | None, remaining: int,
) -> BriefLine:  # fmt: skip
    return BriefLine(
        client.id, client.name, client.category, place or client.address or "", tuple(promises),
        last.day if last else None, last.result if last else None, last.comment if last else None,
        next_visit, remaining,
    )  # fmt: skip


def hand_over(actor: Actor, order: Order, seal: str, progress: Tell = quiet) -> HandoverView:
    """Do what was looked at, whole or not at all; the new owner is told.

    Raises HandoverMoved when it is no longer what `seal` names, and what `preview` raises.
    """
    with transaction() as session:
        feed.take_turn(session)
        done, text = hand_over_in(session, actor, order, seal, progress)
    tell(actor, done, text)
    return done


def hand_over_in(
    session: Session, actor: Actor, order: Order, seal: str, progress: Tell = quiet
) -> tuple[HandoverView, str]:
    """The same inside a transaction that has its turn in the feed; the text is for `tell` after it."""
    found = _estate(session, actor, order)
    if rules.seal(order, found.rows) != seal:
        raise HandoverMoved()
    brief = sorted(_brief(session, found), key=rules.urgency)
    row = _note(session, actor, order, found, brief)
    row.moved = _move(session, actor, order, found, progress)
    session.add(row)
    session.flush()
    _log(session, actor, row, "clients.handed_over")
    done = _view(row, found.former.name, found.owner.name, actor.name)
    return done, _told(found, done)


def tell(actor: Actor, done: HandoverView, text: str) -> None:
    """The new owner reads on his phone what came to him."""
    messages.write(actor, Draft(Kind.task, text, frozenset({done.to_rep_id})))


def _note(
    session: Session, actor: Actor, order: Order, found: Estate, brief: list[BriefLine]
) -> Handover:
    return Handover(
        id=ids.new_id(), from_rep_id=order.from_rep_id, to_rep_id=order.to_rep_id,
        team_id=found.owner.team_id or "", first_day=order.first_day, clients=len(found.clients),
        visits=len(found.visits), promises=len(found.promises),
        brief=[moving.plain(line) for line in brief], done_by=actor.user_id or None,
        done_at=clock.now(),
    )  # fmt: skip


def _move(
    session: Session, actor: Actor, order: Order, found: Estate, progress: Tell
) -> dict[str, Any]:
    """Everything to its new owner; returns how it was."""
    named, owner = found.clients if order.client_ids else [], order.to_rep_id
    pieces = (named, found.promises, found.targets, found.visits)
    steps = moving.Steps(sum(map(len, pieces)), progress)
    clients.reassign_in(session, actor, found.territories, owner)
    return {
        "territories": [t.id for t in found.territories],
        "clients": moving.pass_clients(session, actor, named, order.into_id, steps),
        "promises": moving.pass_promises(session, found.promises, owner, steps),
        "targets": moving.pass_targets(session, found.targets, owner, steps),
        "visits": moving.pass_visits(session, actor, found.visits, owner, steps),
    }


def _told(found: Estate, done: HandoverView) -> str:
    """What the new owner reads on his phone, in his language."""
    return i18n.t(
        "handover.told", found.owner.language, name=found.former.name, clients=done.clients,
        visits=done.visits, promises=done.promises,
    )  # fmt: skip


def undo(actor: Actor, handover_id: str, progress: Tell = quiet) -> HandoverView:
    """Give back all that nobody has built on since; what stays is counted.

    Raises HandoverUnknown, HandoverUndone.
    """
    people.require(actor, *_BOSSES)
    with transaction() as session:
        feed.take_turn(session)
        return undo_in(session, actor, handover_id, progress)


def undo_in(
    session: Session, actor: Actor, handover_id: str, progress: Tell = quiet
) -> HandoverView:
    """The same inside a transaction that has its turn in the feed."""
    people.require(actor, *_BOSSES)
    row = _row(session, actor, handover_id)
    if row.undone_at is not None:
        raise HandoverUndone()
    row.stayed = _give_back(session, actor, row, progress)
    row.undone_at, row.undone_by = clock.now(), actor.user_id or None
    session.add(row)
    _log(session, actor, row, "clients.handover_undone")
    session.flush()
    return _view(*store.named(session, handover_id))


def _give_back(session: Session, actor: Actor, row: Handover, progress: Tell) -> int:
    """Move back; returns how many pieces stay, since they changed hands or state again."""
    former, owner, moved = row.from_rep_id, row.to_rep_id, row.moved
    pieces = (moved["clients"], moved["promises"], moved["targets"], moved["visits"])
    steps = moving.Steps(sum(map(len, pieces)), progress)
    own = {t.id: t for t in store.territories_of(session, owner)}
    whole = [own[i] for i in moved["territories"] if i in own]
    clients.reassign_in(session, actor, whole, former)
    stayed = len(moved["territories"]) - len(whole)
    stayed += moving.return_clients(session, actor, moved["clients"], set(own), steps)
    stayed += moving.return_promises(session, moved["promises"], owner, former, steps)
    stayed += moving.return_targets(session, moved["targets"], former, steps)
    return stayed + moving.return_visits(session, actor, moved["visits"], owner, former, steps)


def list_handovers(actor: Actor) -> list[HandoverView]:
    """Handovers of the actor's teams, the newest first."""
    people.require(actor, *_BOSSES)
    with reading() as session:
        found = store.handovers(session, people.visible_team_ids(actor), LIST_MOST)
        return [_view(*each) for each in found]


def brief_of(actor: Actor, handover_id: str) -> tuple[HandoverView, list[BriefLine]]:
    """What the new owner got, as it stood then; he may read it himself. Raises HandoverUnknown."""
    with reading() as session:
        row = _row(session, actor, handover_id)
        return _view(*store.named(session, handover_id)), [moving.line(each) for each in row.brief]


def _row(session: Session, actor: Actor, handover_id: str) -> Handover:
    row = store.handover(session, handover_id)
    teams = people.visible_team_ids(actor)
    is_boss = actor.role in _BOSSES and (
        teams is None or (row is not None and row.team_id in teams)
    )
    if row is None or not (is_boss or actor.user_id == row.to_rep_id):
        raise HandoverUnknown()
    return row


def _view(row: Handover, former: str, owner: str, by: str | None) -> HandoverView:
    return HandoverView(
        row.id, row.from_rep_id, former, row.to_rep_id, owner, by, row.done_at, row.first_day,
        row.clients, row.visits, row.promises, row.undone_at, row.stayed,
    )  # fmt: skip


def _log(session: Session, actor: Actor, row: Handover, kind: str) -> None:
    events.record(
        session, kind, row.id, actor_id=actor.user_id or None, team_id=row.team_id,
        source=actor.source,
        data={"from": row.from_rep_id, "to": row.to_rep_id, "clients": row.clients,
              "visits": row.visits, "promises": row.promises, "stayed": row.stayed},
    )  # fmt: skip
