"""Judges a scenario without trusting the rules that made it, nor the search that planned it.

Counts from the team as it is and from the tours themselves, and shares no code with either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from fieldcrm.planning.cycle_model import Tours
from fieldcrm.planning.cycle_problem import RepCycle
from fieldcrm.planning.model import Violation
from fieldcrm.planning.whatif_model import ADD_REP, FREQUENCY, LOSE_REP, Base, Change, Changed, Part
from fieldcrm.planning.whatif_model import RepOutcome as Outcome


def check_changed(base: Base, changes: Sequence[Change], after: Changed) -> list[Violation]:
    """Every client still somebody's and wanted as often, every cell one living rep's."""
    return [*_check_reps(base, changes, after), *_check_clients(base, changes, after),
            *_check_cells(after)]  # fmt: skip


def _check_reps(base: Base, changes: Sequence[Change], after: Changed) -> Iterator[Violation]:
    here = Counter(p.rep.id for p in after.parts)
    lost = {c.rep_id for c in changes if c.kind == LOSE_REP}
    more = sum(c.kind == ADD_REP for c in changes)
    for rep_id in sorted(lost & here.keys()):
        yield Violation("lost_rep_works", rep_id)
    if len(here) != len(base.parts) - len(lost) + more or max(here.values(), default=0) > 1:
        yield Violation("wrong_reps", "team", f"{len(here)}")


def _check_clients(base: Base, changes: Sequence[Change], after: Changed) -> Iterator[Violation]:
    was, now = _visits(base.parts), _visits(after.parts)
    free = {c.category for c in changes if c.kind == FREQUENCY}
    for client in sorted(was.keys() - now.keys()):
        yield Violation("client_lost", client)
    for client in sorted(now.keys() - was.keys()):
        yield Violation("client_invented", client)
    for client in sorted(was.keys() & now.keys()):
        category, visits = was[client]
        if category not in free and visits != now[client][1]:
            yield Violation("other_frequency", client, f"{visits} became {now[client][1]}")


def _visits(parts: Sequence[Part]) -> dict[str, tuple[str | None, int]]:
    """Client -> category and visits wanted of everybody together, fixed ones counted."""
    found: dict[str, tuple[str | None, int]] = {}
    for part in parts:
        for wish in part.wishes:
            category, visits = found.get(wish.client_id, (wish.category, 0))
            found[wish.client_id] = (category or wish.category, visits + wish.wanted)
        for fixed in part.fixed:
            category, visits = found.get(fixed.client_id, (fixed.category, 0))
            found[fixed.client_id] = (category or fixed.category, visits + 1)
    return found


def _check_cells(after: Changed) -> Iterator[Violation]:
    here = {p.rep.id for p in after.parts}
    for cell in sorted(after.load.keys() - after.cells.keys()):
        yield Violation("cell_without_rep", f"{cell:x}")
    for rep_id in sorted(set(after.cells.values()) - here):
        yield Violation("cell_of_nobody", rep_id)


def check_outcome(part: Part, asked: RepCycle, tours: Tours, told: Outcome) -> list[Violation]:
    """The figures agree with the tours they tell of."""
    problem = asked.problem
    stops = [c for day in tours for tour in day for c in tour]
    way = [
        (a, b) for day in tours for tour in day if tour
        for a, b in zip([0, *tour], [*tour, 0], strict=True)
    ]  # fmt: skip
    found = {
        "visits": (told.visits, len(stops)),
        "drive_s": (told.drive_s, sum(int(problem.time[a, b]) for a, b in way)),
        "drive_m": (told.drive_m, sum(max(0, int(asked.metres[a, b])) for a, b in way)),
        "wanted": (
            sum(c.wanted for c in told.categories.values()),
            sum(w.wanted for w in part.wishes) + len(part.fixed),
        ),
    }
    return [
        Violation("wrong_figure", asked.rep.id, f"{name}: {said}, counted {counted}")
        for name, (said, counted) in found.items() if said != counted
    ]  # fmt: skip
