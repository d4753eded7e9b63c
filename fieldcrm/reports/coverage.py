"""Coverage within what the actor may see: cells of a period, and the days behind a cell.

Tracks are their reps' present team's, as everywhere else where a track is shown.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import h3.api.basic_int as h3
import numpy as np

from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.kit.errors import Invalid
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.reports import coverage_fill as filling
from fieldcrm.reports import coverage_rules as rules
from fieldcrm.reports import coverage_store as store
from fieldcrm.reports.coverage_rules import Grid

MEASURES = ("presence", "visits", "confirmed", "silence", "out_of_stock")
OF_VISITS = ("visits", "confirmed", "out_of_stock")
"""Measures that a client's category narrows."""
LONGEST = timedelta(days=1100)
KEPT_S, KEPT = 120.0, 8
"""A period counted so lately is not added up again while its map is moved about."""
ADDED_BYTES = 64 << 20
"""So much is read before it is added up."""
PAGE = 40
_AROUND = 4
"""A cell without an address is named by one at most so many cells away."""

_NUMBER = re.compile(r"\s+\d+\s*\w?(\s*[-–/]\s*\d*\s*\w?)*$")

Tell = Callable[[float], None]
"""Hears how much is done, 0 to 1; may raise to stop it."""


class BadPeriod(Invalid):
    """A period that ends before it begins, or is too long."""

    code = "bad_period"


class BadCell(Invalid):
    """No cell of a resolution that is shown."""

    code = "bad_cell"


@dataclass(frozen=True)
class Asked:
    """A period of local days, inclusive, and what narrows it; empty is no limit."""

    first: date
    last: date
    team_id: str = ""
    rep_id: str = ""
    category: str = ""


class Shown(NamedTuple):
    """Cells of a map's window: (cell, value, rim as [lat, lng, ...]), shades' beginnings."""

    resolution: int
    steps: list[float]
    cells: list[tuple[str, float, list[float]]]


@dataclass(frozen=True)
class Behind:
    """A rep's day within a cell; `at_ms` is when to look in its replay."""

    rep_id: str
    rep_name: str
    day: date
    presence_s: int
    silence_s: int
    done: int
    confirmed: int
    checks: int
    absent: int
    at_ms: int = 0
    visit_id: str = ""


_kept: OrderedDict[Any, tuple[float, Grid]] = OrderedDict()
_names: OrderedDict[Any, tuple[float, dict[int, str]]] = OrderedDict()
_lock = threading.Lock()


def reps_of(actor: Actor, asked: Asked) -> list[User]:
    """Reps whose coverage the actor may see, narrowed as asked; also those who left."""
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    return [
        rep
        for rep in people.visible_reps(actor, True)
        if asked.team_id in ("", rep.team_id) and asked.rep_id in ("", rep.id)
    ]


def grid(actor: Actor, asked: Asked, tell: Tell | None = None, anew: bool = False) -> Grid:
    """Everything of a period by cell at the finest resolution; raises BadPeriod.

    `anew` adds up what may have changed since; `tell` hears of progress month by month.
    """
    rep_ids = tuple(rep.id for rep in reps_of(actor, asked))
    if not asked.first <= asked.last <= asked.first + LONGEST:
        raise BadPeriod(field="last")
    key = (rep_ids, asked)
    found = None if anew else _lately(_kept, key)
    return found if found is not None else _keep(_kept, key, _added(rep_ids, asked, tell))


def _added(rep_ids: Sequence[str], asked: Asked, tell: Tell | None) -> Grid:
    """The period's sums, read month by month, added up by as much as fits into memory well."""
    blocks = rules.blocks(asked.first, asked.last)
    parts: list[Grid] = []
    tracks: list[bytes] = []
    visits: list[bytes] = []
    for n, block in enumerate(blocks):
        if tell is not None:
            tell(n / len(blocks))
        with reading() as session:
            for track, made in store.packed(session, rep_ids, block):
                tracks.append(track)
                visits.append(made)
        if block is blocks[-1] or sum(map(len, tracks)) > ADDED_BYTES:
            parts.append(rules.grid_of(tracks, visits, asked.category))
            tracks, visits = [], []
    return rules.added(parts)


