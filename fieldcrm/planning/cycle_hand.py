"""Visits of a cycle moved by hand: what it would cost before, moved, locked, taken back.

Also a rep's own proposal of such moves, which a manager approves or sends back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock, events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.planning import applying, cycle_applying, cycle_cost, cycle_store, store
from fieldcrm.planning import cycle_hand_facts as hand
from fieldcrm.planning.cycle_cost import Price
from fieldcrm.planning.cycle_drafts import Drafted, Move, draft
from fieldcrm.planning.cycle_hand_facts import Board, Facts
from fieldcrm.planning.model import MissingWord, NoProposal, NotMovable, ProposalNotReady
from fieldcrm.planning.notices import notify
from fieldcrm.planning.service import APPROVERS, PLANNERS, ProposalView, view_of
from fieldcrm.planning.tables import Proposal
from fieldcrm.visits.tables import Visit

HANDS = (*PLANNERS, Role.rep)
"""Who may ask what a move costs: a rep of his own days."""
MOST_A_DAY = 12
OTHERS_MOST = 30
"""Colleagues whose day is weighed."""


@dataclass(frozen=True)
class Picked:
    """What is held: a planned visit, or a client without one."""

    visit_id: str = ""
    client_id: str = ""


@dataclass(frozen=True)
class Offer:
    """A day that could have it."""

    rep_id: str
    rep_name: str
    price: Price
    drive_s: int
    """Way more for everybody concerned: what is saved where it stands now is taken off."""
    drive_m: int


@dataclass(frozen=True)
class Place:
    """Where a visit stands in its day's order, and why there."""

    position: int
    stops: int
    way_s: int
    """From the stop before, or from home."""
    other_s: int
    """Way more at the cheapest other place of the day; less than nothing where that is better."""


@dataclass(frozen=True)
class Offers:
    """What moving a visit would cost, day by day."""

    name: str
    client_id: str
    rep_id: str
    day: date | None
    """Where it stands; None where it isn't planned."""
    offers: list[Offer]
    """The shown rep's days."""
    others: list[Offer]
    """Colleagues' same day."""
    is_estimate: bool
    is_locked: bool = False
    place: Place | None = None
    seen: tuple[date, ...] = ()
    """Days of the client's other visits, a year around."""
    least_days: int = 1
    """Days that should lie between two of them."""
    wanted: int = 0
    """Visits of the cycle, and how many of them are made or planned."""
    reached: int = 0


def offers(
    actor: Actor, picked: Picked, rep_id: str, first: date, last: date, most: int = MOST_A_DAY
) -> Offers:
    """What a visit would cost on each of a rep's days, and its own day with each colleague.

    Nothing is changed. Raises OutOfScope, RoleForbids, NoProposal (no such visit or client).
    """
    people.require(actor, *HANDS)
    with reading() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        row = _row(session, actor, picked)
        client_id = row.client_id if row else picked.client_id
        at = (row.lat, row.lng) if row and row.lat is not None and row.lng is not None else None
        facts = hand.load(session, [rep], first, last, most, [client_id], [at])
        if client_id not in facts.cards:
            raise NoProposal()
        if row is not None:
            facts.rows[row.id] = row
        less = _saved(session, facts, row, rep, most)
        place = _place_of(facts, row, rep)
        quota = hand.quota(session, rep, client_id, first)
        gap = hand.least_days(session, rep, client_id, facts.cards[client_id], first)
        seen = hand.other_days(session, client_id, picked.visit_id, first)
        found = _own(facts, facts.boards[rep.id], picked, row, client_id)
        others = _others(session, actor, row, rep, most, at)
    told = [_offer(rep, p, less, cycle_cost.too_near(p.day, seen, gap)) for p in found]
    beside = [_offer(who, p, less, None) for who, p in others]
    return Offers(facts.cards[client_id].name, client_id, row.rep_id if row else "",
                  row.day if row else None, told, beside, facts.is_estimate,
                  bool(row and row.is_locked), place, tuple(seen), gap, *quota)  # fmt: skip


def _row(session: Session, actor: Actor, picked: Picked) -> Visit | None:
    """The visit that is held, if it is one and the actor's to see."""
    if not picked.visit_id:
        if actor.role is Role.rep:
            _check_client(session, actor, picked.client_id)
        return None
    row = store.visit(session, picked.visit_id)
    if row is None:
        raise NoProposal()
    people.scope_rep_in(session, actor, row.rep_id)
    return row


def _check_client(session: Session, actor: Actor, client_id: str) -> None:
    if client_id not in clients.clients_for_rep_in(session, actor.user_id):
        raise NoProposal()


