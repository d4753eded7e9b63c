"""Every SQL statement of areas; where each rep stands to them, and when he was at his visits.

The latter two are in Valkey: hash `areas`, and a hash `stays:<day>` that goes after three days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import redis
from sqlalchemy import delete, func, or_
from sqlmodel import Session, col, select

from fieldcrm.people.tables import User
from fieldcrm.tracking.areas.model import Seen, Stays
from fieldcrm.tracking.areas.tables import Area, AreaTeam
from fieldcrm.tracking.tables import Alert

SEEN = "areas"
_seen = msgspec.msgpack.Decoder(Seen)
STAYS_KEPT_S = 3 * 86_400
_stays = msgspec.msgpack.Decoder(Stays)


def area(session: Session, area_id: str) -> Area | None:
    """An area by its id."""
    return session.get(Area, area_id)


def areas(session: Session, team_ids: Collection[str] | None = None) -> list[Area]:
    """Areas that watch any of these teams (None: all areas), by name."""
    statement = select(Area).order_by(func.lower(Area.name), Area.id)
    if team_ids is not None:
        theirs = select(AreaTeam.area_id).where(col(AreaTeam.team_id).in_(list(team_ids)))
        statement = statement.where(or_(col(Area.is_for_all), col(Area.id).in_(theirs)))
    return list(session.exec(statement))


def count(session: Session) -> int:
    """How many areas the company has."""
    return int(session.exec(select(func.count()).select_from(Area)).one())


def teams_of(session: Session, area_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """The teams of each of these areas."""
    found: dict[str, set[str]] = defaultdict(set)
    statement = select(AreaTeam).where(col(AreaTeam.area_id).in_(list(area_ids)))
    for row in session.exec(statement):
        found[row.area_id].add(row.team_id)
    return {area_id: frozenset(found.get(area_id, ())) for area_id in area_ids}


def set_teams(session: Session, area_id: str, team_ids: Iterable[str]) -> None:
    """Have an area watch exactly these teams."""
    session.execute(delete(AreaTeam).where(col(AreaTeam.area_id) == area_id))
    session.add_all(AreaTeam(area_id=area_id, team_id=t) for t in sorted(team_ids))


def remove(session: Session, gone: Area) -> None:
    """Forget an area; alerts that tell of it keep its name."""
    session.execute(delete(AreaTeam).where(col(AreaTeam.area_id) == gone.id))
    session.delete(gone)


def team_of_reps(session: Session) -> dict[str, str]:
    """The team of each active rep that has one."""
    statement = select(User.id, User.team_id).where(
        User.role == "rep", col(User.is_active), col(User.team_id).is_not(None)
    )
    return {rep_id: team_id or "" for rep_id, team_id in session.exec(statement)}


def alerts_near(
    session: Session, rep_ids: Collection[str], kinds: Collection[str], since: datetime
) -> list[Alert]:
    """Alerts of these kinds about these reps that happened after a moment."""
    statement = select(Alert).where(
        col(Alert.rep_id).in_(list(rep_ids)), col(Alert.kind).in_(list(kinds)), Alert.at >= since
    )
    return list(session.exec(statement))


def open_alerts(session: Session, kinds: Collection[str]) -> list[Alert]:
    """Alerts of these kinds that nothing has resolved."""
    statement = select(Alert).where(
        col(Alert.resolved_at).is_(None), col(Alert.kind).in_(list(kinds))
    )
    return list(session.exec(statement))


# ── where reps stand ──


def seen_of(connection: redis.Redis, rep_ids: Sequence[str]) -> dict[str, Seen]:
    """How these reps stand to areas, as far as it is known."""
    if not rep_ids:
        return {}
    found: Any = connection.hmget(SEEN, list(rep_ids))
    return {r: _seen.decode(v) for r, v in zip(rep_ids, found, strict=True) if v}


def keep_seen(connection: redis.Redis, seen: Mapping[str, Seen]) -> None:
    """Remember how reps stand."""
    if seen:
        connection.hset(SEEN, mapping={r: msgspec.msgpack.encode(s) for r, s in seen.items()})


def forget_seen(connection: redis.Redis, rep_id: str) -> None:
    """Erase how a rep stands: it tells where he is."""
    connection.hdel(SEEN, rep_id)


# ── at planned visits ──


def _stays_key(day: date) -> str:
    return f"stays:{day}"


def stays_of(connection: redis.Redis, day: date, rep_ids: Sequence[str]) -> dict[str, Stays]:
    """When these reps were at their visits of a day; who was at none is missing."""
    if not rep_ids:
        return {}
    found: Any = connection.hmget(_stays_key(day), list(rep_ids))
    return {r: _stays.decode(v) for r, v in zip(rep_ids, found, strict=True) if v}


def keep_stays(connection: redis.Redis, day: date, stays: Mapping[str, Stays]) -> None:
    """Remember when reps were at their visits of a day."""
    if not stays:
        return
    pipe = connection.pipeline(transaction=True)
    pipe.hset(_stays_key(day), mapping={r: msgspec.msgpack.encode(s) for r, s in stays.items()})
    pipe.expire(_stays_key(day), STAYS_KEPT_S)
    pipe.execute()


def forget_stays(connection: redis.Redis, rep_id: str) -> None:
    """Erase when a rep was where: it is his track in short."""
    for key in connection.scan_iter(match="stays:*"):
        connection.hdel(key, rep_id)
