"""One rep's day as it truly goes: pure, seeded, advanced to any moment.

`RepDay.advance(now, stops)` gives what happened since the last call. The stops are what the rep's
phone shows at that moment, so a plan changed meanwhile changes where he goes next. Moments are true
epoch seconds; the phone in his pocket adds its own wrong clock later.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from fieldcrm.kit.units import distance_m
from workers.simulator import padding
from workers.simulator.gps import Reading, Receiver, gaps, shifted
from workers.simulator.movement import Point, Spot, Streets, Way, along, perfect, speed_of
from workers.simulator.scenario import RepTraits, Scenario

NEVER = math.inf
AT_ONE_DOOR_M = 25.0


@dataclass(frozen=True)
class Timetable:
    """A rep's working hours of one day (epoch seconds) and how he gets about."""

    starts: float
    ends: float
    lunch_at: float
    lunch_s: float
    mode: str
    home: Point


@dataclass(frozen=True)
class Stop:
    """A visit of today as the phone shows it."""

    visit_id: str
    key: str
    """Names the visit's client and place alike in every database; seeds what happens there."""
    kind: str
    lat: float
    lng: float
    position: int
    state: str = "planned"
    planned: float | None = None
    checked_in: float | None = None
    closed: float | None = None

    @property
    def point(self) -> Point:
        return self.lat, self.lng

    @property
    def order(self) -> tuple[int, float, str]:
        """Unordered visits come last."""
        return self.position or 999, self.planned or NEVER, self.visit_id


@dataclass(frozen=True)
class ShiftStarted:
    at: float


@dataclass(frozen=True)
class ShiftEnded:
    at: float


@dataclass(frozen=True)
class LunchBegun:
    at: float


@dataclass(frozen=True)
class LunchOver:
    at: float


@dataclass(frozen=True)
class CheckedIn:
    """`reading` is None where the phone had no position."""

    at: float
    stop: Stop
    reading: Reading | None


@dataclass(frozen=True)
class Closed:
    """`truth` is honest, spot, passing or fake: known to the simulator alone."""

    at: float
    stop: Stop
    reading: Reading | None
    truth: str
    is_held: bool
    has_photo: bool
    has_next_step: bool


@dataclass(frozen=True)
class PutOff:
    """The rep moves the visit to another day."""

    at: float
    stop: Stop


Happening = (
    Reading | ShiftStarted | ShiftEnded | LunchBegun | LunchOver | CheckedIn | Closed | PutOff
)


@dataclass(frozen=True)
class Activity:
    """What the rep does between two moments; `way` when he moves, else he stands at `point`."""

    kind: str
    """home, travel, wait, settle, talk, leave, lunch, paperwork, off."""
    start: float
    end: float
    point: Point
    way: Way | None = None
    stop: Stop | None = None

    def spot(self, at: float) -> Spot:
        """Where he is at a moment of this activity."""
        return self.way.at(at - self.start) if self.way else Spot(*self.point)


_TRACKED = {"travel", "wait", "settle", "talk", "leave", "paperwork"}
_FREE = {"travel", "wait", "paperwork"}
"""Activities that a changed plan may cut short."""


