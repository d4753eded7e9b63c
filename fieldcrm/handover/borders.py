"""Borders that a what-if proposes, taken over: whose cell a client lies in, his he becomes.

Each pair of reps is a handover as any other, with visits, promises and what the cycle still wants; all
of them are looked at, done and undone as one. Decision 0046.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import batched, groupby

import h3.api.basic_int as h3
from sqlmodel import Session

from fieldcrm.clients.tables import Client, Territory
from fieldcrm.handover import service, store
from fieldcrm.handover.model import (
    CLIENTS_MOST,
    BordersNotTaken,
    BordersPreview,
    BordersTaken,
    BordersUnfit,
    HandoverMoved,
    Moving,
    Order,
    Preview,
)
from fieldcrm.kit import clock, events, feed
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.planning import whatif
from fieldcrm.planning.whatif import Drawn

_BOSSES = Role.manager, Role.admin
LINES_MOST = 500
"""Clients that a preview names."""


def preview(actor: Actor, scenario_id: str, first_day: date) -> BordersPreview:
    """Which clients would change territory and owner.

    Raises BordersUnfit where the borders can't be had with the team as it is, NoScenario,
    ScenarioNotReady, RoleForbids and what a handover raises.
    """
    people.require(actor, *_BOSSES)
    with reading() as session:
        return _looked_at(session, actor, scenario_id, first_day)[0]


def take_over(actor: Actor, scenario_id: str, first_day: date, seal: str) -> BordersTaken:
    """Do what was looked at, whole or not at all; raises HandoverMoved and what `preview` raises."""
    people.require(actor, *_BOSSES)
    with transaction() as session:
        feed.take_turn(session)
        seen, each = _looked_at(session, actor, scenario_id, first_day)
        if not seen.seal or seen.seal != seal:
            raise HandoverMoved()
        done = [service.hand_over_in(session, actor, p.order, p.seal) for p in each]
        taken = BordersTaken(seen.clients, tuple(view.id for view, _ in done), clock.now(), False)
        _keep(session, actor, scenario_id, taken, "territory.redrawn")
    for view, text in done:
        service.tell(actor, view, text)
    return taken


def undo(actor: Actor, scenario_id: str) -> int:
    """Give everything back that nobody has built on since; how many pieces stay. Raises BordersNotTaken."""
    people.require(actor, *_BOSSES)
    with transaction() as session:
        feed.take_turn(session)
        taken = _taken(whatif.borders_in(session, actor, scenario_id))
        if taken is None or taken.is_undone:
            raise BordersNotTaken()
        rows = [store.handover(session, handover_id) for handover_id in reversed(taken.handovers)]
        own = [row.id for row in rows if row is not None and row.undone_at is None]
        stayed = sum(service.undo_in(session, actor, handover_id).stayed for handover_id in own)
        back = BordersTaken(taken.clients, taken.handovers, taken.at, True)
        _keep(session, actor, scenario_id, back, "territory.redrawing_undone")
        return stayed


def taken(actor: Actor, scenario_id: str) -> BordersTaken | None:
    """What came of taking a scenario's borders over; None before."""
    people.require(actor, *_BOSSES)
    with reading() as session:
        return _taken(whatif.borders_in(session, actor, scenario_id))


def _looked_at(
    session: Session, actor: Actor, scenario_id: str, first_day: date
) -> tuple[BordersPreview, list[Preview]]:
    drawn = whatif.borders_in(session, actor, scenario_id)
    before = _taken(drawn)
    if before is not None and not before.is_undone:
        raise BordersUnfit(why="taken")
    reps = _reps(session, actor, drawn)
    homes = {t.id: t for rep_id in reps for t in store.territories_of(session, rep_id)}
    moving = _moving(session, drawn, homes, reps)
    each = [service.preview_in(session, actor, order) for order in _orders(moving, first_day)]
    seal = hashlib.sha256("\n".join(p.seal for p in each).encode()).hexdigest()[:24] if each else ""
    lines = sorted(moving, key=lambda m: (m.from_rep, m.to_rep, m.name.casefold(), m.client_id))
    return BordersPreview(
        len(moving), sum(p.visits for p in each), sum(p.promises for p in each),
        Counter((m.from_rep, m.to_rep) for m in moving), tuple(lines[:LINES_MOST]), seal,
    ), each  # fmt: skip


