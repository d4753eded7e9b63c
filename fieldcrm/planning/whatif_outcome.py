"""What comes of a scenario: each rep's span in figures, the team's, and how it differs from today's. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from fieldcrm.planning import cycle_rules
from fieldcrm.planning.cycle_model import CycleProblem, Tours
from fieldcrm.planning.cycle_problem import LeftOut, RepCycle, days_of, left_out
from fieldcrm.planning.whatif_model import Assumptions, Base, Counted, Part, RepOutcome
from fieldcrm.planning.whatif_rules import clients_of

NAMED_MOST = 200
"""Clients left out that an outcome names, the dearest first; the rest are counted."""
MONTH_DAYS = 30.4375
OTHER = "-"
BY_CAR = "car"


def key_of(asked: RepCycle, steps: int) -> str:
    """The same for the same problem searched as long: its answer can be used again."""
    problem, told = asked.problem, hashlib.sha256(str(steps).encode())
    for each in (problem.time, problem.service, problem.ready, problem.due, problem.capacity,
                 problem.penalty, asked.metres):  # fmt: skip
        told.update(np.ascontiguousarray(each).tobytes())
    told.update(repr((problem.patterns, problem.category, asked.rep.id, asked.rep.mode)).encode())
    told.update(repr(sorted((o.client_id, o.wanted, o.reason) for o in asked.left_out)).encode())
    return told.hexdigest()[:32]


def nothing_planned(problem: CycleProblem) -> Tours:
    """The plan in which nobody is visited."""
    return [[] for _ in range(problem.days)]


def outcome_of(part: Part, asked: RepCycle, tours: Tours, key: str) -> RepOutcome:
    """A planned part in figures."""
    days = days_of(asked, tours)
    out = left_out(asked, tours)
    told = RepOutcome(
        part.rep.id, key, part.rep.mode, len(part.rep.days),
        visits=sum(len(d.stops) for d in days.values()),
        drive_s=sum(d.drive_s for d in days.values()),
        drive_m=sum(d.drive_m for d in days.values()),
        work_s=sum(d.work_s for d in days.values()), capacity_s=round(part.capacity * 60),
        reasons=dict(sorted(Counter(o.reason for o in out).items())),
    )  # fmt: skip
    told.categories = by_category(part, [s.client_id for d in days.values() for s in d.stops])
    worth = {w.client_id: cycle_rules.value_of(w.category) for w in clients_of(part)}
    told.left_out = sorted(out, key=lambda o: (-worth.get(o.client_id, 0), o.client_id))[
        :NAMED_MOST
    ]
    return told


def by_category(part: Part, visited: Sequence[str]) -> dict[str, Counted]:
    """What is wanted and what these visits (a client each) make of it; more than wanted is no more."""
    seen, found = Counter(visited), dict[str, Counted]()
    for wish in clients_of(part):
        name, was = wish.category or OTHER, found.get(wish.category or OTHER, Counted())
        got = min(seen[wish.client_id], wish.wanted)
        found[name] = Counted(
            was.wanted + wish.wanted, was.got + got, was.clients + (wish.wanted > 0),
            was.missed + (got < wish.wanted),
        )  # fmt: skip
    return dict(sorted(found.items()))


# ---- the team ----


@dataclass(frozen=True)
class Figures:
    """A scenario's team in figures; shares are 0 to 1."""

    reps: int
    clients: int
    """For whom at least one visit is wanted."""
    visits: int
    wanted: int
    coverage: float
    """Visits made of those wanted."""
    coverage_a: float | None
    coverage_b: float | None
    coverage_c: float | None
    value: float
    """The same weighed by what leaving a client out costs."""
    left_out: int
    """Clients who get fewer visits than wanted."""
    drive_h: float
    drive_km: float
    work_h: float
    least: float
    """Share of his working time that the rep with least to do needs."""
    most: float
    spread: float
    """Between the two."""
    cost: float
    cost_visit: float | None
    handed: int
    """Clients who get another rep."""


