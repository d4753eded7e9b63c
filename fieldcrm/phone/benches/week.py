"""The long run: 20 phones over 7 days of the product's clock, with shifts, plans, messages, days without network."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from fieldcrm.phone.benches.plant import GATEWAY, POWER, RECORDER, VALKEY, WEB
from fieldcrm.phone.benches.staff import CLOCK_ERRORS_S, LAT, LNG, Staff
from fieldcrm.phone.benches.stage import Group

DAYS, DAY_S = 7, 24.0
"""And how long one lasts unless told otherwise."""
REPS, SECOND_PHONES = 16, 4
CLIENTS_EACH, VISITS_A_DAY, MESSAGES_A_DAY = 8, 6, 4
FAULTS_EACH, FAULTY_SHARE = 40, 0.08
"""Of the network for each phone, and of its requests."""
STRIKES_EVERY = 170
"""Requests of all phones together."""
ROUNDS = 12
STARTED_WITHIN_S = 15.0
BEGINS = time(5)
MS = 1000


def begin_clock(day_s: float) -> None:
    """The product's clock comes to Monday, five in the morning, once the servers are up, and runs fast."""
    from fieldcrm.kit import clock
    from fieldcrm.kit.settings import settings

    now = clock.real_now()
    monday = clock.local(now).date() + timedelta(days=7 - clock.local(now).weekday())
    start = datetime.combine(monday, BEGINS, clock.zone())
    os.environ["FIELDCRM_CLOCK_START"] = start.isoformat()
    os.environ["FIELDCRM_CLOCK_ORIGIN"] = (now + timedelta(seconds=STARTED_WITHIN_S)).isoformat()
    os.environ["FIELDCRM_CLOCK_SPEED"] = str(86_400 / day_s)
    settings.cache_clear()


def strikes(seed: int) -> list[tuple[int, str]]:
    """(at which request, what ends): every part again and again, in an order of chance."""
    chance, kinds = random.Random(seed * 13), list[str]()
    for _ in range(ROUNDS):
        around = [WEB, POWER, RECORDER, GATEWAY, VALKEY, POWER, WEB]
        chance.shuffle(around)
        kinds += around
    return [((n + 1) * STRIKES_EVERY + chance.randrange(60), kind) for n, kind in enumerate(kinds)]


def hire(seed: int) -> Group:
    """The company of the week, with a plan for each day, in one transaction."""
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import transaction
    from fieldcrm.kit.settings import settings

    s = settings()
    assert s.clock_start
    assert s.clock_origin
    monday = clock.local(s.clock_start).date()
    days = [monday + timedelta(days=n) for n in range(DAYS)]
    with transaction() as session:
        made = _Company(Staff(session, monday), random.Random(seed), days)
        phones = [told for n in range(REPS) for told in made.phones_of(n)]
        session.flush()
    for number, told in enumerate(phones):
        told["number"] = number
    told_clock = {
        "start_ms": s.clock_start.timestamp() * MS, "origin_ms": s.clock_origin.timestamp() * MS,
        "speed": s.clock_speed,
    }  # fmt: skip
    office = {"cookie": made.dispatcher, "rep_ids": [*made.names], "seed": seed,
              "messages": MESSAGES_A_DAY * DAYS, "days": made.days_told()}  # fmt: skip
    return Group(0, seed, phones, office, made.names, made.messages, told_clock)