def _reps(session: Session, actor: Actor, drawn: Drawn) -> dict[str, User]:
    """Whose cells there are and whose clients may leave them; all of them the actor's, here and at work."""
    wanted = set(drawn.cells.values())
    team = {r.id: r for r in people.visible_reps(actor) if r.team_id == drawn.team_id}
    if not wanted <= team.keys():
        raise BordersUnfit(why="reps")
    for rep_id in team:
        people.scope_rep_in(session, actor, rep_id)
    return team


def _moving(
    session: Session, drawn: Drawn, homes: Mapping[str, Territory], reps: Mapping[str, User]
) -> list[Moving]:
    """Clients that lie in another rep's cell; those without a position or a cell stay."""
    placed = [
        (client, owner)
        for client in store.clients_of(session, homes)
        if (owner := _owner(client, drawn)) is not None
    ]
    into = _into(placed, homes)
    found: list[Moving] = []
    for client, owner in placed:
        home = homes[client.territory_id or ""]
        if home.rep_id == owner:
            continue
        if owner not in into:
            raise BordersUnfit(why="no_territory", name=reps[owner].name)
        found.append(_told(client, home, into[owner], reps))
    return found


def _owner(client: Client, drawn: Drawn) -> str | None:
    if client.lat is None or client.lng is None:
        return None
    return drawn.cells.get(f"{h3.latlng_to_cell(client.lat, client.lng, drawn.resolution):x}")


def _into(
    placed: Iterable[tuple[Client, str]], homes: Mapping[str, Territory]
) -> dict[str, Territory]:
    """Each rep's territory that has most of the clients in his cells; else his first by name."""
    kept = Counter(
        c.territory_id for c, owner in placed if homes[c.territory_id or ""].rep_id == owner
    )
    found: dict[str, Territory] = {}
    for territory in sorted(homes.values(), key=lambda t: (-kept[t.id], t.name, t.id)):
        found.setdefault(territory.rep_id or "", territory)
    return found


def _told(client: Client, home: Territory, into: Territory, reps: Mapping[str, User]) -> Moving:
    former, owner = home.rep_id or "", into.rep_id or ""
    return Moving(
        client.id, client.name, client.category, home.name, into.id, into.name, former, owner,
        reps[former].name, reps[owner].name,
    )  # fmt: skip


def _orders(moving: Iterable[Moving], first_day: date) -> list[Order]:
    """Handovers of at most so many clients each."""
    by_pair = sorted(moving, key=lambda m: (m.from_rep_id, m.to_rep_id, m.client_id))
    return [
        Order(pair[0], pair[1], first_day, client_ids=frozenset(m.client_id for m in piece),
              into_id=piece[0].into_id)
        for pair, whole in groupby(by_pair, key=lambda m: (m.from_rep_id, m.to_rep_id))
        for piece in batched(whole, CLIENTS_MOST)
    ]  # fmt: skip


def _taken(drawn: Drawn) -> BordersTaken | None:
    told = drawn.taken_over
    if not told:
        return None
    at = datetime.fromisoformat(told["at"])
    return BordersTaken(told["clients"], tuple(told["handovers"]), at, told["is_undone"])


def _keep(session: Session, actor: Actor, scenario_id: str, taken: BordersTaken, kind: str) -> None:
    told = {"clients": taken.clients, "handovers": list(taken.handovers),
            "at": taken.at.isoformat(), "is_undone": taken.is_undone}  # fmt: skip
    whatif.note_taken_over_in(session, scenario_id, told)
    drawn = whatif.borders_in(session, actor, scenario_id)
    events.record(
        session, kind, drawn.question_id, actor_id=actor.user_id or None, team_id=drawn.team_id,
        source=actor.source,
        data={"scenario": drawn.number, "clients": taken.clients, "handovers": len(taken.handovers)},
    )  # fmt: skip
