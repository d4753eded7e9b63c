"""Turns a team's span and a list of changes into the team as it would be. Pure: the same in, the same out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

import h3.api.basic_int as h3

from fieldcrm.planning import cycle_rules, whatif_areas
from fieldcrm.planning.cycle_problem import CycleRep, Fixed, Point, Wish
from fieldcrm.planning.whatif_areas import Land
from fieldcrm.planning.whatif_model import (
    ADD_REP,
    BALANCE,
    CATEGORIES,
    CELLS_MOST,
    CHANGES_MOST,
    FREQUENCY,
    GIVE_CELLS,
    KINDS,
    LOSE_REP,
    MODES,
    NEW,
    RATES,
    Assumptions,
    BadScenario,
    Base,
    Change,
    Changed,
    Part,
)

FOUR_WEEKS = 28
WEEKS = (4, 12)
REPS_MOST = 50
MOST_A_DAY = (1, 40)
COST_MOST = 1_000_000.0
_CELL = re.compile(r"[0-9a-f]{15}\Z")


# ---- what may be asked ----


def check_question(
    reps: int, first: date, weeks: int, asked: Assumptions, today: date
) -> date:  # fmt: skip
    """The span's last day; raises BadScenario with the field that is wrong."""
    wrong = {
        "reps": not 0 < reps <= REPS_MOST,
        "weeks": not WEEKS[0] <= weeks <= WEEKS[1],
        "first": not today < first <= today + timedelta(days=cycle_rules.DAYS_AHEAD),
        "most_a_day": not MOST_A_DAY[0] <= asked.most_a_day <= MOST_A_DAY[1],
        "cost": not (0 <= asked.rep_month <= COST_MOST and 0 <= asked.per_km <= COST_MOST),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise BadScenario(field=name)
    return first + timedelta(days=7 * weeks - 1)


def check_changes(changes: Sequence[Change], rep_ids: Sequence[str], resolution: int) -> None:
    """Raise BadScenario unless these changes can be made, one after the other."""
    here = list(rep_ids)
    if not 0 < len(changes) <= CHANGES_MOST:
        raise BadScenario(field="changes")
    for number, change in enumerate(changes):
        _check(change, here, resolution)
        if change.kind == LOSE_REP:
            here.remove(change.rep_id)
        if change.kind == ADD_REP:
            here.append(new_id(number))
        if not 0 < len(here) <= REPS_MOST:
            raise BadScenario(field="reps")


def _check(change: Change, here: Sequence[str], resolution: int) -> None:
    wrong = {
        LOSE_REP: change.rep_id not in here,
        ADD_REP: change.mode not in MODES,
        FREQUENCY: change.category not in CATEGORIES or change.rate not in RATES,
        GIVE_CELLS: change.rep_id not in here or not _are_cells(change.cells, resolution),
        BALANCE: False,
    }
    if change.kind not in KINDS or wrong[change.kind]:
        raise BadScenario(field=change.kind if change.kind in KINDS else "changes")


def _are_cells(cells: Sequence[str], resolution: int) -> bool:
    return 0 < len(cells) <= CELLS_MOST and all(
        _CELL.match(c)
        and h3.is_valid_cell(int(c, 16))
        and h3.get_resolution(int(c, 16)) == resolution
        for c in cells
    )


def new_id(number: int) -> str:
    """The id of the rep whom the change of this number adds."""
    return f"{NEW}{number + 1}"


# ---- the team as it would be ----


def as_it_is(base: Base) -> Changed:
    """The team without any change."""
    return change_all(base, ())


def change_all(base: Base, changes: Sequence[Change]) -> Changed:
    """The team after these changes, made in their order."""
    land = land_of(base.parts, base)
    team = _Team({p.rep.id: p for p in base.parts}, _owners(base.parts, base), base, land)
    before = {w.client_id: p.rep.id for p in base.parts for w in clients_of(p)}
    for number, change in enumerate(changes):
        _MAKE[change.kind](team, change, number)
    parts = tuple(team.parts[i] for i in sorted(team.parts))
    now = {w.client_id: p.rep.id for p in parts for w in clients_of(p)}
    return Changed(
        parts, whatif_areas.on_the_map(team.land, team.owner), work_by_cell(parts, base),
        frozenset(c for c, rep in now.items() if before[c] != rep),
    )  # fmt: skip


@dataclass
class _Team:
    """What changes are made to."""

    parts: dict[str, Part]
    owner: dict[int, str]
    """Cell with work -> rep."""
    base: Base
    land: Land

    def capacity(self) -> dict[str, float]:
        return {i: p.capacity for i, p in sorted(self.parts.items())}

    def anchors(self) -> dict[str, Point]:
        """What each territory is drawn to: the rep's home, or the middle of his work."""
        return {i: p.rep.home or self._middle(i) for i, p in self.parts.items()}

    def _middle(self, rep_id: str) -> Point:
        cells = [c for c, o in self.owner.items() if o == rep_id] or list(self.owner)
        if not cells:
            return (0.0, 0.0)
        weight = sum(self.land.load[c] for c in cells) or 1.0
        parts = [(self.land.load[c] / weight, self.land.middle[c]) for c in cells]
        return (sum(w * m[0] for w, m in parts), sum(w * m[1] for w, m in parts))

    def settle(self, owner: dict[int, str], cells: Iterable[int], only_of: str = "") -> None:
        """Borders as they are now; clients in these cells go to whose they became."""
        self.owner = owner
        for cell in sorted(cells):
            self._hand_over(cell, owner[cell], only_of)

    def _hand_over(self, cell: int, to: str, only_of: str) -> None:
        for rep_id in [only_of] if only_of else sorted(self.parts):
            if rep_id != to:
                ids = {
                    w.client_id for w in clients_of(self.parts[rep_id])
                    if w.point and cell_of(w.point, self.base) == cell
                }  # fmt: skip
                self.hand(ids, rep_id, to)

    def hand(self, ids: set[str], giver: str, to: str) -> None:
        """Clients change hands, and visits that stood fixed with the giver are wanted of the taker."""
        if not ids:
            return
        mine, theirs = self.parts[giver], self.parts[to]
        moved = tuple(w for w in _freed(mine, ids) if w.client_id in ids)
        self.parts[giver] = replace(
            mine, wishes=tuple(w for w in mine.wishes if w.client_id not in ids),
            fixed=tuple(f for f in mine.fixed if f.client_id not in ids),
        )  # fmt: skip
        self.parts[to] = _joined(theirs, moved)


def _joined(part: Part, more: Sequence[Wish]) -> Part:
    """A part with more wishes; a client whom both saw is asked for once, with all visits wanted."""
    here = {w.client_id: w for w in part.wishes}
    for wish in more:
        if (own := here.get(wish.client_id)) is not None:
            here[wish.client_id] = replace(own, wanted=own.wanted + wish.wanted)
        else:
            here[wish.client_id] = wish
    return replace(part, wishes=tuple(here[c] for c in sorted(here)))


def clients_of(part: Part) -> list[Wish]:
    """Every client of a part once, with all visits wanted: fixed ones, too, are wishes here."""
    return _freed(part, {f.client_id for f in part.fixed})


def _freed(part: Part, ids: set[str]) -> list[Wish]:
    """Wishes with the fixed visits of these clients counted as wanted."""
    held = Counter(f.client_id for f in part.fixed if f.client_id in ids)
    days = {(f.client_id, f.day) for f in part.fixed if f.client_id in ids}
    known = {w.client_id for w in part.wishes}
    found = [
        replace(w, wanted=w.wanted + held[w.client_id],
                seen=tuple(d for d in w.seen if (w.client_id, d) not in days))
        if held[w.client_id] else w for w in part.wishes
    ]  # fmt: skip
    first = {f.client_id: f for f in reversed(part.fixed)}
    return found + [_wish_of(first[c], held[c]) for c in sorted(held) if c not in known]


def _wish_of(fixed: Fixed, visits: int) -> Wish:
    return Wish(fixed.client_id, fixed.category, fixed.point, fixed.minutes, visits)


def _lose(team: _Team, change: Change, number: int) -> None:
    """His clients go to those who stay: his cells to neighbours with least work, then made even."""
    del number
    lost = change.rep_id
    part = team.parts.pop(lost)
    cells = {c for c, o in team.owner.items() if o == lost}
    rest = {c: o for c, o in team.owner.items() if o != lost}
    capacity = team.capacity()
    if not rest and cells:  # nobody else has any: begin where the others live
        rest = whatif_areas.seeded(team.land, capacity, team.anchors())
    anchors = team.anchors()
    owner = whatif_areas.grown(team.land, rest, capacity, anchors) if rest else {}
    owner = whatif_areas.balanced(team.land, owner, capacity, anchors, movable=cells)
    team.parts[lost] = part
    team.settle(owner, {cell_of(w.point, team.base) for w in clients_of(part) if w.point}, lost)
    lightest = min(capacity, key=lambda r: (work_of(team.parts[r], team.base) / capacity[r], r))
    team.hand({w.client_id for w in clients_of(team.parts[lost])}, lost, lightest)
    del team.parts[lost]


def _add(team: _Team, change: Change, number: int) -> None:
    """A new rep in the middle of the heaviest territory's far side, who takes from his neighbours."""
    capacity = team.capacity()
    load = whatif_areas.loads(team.land, team.owner, capacity)
    like = max(team.parts.values(), key=lambda p: (p.capacity, p.rep.id)).rep
    spare = [r for r in capacity if sum(o == r for o in team.owner.values()) > 1]
    new = new_id(number)
    if not spare:
        team.parts[new] = Part(_rep(like, new, change.mode, like.home), ())
        return
    heavy = max(spare, key=lambda r: (load[r] / capacity[r], r))
    seed = _far_cell(team, heavy)
    team.parts[new] = Part(_rep(like, new, change.mode, team.land.middle[seed]), ())
    owner = {**team.owner, seed: new}
    after = whatif_areas.balanced(team.land, owner, team.capacity(), team.anchors(), takers=(new,))
    team.settle(after, [c for c, o in after.items() if o == new])


def _far_cell(team: _Team, heavy: str) -> int:
    """The cell of a territory that is farthest from its rep and can be taken without tearing it."""
    near = team.anchors()[heavy]
    cells = sorted(
        (c for c, o in team.owner.items() if o == heavy),
        key=lambda c: (-whatif_areas.apart_m(team.land.middle[c], near), c),
    )
    free = (c for c in cells if whatif_areas.can_go(team.land, team.owner, c))
    return next(free, cells[0])


def _rep(like: CycleRep, rep_id: str, mode: str, home: Point | None) -> CycleRep:
    return replace(like, id=rep_id, mode=mode, home=home)


def _give(team: _Team, change: Change, number: int) -> None:
    """The border moves: these cells, with the clients in them, become somebody's."""
    del number
    cores = {team.land.patch[int(c, 16)] for c in change.cells if int(c, 16) in team.land.patch}
    owner = {c: change.rep_id if c in cores else o for c, o in team.owner.items()}
    team.settle(owner, cores)


def _balance(team: _Team, change: Change, number: int) -> None:
    """All borders anew, by workload."""
    del change, number
    if team.owner:
        after = whatif_areas.proposed(team.land, team.owner, team.capacity(), team.anchors())
        team.settle(after, after)


def _set_rate(team: _Team, change: Change, number: int) -> None:
    """Every client of a category is wanted so often; fixed visits count towards it."""
    del number
    every = {
        w.client_id: w for p in team.parts.values() for w in clients_of(p)
        if w.category == change.category
    }  # fmt: skip
    share = rate_of(change.rate) * ((team.base.last - team.base.first).days + 1) / FOUR_WEEKS
    wanted = whole_visits(every, share)
    for rep_id, part in team.parts.items():
        held = Counter(f.client_id for f in part.fixed)
        wishes = tuple(
            replace(w, wanted=max(0, wanted[w.client_id] - held[w.client_id]))
            if w.category == change.category else w for w in part.wishes
        )  # fmt: skip
        team.parts[rep_id] = replace(part, wishes=wishes)
    team.land = land_of(team.parts.values(), team.base)


def rate_of(text: str) -> Fraction:
    """Visits in four weeks."""
    return Fraction(text)


def whole_visits(clients: Mapping[str, Wish], share: Fraction) -> dict[str, int]:
    """Whole visits by client that come to the right sum; who waited longest gets what a share leaves."""
    seen = {c: max(w.seen) for c, w in clients.items() if w.seen}
    return cycle_rules.whole_visits(dict.fromkeys(clients, share), {}, seen)


_MAKE = {
    LOSE_REP: _lose, ADD_REP: _add, GIVE_CELLS: _give, BALANCE: _balance, FREQUENCY: _set_rate,
}  # fmt: skip


# ---- work on the map ----


def cell_of(point: Point, base: Base) -> int:
    """The H3 cell that a client lies in."""
    return h3.latlng_to_cell(*point, base.resolution)


def land_of(parts: Iterable[Part], base: Base) -> Land:
    """Where the team's clients are, cells with work and the empty ones around them."""
    return whatif_areas.make_land(work_by_cell(parts, base))


def work_by_cell(parts: Iterable[Part], base: Base) -> dict[int, float]:
    """Minutes of work by cell; a cell with clients for whom nothing is wanted has none but counts."""
    found: dict[int, float] = {}
    for part in parts:
        for wish in clients_of(part):
            if wish.point:
                cell = cell_of(wish.point, base)
                found[cell] = found.get(cell, 0.0) + _work(wish, base)
    return found


def work_of(part: Part, base: Base) -> float:
    """Minutes of a rep's work."""
    return sum(_work(w, base) for w in clients_of(part))


def _work(wish: Wish, base: Base) -> float:
    return wish.wanted * (wish.minutes + base.leg_min)


def _owners(parts: Iterable[Part], base: Base) -> dict[int, str]:
    """Whose each cell is today: the rep's with most work there, then with most clients."""
    by: dict[int, dict[str, tuple[float, int]]] = {}
    for part in parts:
        for wish in clients_of(part):
            if wish.point:
                here = by.setdefault(cell_of(wish.point, base), {})
                work, clients = here.get(part.rep.id, (0.0, 0))
                here[part.rep.id] = (work + _work(wish, base), clients + 1)
    return {
        cell: max(here, key=lambda r, here=here: (*here[r], r)) for cell, here in sorted(by.items())
    }