def _lately(kept: OrderedDict[Any, tuple[float, Any]], key: Any) -> Any:
    with _lock:
        at, found = kept.get(key, (0.0, None))
        return found if time.monotonic() - at < KEPT_S else None


def _keep(kept: OrderedDict[Any, tuple[float, Any]], key: Any, made: Any) -> Any:
    with _lock:
        kept[key] = (time.monotonic(), made)
        kept.move_to_end(key)
        while len(kept) > KEPT:
            kept.popitem(last=False)
    return made


def values(found: Grid, measure: str) -> Any:
    """A measure of each cell: minutes, visits, or the share of checks without stock in percent."""
    if measure == "presence":
        return found.presence_s / 60
    if measure == "silence":
        return found.silence_s / 60
    if measure == "out_of_stock":
        return 100 * found.absent / np.maximum(found.checks, 1)
    return (found.confirmed if measure == "confirmed" else found.done).astype(float)


def shown(
    actor: Actor, asked: Asked, measure: str, bbox: tuple[float, float, float, float], zoom: float
) -> Shown:
    """The cells of a window (south, west, north, east) as fine as its zoom bears.

    Shades begin where they do for the whole period, so that moving the map changes none.
    """
    resolution = rules.resolution_for(zoom)
    whole = rules.at_resolution(grid(actor, asked), resolution)
    found = values(whole, measure)
    is_there = (whole.cell != rules.NOWHERE) & (
        whole.checks > 0 if measure == "out_of_stock" else found > 0
    )
    cells, own = whole.cell[is_there], found[is_there]
    seen = rules.within(cells, resolution, bbox)
    return Shown(resolution, rules.steps(own), [_drawn(int(cells[n]), float(own[n])) for n in seen])


def _drawn(cell: int, value: float) -> tuple[str, float, list[float]]:
    return h3.int_to_str(cell), round(value, 1), _flat(h3.cell_to_boundary(cell))


def _flat(rim: Iterable[tuple[float, float]]) -> list[float]:
    return [round(value, 5) for point in rim for value in point]


def counted(actor: Actor, asked: Asked) -> tuple[datetime | None, float]:
    """Until when what is asked was counted, and how much of the first count is done (0 to 1)."""
    rep_ids = [rep.id for rep in reps_of(actor, asked)]
    with reading() as session:
        return store.counted_until(session, rep_ids), filling.share_done(session)


# ---- what a cell is called ----


def names(actor: Actor, cells: Iterable[int], resolution: int) -> dict[int, str]:
    """Streets of the clients in each cell, else one nearby; empty where there is none."""
    teams = people.visible_team_ids(actor)
    known = _lately(_names, teams)
    if known is None:
        with reading() as session:
            rows = store.addresses(session, teams)
        known = _keep(
            _names, teams, [(h3.latlng_to_cell(r[0], r[1], rules.FINE), _street(r)) for r in rows]
        )
    streets: dict[int, Counter[str]] = {}
    for cell, street in known:
        if street:
            streets.setdefault(h3.cell_to_parent(cell, resolution), Counter())[street] += 1
    return {cell: _name(cell, streets) for cell in cells if cell != rules.NOWHERE}


def _street(row: Any) -> str:
    """An address without its number, or the town."""
    street = _NUMBER.sub("", (row[2] or "").split(",")[0]).strip()
    return street or row[3] or ""


def _name(cell: int, streets: dict[int, Counter[str]]) -> str:
    for distance in range(_AROUND + 1):
        ring = [streets[c] for c in h3.grid_ring(cell, distance) if c in streets]
        if ring:
            most = [name for name, _ in sum(ring, Counter()).most_common(1 if distance else 2)]
            return ("~ " if distance else "") + ", ".join(most)
    return ""


# ---- the days behind a cell ----


def behind(
    actor: Actor, asked: Asked, cell: str, measure: str, after: int = 0, limit: int = PAGE
) -> tuple[list[Behind], int]:
    """Reps' days that make a cell's value, the greatest first, and how many there are in all."""
    wanted, reps = _cell(cell), {rep.id: rep.name for rep in reps_of(actor, asked)}
    rows = [
        row
        for block in rules.blocks(asked.first, asked.last)
        for row in _days_behind(sorted(reps), block, wanted, asked.category)
    ]
    rows = [row for row in rows if _weight(row, measure)]
    rows.sort(key=lambda row: (-_weight(row, measure), row[1], reps[row[0]]))
    page = [Behind(row[0], reps[row[0]], *row[1:]) for row in rows[after : after + limit]]
    return _with_moments(page, wanted, measure), len(rows)