def _saved(
    session: Session, facts: Facts, row: Visit | None, rep: User, most: int
) -> tuple[int, int]:
    """What its own day saves without it."""
    if row is None:
        return 0, 0
    board = facts.boards.get(row.rep_id)
    if board is None or row.day not in board.days:
        owner = store.reps(session, [row.rep_id])
        if not owner:
            return 0, 0
        board = hand.load(session, owner, row.day, row.day, most).boards[row.rep_id]
    return cycle_cost.saved(board.days[row.day], row.id, board.ways)


def _place_of(facts: Facts, row: Visit | None, rep: User) -> Place | None:
    """Its place in the shown rep's day."""
    board = facts.boards[rep.id]
    day = board.days.get(row.day) if row else None
    keys = [s.key for s in day.stops] if day else []
    if row is None or day is None or row.id not in keys:
        return None
    at = keys.index(row.id)
    before = day.stops[at - 1].node if at else 0
    other = cycle_cost.other_place_s(day, row.id, board.ways)
    return Place(at + 1, len(keys), board.ways.time(before, day.stops[at].node), other)


def _own(
    facts: Facts, board: Board, picked: Picked, row: Visit | None, client_id: str
) -> list[Price]:
    days = [
        d
        for d in board.days.values()
        if row is None or (board.rep.id, d.day) != (row.rep_id, row.day)
    ]
    key = picked.visit_id or client_id
    return [
        cycle_cost.price(d, facts.stand(board, key, client_id, d.day), board.ways) for d in days
    ]


def _others(
    session: Session, actor: Actor, row: Visit | None, shown: User, most: int,
    at: tuple[float, float] | None,
) -> list[tuple[User, Price]]:  # fmt: skip
    """The visit's own day with each colleague of its team."""
    if row is None or actor.role is Role.rep or shown.team_id is None:
        return []
    team = store.reps_of_team(session, row.team_id)
    reps = [r for r in team if r.id not in (row.rep_id, shown.id)][:OTHERS_MOST]
    facts = hand.load(session, reps, row.day, row.day, most, [row.client_id], [at])
    facts.rows[row.id] = row
    found: list[tuple[User, Price]] = []
    for rep in reps:
        board = facts.boards[rep.id]
        stop = facts.stand(board, row.id, row.client_id, row.day)
        found.append((rep, cycle_cost.price(board.days[row.day], stop, board.ways)))
    return found


def _offer(rep: User, price: Price, less: tuple[int, int], near: cycle_cost.Break | None) -> Offer:
    whole = replace(price, breaks=(*price.breaks, near)) if near else price
    return Offer(rep.id, rep.name, whole, price.drive_s - less[0], price.drive_m - less[1])


# ---- moving ----


def move(actor: Actor, wanted: Move, most: int = MOST_A_DAY) -> ProposalView:
    """Move a planned visit to a day and rep at its cheapest place there, or plan a client's visit.

    Who comes after is pushed on. Kept as an applied proposal, so that `service.undo` takes it
    back. Raises OutOfScope, RoleForbids, NoProposal, NotMovable.
    """
    people.require(actor, *PLANNERS)
    with transaction() as session:
        feed.take_turn(session)
        made = _drafted(session, actor, [wanted], _days_of(session, wanted), most, cycle_store.HAND)
        cycle_applying.apply_in(session, actor, made)
        made.status, made.applied_at = "applied", clock.now()
        _record(session, actor, "moved", made)
        return view_of(made)


def day_of(actor: Actor, visit_id: str) -> date:
    """The day of a visit that the actor may see; raises NoProposal, OutOfScope."""
    people.require(actor, *HANDS)
    with reading() as session:
        row = _row(session, actor, Picked(visit_id)) if visit_id else None
    if row is None:
        raise NoProposal()
    return row.day


def _days_of(session: Session, wanted: Move) -> tuple[date, date]:
    """The first and last day that a move touches."""
    row = store.visit(session, wanted.visit_id) if wanted.visit_id else None
    days = [wanted.to_day, *([row.day] if row else [])]
    return min(days), max(days)