LESS_IS_BETTER = frozenset({"left_out", "drive_h", "drive_km", "spread", "cost", "cost_visit"})
MORE_IS_BETTER = frozenset(
    {"visits", "coverage", "coverage_a", "coverage_b", "coverage_c", "value"}
)
"""Of the other figures a difference is neither better nor worse."""
BETTER, WORSE, SAME, OTHERWISE = "better", "worse", "same", "otherwise"


def figures(reps: Sequence[RepOutcome], base: Base, asked: Assumptions, handed: int = 0) -> Figures:
    """All reps of a scenario added up."""
    total = _total(reps)
    busy = [r.work_s / max(1, r.capacity_s) for r in reps]
    visits, months = sum(r.visits for r in reps), ((base.last - base.first).days + 1) / MONTH_DAYS
    km = sum(r.drive_m for r in reps if r.mode == BY_CAR) / 1000
    cost = len(reps) * asked.rep_month * months + km * asked.per_km
    wanted, got = (sum(getattr(c, n) for c in total.values()) for n in ("wanted", "got"))
    worth = {n: cycle_rules.value_of(n) for n in total}
    a, b, c = (_share_of(total.get(n)) for n in ("A", "B", "C"))
    value = _share(sum(worth[n] * each.got for n, each in total.items()),
                   sum(worth[n] * each.wanted for n, each in total.items()))  # fmt: skip
    least, most = min(busy, default=0.0), max(busy, default=0.0)
    return Figures(
        reps=len(reps), clients=sum(each.clients for each in total.values()), visits=visits,
        wanted=wanted, coverage=_share(got, wanted), coverage_a=a, coverage_b=b, coverage_c=c,
        value=value, left_out=sum(each.missed for each in total.values()),
        drive_h=sum(r.drive_s for r in reps) / 3600,
        drive_km=sum(r.drive_m for r in reps) / 1000, work_h=sum(r.work_s for r in reps) / 3600,
        least=least, most=most, spread=most - least, cost=cost,
        cost_visit=cost / visits if visits else None, handed=handed,
    )  # fmt: skip


def _total(reps: Sequence[RepOutcome]) -> dict[str, Counted]:
    found: dict[str, Counted] = {}
    for rep in reps:
        for name, each in rep.categories.items():
            was = found.get(name, Counted())
            found[name] = Counted(
                was.wanted + each.wanted, was.got + each.got, was.clients + each.clients,
                was.missed + each.missed,
            )  # fmt: skip
    return found


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _share_of(each: Counted | None) -> float | None:
    return each.got / each.wanted if each and each.wanted else None


def compared(name: str, now: float | None, then: float | None, least: float) -> str:
    """Whether a figure gets better or worse; a difference below `least` is none."""
    if now is None or then is None or abs(then - now) < least:
        return SAME
    if name in MORE_IS_BETTER:
        return BETTER if then > now else WORSE
    if name in LESS_IS_BETTER:
        return BETTER if then < now else WORSE
    return OTHERWISE


def mean_leg_min(reps: Sequence[RepOutcome], usual: float) -> float:
    """Minutes of way that a visit costs; `usual` where nothing is planned."""
    visits = sum(r.visits for r in reps)
    return sum(r.drive_s for r in reps) / 60 / visits if visits else usual


# ---- as it is kept ----


def as_json(rep: RepOutcome) -> dict[str, Any]:
    """A rep's outcome as its row holds it."""
    told = {f.name: getattr(rep, f.name) for f in fields(RepOutcome)}
    told["categories"] = {
        n: [c.wanted, c.got, c.clients, c.missed] for n, c in rep.categories.items()
    }
    told["left_out"] = [[o.client_id, o.wanted, o.got, o.reason] for o in rep.left_out]
    return told


def of_json(told: Mapping[str, Any]) -> RepOutcome:
    """The same, read again."""
    return RepOutcome(**{
        **told, "categories": {n: Counted(*c) for n, c in told["categories"].items()},
        "left_out": [LeftOut(*o) for o in told["left_out"]],
    })  # fmt: skip