def _cell(text: str) -> int:
    """A cell's number; raises BadCell."""
    try:
        cell = h3.str_to_int(text)
    except (ValueError, OverflowError) as error:
        raise BadCell(field="cell") from error
    is_shown = h3.is_valid_cell(cell) and rules.COARSE <= h3.get_resolution(cell) <= rules.FINE
    if not is_shown:
        raise BadCell(field="cell")
    return cell


def _weight(row: tuple[Any, ...], measure: str) -> int:
    """What of a day counts for a measure; checks for a lack of stock, whatever they found."""
    place = {"presence": 2, "silence": 3, "visits": 4, "confirmed": 5, "out_of_stock": 6}[measure]
    return row[place]


def _days_behind(
    rep_ids: Sequence[str], block: rules.Block, cell: int, category: str
) -> list[tuple[Any, ...]]:
    """(rep, day, presence, silence, done, confirmed, checks, absent) of each day in the cell."""
    with reading() as session:
        sums = store.reps_packed(session, rep_ids, block)
        has_sum = {row[0] for row in sums}
        inside = {row[0] for row in sums if any(_sums(row[1], row[2], cell, category))}
        some = [rep for rep in rep_ids if rep in inside or rep not in has_sum]
        days = store.days_packed(session, some, block) if some else []
    found = [(row[0], row[1], *_sums(row[2], row[3], cell, category)) for row in days]
    return [row for row in found if any(row[2:])]


def _sums(track: bytes, visits: bytes, cell: int, category: str) -> tuple[int, ...]:
    resolution = h3.get_resolution(cell)
    t, v = np.frombuffer(track, rules.TRACK), np.frombuffer(visits, rules.VISITS)
    t = t[rules.parents(t["cell"], resolution) == cell]
    v = v[rules.parents(v["cell"], resolution) == cell]
    if category in rules.CATEGORIES:
        v = v[v["category"] == rules.CATEGORIES.index(category)]
    of_track = (int(t[name].sum()) for name in ("presence_s", "silence_s"))
    return (*of_track, *(int(v[n].sum()) for n in ("done", "confirmed", "checks", "absent")))


def _with_moments(page: list[Behind], cell: int, measure: str) -> list[Behind]:
    """The same with the moment at which the day's replay shows it."""
    if measure in OF_VISITS:
        return _with_visits(page, cell)
    return [_with_moment(row, cell, measure == "silence") for row in page]


def _with_moment(row: Behind, cell: int, is_silence: bool) -> Behind:
    key = (row.rep_id, row.day)
    with reading() as session:
        found = store.sources(session, *key, *clock.day_bounds(row.day))
    stays = [
        m
        for m in filling.moments_in(key, found.chunks, found.shifts, clock.now())
        if m.is_silence == is_silence and m.cell and _is_in(m.cell, cell)
    ]
    if not stays:
        return row
    begins = max(stays, key=lambda m: m.seconds) if is_silence else stays[0]
    return Behind(**{**row.__dict__, "at_ms": begins.from_ms})


def _is_in(cell: int, wanted: int) -> bool:
    return h3.cell_to_parent(cell, h3.get_resolution(wanted)) == wanted


def _with_visits(page: list[Behind], cell: int) -> list[Behind]:
    with reading() as session:
        rows = store.visits_of(session, [(row.rep_id, row.day) for row in page]) if page else []
    first: dict[Any, Any] = {}
    for v in rows:
        place = filling.cell_of((v[4], v[5]), v[6], (v[7], v[8]))
        if place and _is_in(place, cell):
            first.setdefault((v[0], v[1]), v)
    return [
        Behind(**{**row.__dict__, "visit_id": v[2], "at_ms": _ms(v[3])})
        if (v := first.get((row.rep_id, row.day)))
        else row
        for row in page
    ]


def _ms(moment: datetime | None) -> int:
    return round(moment.timestamp() * 1000) if moment else 0