class RepDay:
    """One rep on one day."""

    def __init__(
        self, login: str, traits: RepTraits, scenario: Scenario, seed: str, hours: Timetable,
        streets: Streets,
    ) -> None:  # fmt: skip
        self._s, self._traits, self._hours, self._streets = scenario, traits, hours, streets
        self._seed = f"{seed}|{login}"
        self._receiver = Receiver(scenario, self._dice("receiver"))
        self._gaps = gaps(scenario, hours.starts, hours.ends, self._dice("gaps"))
        late = self._dice("start").uniform(*scenario.start_late_s)
        self._now = Activity("home", hours.starts + late, round(hours.starts + late), hours.home)
        self._next_fix = 0.0
        self._had_lunch = False
        self._stops: dict[str, Stop] = {}
        self._skipped: set[str] = set()
        self._padding: padding.Padding | None = None
        self._stretch = 0

    @property
    def activity(self) -> Activity:
        """What he does now."""
        return self._now

    def resume(
        self, now: float, stops: Sequence[Stop], shift_open: bool | None, lunch: str
    ) -> None:
        """Take up a day that began earlier: `lunch` is none, open or over.

        `shift_open` is None when no shift was begun today, False when it ended.
        """
        self._had_lunch = lunch != "none"
        self._know(stops)
        self._next_fix = now
        if shift_open is False:
            self._now = Activity("off", now, NEVER, self._hours.home)
        elif shift_open is None:
            self._now = replace(self._now, end=max(self._now.end, math.ceil(now)))
        elif lunch == "open":
            at = self._last_point()
            self._now = Activity("lunch", now, now + self._hours.lunch_s / 2, at)
        else:
            self._now = self._resumed(now)

    def advance(self, now: float, stops: Iterable[Stop]) -> list[Happening]:
        """What happened up to `now`, in the order of time."""
        self._know(stops)
        self._reconsider(now)
        happened: list[Happening] = []
        while self._now.end <= now:
            self._sample(self._now.end - 1e-3, happened)  # what comes next notes the moment itself
            self._now = self._after(self._now, happened)
        self._sample(now, happened)
        return happened

    # What he knows and how chance decides

    def _dice(self, what: str) -> random.Random:
        return random.Random(f"{self._seed}|{what}")

    def _know(self, stops: Iterable[Stop]) -> None:
        self._stops = {stop.visit_id: stop for stop in stops}
        if self._padding is None and self._traits.conduct == "padder" and self._stops:
            self._padding = padding.choose(
                [(s.key, s.point) for s in sorted(self._stops.values(), key=lambda s: s.order)],
                self._s, self._streets, self._dice("padding"),
            )  # fmt: skip

    def _truth(self, stop: Stop) -> str:
        if self._traits.conduct == "fake_gps":
            return "fake"
        return self._padding.kind_of(stop.key) if self._padding else "honest"

    def _next_stop(self) -> Stop | None:
        todo = [
            s for s in self._stops.values()
            if s.state == "planned" and s.visit_id not in self._skipped
        ]  # fmt: skip
        return min(todo, key=lambda s: s.order, default=None)

    def _reconsider(self, now: float) -> None:
        """Cut a walk or a pause short when the plan now says otherwise."""
        if self._now.kind not in _FREE or self._now.start > now:
            return
        wanted = self._next_stop() if now < self._last_start() else None
        if (wanted and wanted.visit_id) == (self._now.stop and self._now.stop.visit_id):
            return
        if wanted is None and self._now.kind == "paperwork":
            return
        spot = self._now.spot(now)
        self._now = Activity("wait", now, now, (spot.lat, spot.lng))

    def _last_start(self) -> float:
        """No further visit after this."""
        dice = self._dice("early end")
        if dice.random() < self._s.early_end_share:
            return self._hours.lunch_at + dice.uniform(600, 5400)
        return self._hours.ends + self._s.overtime_s

    # What comes after what

    def _after(self, done: Activity, happened: list[Happening]) -> Activity:
        at, stop = done.end, done.stop
        if done.kind == "home":
            happened.append(ShiftStarted(at))
        elif done.kind == "lunch":
            happened.append(LunchOver(at))
        elif done.kind == "settle" and stop:
            return self._check_in(at, stop, happened)
        elif done.kind == "talk" and stop:
            return self._close(at, stop, happened)
        elif done.kind == "travel" and stop:
            return Activity("settle", at, at + self._settle_s(stop), self._place(stop), stop=stop)
        elif done.kind == "paperwork":
            happened.append(ShiftEnded(at))
            return Activity("off", at, NEVER, done.point)
        end = done.spot(at)
        return self._decide(at, (end.lat, end.lng), happened)

    def _decide(self, at: float, here: Point, happened: list[Happening]) -> Activity:
        """What a rep does who is free: lunch, the next visit, or the day's paperwork."""
        if not self._had_lunch and at >= self._hours.lunch_at - 600:
            self._had_lunch = True
            happened.append(LunchBegun(at))
            length = self._hours.lunch_s * self._dice("lunch").uniform(0.85, 1.25)
            return Activity("lunch", at, round(at + length), here)
        stop = self._next_stop() if at < self._last_start() else None
        if stop is None:
            work = self._dice("paperwork").uniform(*self._s.paperwork_s)
            return Activity("paperwork", at, round(at + work), here)
        if self._dice(f"put off|{stop.key}").random() < self._s.reschedule_share:
            self._skipped.add(stop.visit_id)
            happened.append(PutOff(at, stop))
            return self._decide(at, here, happened)
        if stop.planned and stop.planned - self._s.early_s > at + self._travel_guess(here, stop):
            until = stop.planned - self._s.early_s - self._travel_guess(here, stop)
            return Activity("wait", at, math.ceil(until), here, stop=stop)
        return self._travel(at, here, stop)

    def _travel_guess(self, here: Point, stop: Stop) -> float:
        return distance_m(*here, *self._place(stop)) * 1.3 / self._s.foot_mps

    def _travel(self, at: float, here: Point, stop: Stop) -> Activity:
        there = self._place(stop)
        self._stretch += 1
        if distance_m(*here, *there) < AT_ONE_DOOR_M:
            floors = self._dice(f"floors|{stop.key}").uniform(20, 60)
            way = _same_door(here, there, floors)
        else:
            way = self._way(here, there, stop.key)
        return Activity("travel", at, math.ceil(at + way.duration_s), there, way, stop)

    def _way(self, here: Point, there: Point, key: str) -> Way:
        line = self._streets.line(self._hours.mode, here, there)
        length = sum(distance_m(*a, *b) for a, b in pairwise(line.points))
        mps = speed_of(line.mode, length, line.seconds, self._s)
        if self._traits.conduct == "fake_gps":
            return perfect(line.points, mps)
        return along(line.points, mps, self._s, self._dice(f"way|{key}"))

    def _place(self, stop: Stop) -> Point:
        """Where he goes to make the visit, or to pretend it."""
        if self._padding and self._truth(stop) == "spot":
            return self._padding.spot
        return stop.point

    def _settle_s(self, stop: Stop) -> int:
        if self._truth(stop) == "passing":
            return 3
        return round(self._dice(f"settle|{stop.key}").uniform(*self._s.settle_s))

    def _check_in(self, at: float, stop: Stop, happened: list[Happening]) -> Activity:
        place = self._place(stop)
        happened.append(CheckedIn(at, stop, self._reading(at, Spot(*place))))
        return Activity("talk", at, round(at + self._talk_s(stop)), place, stop=stop)

    def _talk_s(self, stop: Stop) -> float:
        dice, truth = self._dice(f"talk|{stop.key}"), self._truth(stop)
        if truth == "passing":
            return dice.uniform(*self._s.passing_s)
        if truth == "spot":
            return dice.uniform(*self._s.padded_s)
        if stop.kind != "doctor":
            low, high = self._s.pharmacy_s
            return dice.triangular(low, high, low + (high - low) * 0.25)
        is_long = dice.random() < self._s.wait_long_share
        wait = dice.uniform(*(self._s.wait_long_s if is_long else self._s.wait_short_s))
        return wait + dice.uniform(*self._s.doctor_talk_s)

    def _close(self, at: float, stop: Stop, happened: list[Happening]) -> Activity:
        dice, truth, place = self._dice(f"close|{stop.key}"), self._truth(stop), self._place(stop)
        is_honest = truth == "honest"
        self._skipped.add(stop.visit_id)
        happened.append(Closed(
            at, stop, self._reading(at, Spot(*place)), truth,
            is_held=dice.random() >= self._s.not_met_share,
            has_photo=dice.random() < self._s.photo_share and is_honest,
            has_next_step=dice.random() < self._s.next_step_share,
        ))  # fmt: skip
        leave = 2 if truth == "passing" else dice.uniform(*self._s.leave_s)
        return Activity("leave", at, round(at + leave), place)

    # Taking up a day that began earlier

    def _resumed(self, now: float) -> Activity:
        open_ = [s for s in self._stops.values() if s.state == "under_way"]
        if open_:
            stop = max(open_, key=lambda s: s.checked_in or 0.0)
            began = stop.checked_in or now
            end = max(math.ceil(now) + 5, round(began + self._talk_s(stop)))
            return Activity("talk", now, end, self._place(stop), stop=stop)
        last = self._last_closed()
        if last is None:
            return Activity("wait", now, math.ceil(now), self._hours.home)
        return self._left_at(last, now)

    def _left_at(self, last: Stop, now: float) -> Activity:
        """Where he would be by now had he gone on from his last visit at once."""
        closed = min(last.closed or now, now)
        if now - closed > 3600:
            return Activity("wait", now, math.ceil(now), self._place(last))
        leave = self._dice(f"close|{last.key}").uniform(*self._s.leave_s)
        return Activity("leave", closed, max(round(closed + leave), math.ceil(closed)),
                        self._place(last))  # fmt: skip

    def _last_closed(self) -> Stop | None:
        done = [s for s in self._stops.values() if s.state == "closed"]
        return max(done, key=lambda s: s.closed or 0.0, default=None)

    def _last_point(self) -> Point:
        last = self._last_closed()
        return self._place(last) if last else self._hours.home

    # What the phone notices

    def _sample(self, until: float, happened: list[Happening]) -> None:
        """The tracker's fixes of the present activity up to a moment."""
        step = self._s.moving_every_s if self._now.way else self._s.standing_every_s
        at = max(self._next_fix, math.ceil(self._now.start))
        if self._now.kind not in _TRACKED:
            self._next_fix = max(self._next_fix, min(until, self._now.end))
            return
        while at <= until:
            reading = self._reading(at, self._now.spot(at))
            if reading:
                happened.append(reading)
            at += step
        self._next_fix = at

    def _reading(self, at: float, spot: Spot) -> Reading | None:
        if any(a <= at < b for a, b in self._gaps):
            return None
        battery = self._battery(at)
        if self._traits.conduct == "fake_gps":
            return self._faked(at, spot, battery)
        return self._receiver.read(at, spot.lat, spot.lng, spot.speed_mps, spot.course_deg, battery)

    def _faked(self, at: float, spot: Spot, battery: int) -> Reading:
        hidden = self._dice(f"mock|{self._stretch}").random() < self._s.fake_hidden_share
        lat, lng = shifted(spot.lat, spot.lng, 0, 0)
        return Reading(at, lat, lng, self._s.fake_accuracy_m, round(spot.speed_mps, 2),
                       spot.course_deg, battery, is_mock=not hidden)  # fmt: skip

    def _battery(self, at: float) -> int:
        hours = max(0.0, at - self._hours.starts) / 3600
        return max(3, round(96 - self._traits.battery_drain_pct_h * hours))


def _same_door(here: Point, there: Point, seconds: float) -> Way:
    metres = distance_m(*here, *there)
    return Way([here, there], [0.0, metres], [0.0, seconds], [0.0, metres])