def _drafted(
    session: Session, actor: Actor, moves: Sequence[Move], span: tuple[date, date], most: int,
    kind: str,
) -> Proposal:  # fmt: skip
    """A proposal of moves, added to the session."""
    told, reps = _draft_in(session, actor, moves, span, most)
    made = Proposal(
        id=ids.new_id(), kind=kind, team_id=reps[0].team_id or "", rep_ids=[r.id for r in reps],
        day=max(span[0], clock.local(clock.now()).date() + timedelta(days=1)),
        request={"until": span[1].isoformat(), "weeks": ((span[1] - span[0]).days + 6) // 7},
        before=told.before, after=told.after, summary=told.summary,
        requested_by=actor.user_id or None, created_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _draft_in(
    session: Session, actor: Actor, moves: Sequence[Move], span: tuple[date, date], most: int
) -> tuple[Drafted, list[User]]:
    """The moves drafted over every rep they touch; each of them must be the actor's to plan for."""
    rows = [_row(session, actor, Picked(m.visit_id, m.client_id)) for m in moves]
    whose = {m.to_rep for m in moves} | {r.rep_id for r in rows if r}
    reps = [people.scope_rep_in(session, actor, rep_id) for rep_id in sorted(whose)]
    if len({r.team_id for r in reps}) != 1:
        raise NotMovable(state="another_team")
    whom = [r.client_id if r else m.client_id for m, r in zip(moves, rows, strict=True)]
    points = [(r.lat, r.lng) for r in rows if r and r.lat is not None and r.lng is not None]
    first = max(span[0], clock.local(clock.now()).date())
    facts = hand.load(session, reps, first, span[1], most, whom, points)
    missing = [c for c in whom if c not in facts.cards]
    if missing:
        raise NoProposal()
    return draft(facts, moves), reps


def _record(session: Session, actor: Actor, what: str, made: Proposal) -> None:
    events.record(
        session, f"cycle.{what}", made.id, actor_id=actor.user_id or None, team_id=made.team_id,
        source=actor.source, data={"reps": made.rep_ids, "day": made.day.isoformat()},
    )  # fmt: skip


# ---- locks ----


def lock_day(actor: Actor, rep_id: str, day: date, locked: bool) -> int:
    """Keep every planned visit of a rep's day where it is, or let them go; returns how many."""
    people.require(actor, *PLANNERS)
    with transaction() as session:
        feed.take_turn(session)
        rep = people.scope_rep_in(session, actor, rep_id)
        rows = cycle_store.span_visits(session, [rep.id], day, day)
        changed = [v for v in rows if v.is_locked != locked]
        for row in changed:
            row.is_locked = locked
            applying.tell(session, row)
            events.record(
                session, "visit.locked" if locked else "visit.unlocked", row.id,
                actor_id=actor.user_id or None, team_id=row.team_id, source=actor.source,
            )  # fmt: skip
        return len(changed)


# ---- a rep's own proposal ----


def preview(actor: Actor, moves: Sequence[Move], first: date, last: date) -> ProposalView:
    """A rep's span as it would be with his moves; nothing is kept. Raises NotMovable, OutOfScope."""
    people.require(actor, *HANDS)
    with reading() as session:
        told, reps = _draft_in(session, actor, moves, (first, last), MOST_A_DAY)
    made = Proposal(
        id="", kind=cycle_store.KIND, team_id=reps[0].team_id or "", status="ready",
        rep_ids=[r.id for r in reps], day=max(first, clock.local(clock.now()).date()),
        request={"until": last.isoformat()}, before=told.before, after=told.after,
        summary=told.summary, requested_by=actor.user_id, created_at=clock.now(),
    )  # fmt: skip
    return view_of(made)


def propose(
    actor: Actor, moves: Sequence[Move], first: date, last: date, word: str = ""
) -> ProposalView:
    """A rep proposes moves of his own cycle; nothing moves before a manager approves it.

    What he proposed before and nobody answered yet gives way. Raises RoleForbids, OutOfScope,
    NotMovable.
    """
    people.require(actor, Role.rep)
    if not moves:
        raise NotMovable(state="nothing")
    with transaction() as session:
        feed.take_turn(session)
        for earlier in cycle_store.own_proposals(session, actor.user_id, ("ready",)):
            earlier.status = "discarded"
            session.add(earlier)
        made = _drafted(session, actor, moves, (first, last), MOST_A_DAY, cycle_store.KIND)
        made.status = "ready"
        made.request = {**made.request, "by_rep": actor.user_id, "word": word.strip()[:500]}
        _record(session, actor, "proposed", made)
        notify(session, made)
        return view_of(made)


def send_back(actor: Actor, proposal_id: str, word: str) -> ProposalView:
    """A manager gives a rep's proposal back with a word; nothing has moved.

    Raises NoProposal, ProposalNotReady, RoleForbids, MissingWord.
    """
    people.require(actor, *APPROVERS)
    if not word.strip():
        raise MissingWord()
    with transaction() as session:
        found = store.proposal(session, proposal_id, lock=True)
        if found is None or found.kind != cycle_store.KIND:
            raise NoProposal()
        for rep_id in found.rep_ids:
            people.scope_rep_in(session, actor, rep_id)
        if found.status != "ready":
            raise ProposalNotReady(status=found.status)
        found.status = "returned"
        found.summary = {**found.summary, "word": word.strip()[:500], "by": actor.user_id}
        _record(session, actor, "sent_back", found)
        notify(session, found)
        return view_of(found)


def own(actor: Actor) -> list[ProposalView]:
    """What a rep proposed himself, the newest first, with what became of it."""
    people.require(actor, Role.rep)
    with reading() as session:
        return [view_of(p) for p in cycle_store.own_proposals(session, actor.user_id)]