class _Company:
    """One team of reps; each has clients, cards shared with nobody, and a plan for each day."""

    def __init__(self, staff: Staff, chance: random.Random, days: Sequence[date]) -> None:
        self.staff, self.chance, self.days = staff, chance, days
        self.team = staff.team()
        self.dispatcher = staff.dispatcher(self.team, "Olga")
        self.names: dict[str, str] = {}
        self.messages: dict[str, str] = {}

    def phones_of(self, n: int) -> list[dict[str, Any]]:
        """A rep's one or two phones; with two, he does every other visit with each."""
        rep_id, home, cookie = self.staff.rep(self.team, f"Rep{n}")
        self.names[rep_id] = f"Rep{n}"
        clients = [self.staff.client(home, f"client {n}-{i}") for i in range(CLIENTS_EACH)]
        self.staff.cycle(self.team, rep_id, clients)
        text = f"welcome {n}"
        self.messages[text] = self.staff.message(rep_id, self.team, text)
        plans = [self._plan(rep_id, clients, day) for day in self.days]
        count = 2 if n < SECOND_PHONES else 1
        return [
            self._told(rep_id, cookie, clients, [plan[i::count] for plan in plans], i == 0)
            for i in range(count)
        ]

    def _plan(self, rep_id: str, clients: list[str], day: date) -> list[tuple[str, int]]:
        """A day's visits and its plan; (visit, place) of each."""
        from fieldcrm.kit import clock, ids
        from fieldcrm.planning.tables import DayPlan

        begins = clock.day_bounds(day)[0] + timedelta(hours=9)
        found, stops = list[tuple[str, int]](), list[dict[str, Any]]()
        for i, client in enumerate(self.chance.sample(clients, VISITS_A_DAY)):
            at = begins + timedelta(minutes=75 * i)
            visit = self.staff.visit(rep_id, self.team, client, i + 1, day, at)
            found.append((visit, i + 1))
            stops.append({
                "visit_id": visit, "position": i + 1, "arrive_at": at.isoformat(),
                "start_at": at.isoformat(), "leave_at": (at + timedelta(minutes=15)).isoformat(),
                "travel_s": 600, "travel_m": 900, "mode": "foot", "reason": None,
            })  # fmt: skip
        self.staff.session.add(DayPlan(id=ids.new_id(), rep_id=rep_id, day=day, stops=stops,
                                       line=[[LAT, LNG]], created_at=self.staff.now))  # fmt: skip
        return found

    def _told(
        self, rep_id: str, cookie: str, clients: list[str], plans: list[list[tuple[str, int]]],
        keeps_shift: bool,
    ) -> dict[str, Any]:  # fmt: skip
        visits = [visit for plan in plans for visit, _ in plan]
        days = [told | {"visits": [v for v, _ in plan]}
                for told, plan in zip(self.days_told(), plans, strict=True)]  # fmt: skip
        return {
            "schedule": 0, "seed": self.chance.randrange(1 << 31), "cookie": cookie, "rep_id": rep_id,
            "visits": visits, "places": {v: i for plan in plans for v, i in plan}, "contested": [],
            "clients": clients, "shared_clients": [], "today": self.days[0].isoformat(),
            "clock_error_ms": MS * self.chance.choice(CLOCK_ERRORS_S), "keeps_shift": keeps_shift,
            "days": days, "offline": self._offline(),
        }  # fmt: skip

    def days_told(self) -> list[dict[str, Any]]:
        """Each day with its local midnight."""
        from fieldcrm.kit import clock

        return [{"day": day.isoformat(), "begins_ms": clock.day_bounds(day)[0].timestamp() * MS}
                for day in self.days]  # fmt: skip

    def _offline(self) -> list[tuple[float, float]]:
        """Spells without network: some hours on many days, and for most phones a stretch of days."""
        hour, found = 3_600 * MS, list[tuple[float, float]]()
        midnights = [told["begins_ms"] for told in self.days_told()]
        for midnight in midnights[:-1]:
            if self.chance.random() < 0.4:
                begins = midnight + self.chance.uniform(8, 16) * hour
                found.append((begins, begins + self.chance.uniform(1, 5) * hour))
        if self.chance.random() < 0.6:
            begins = midnights[self.chance.randrange(1, 4)] + self.chance.uniform(8, 18) * hour
            found.append((begins, begins + self.chance.uniform(20, 70) * hour))
        return found
