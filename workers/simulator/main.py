"""`fieldcrm simulate`: the sample's reps at work, through the public phone interfaces alone."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from fieldcrm.kit import clock, ids
from fieldcrm.kit.settings import settings
from fieldcrm.regions.roads import Roads
from workers.simulator import names, photo, words
from workers.simulator.day import (
    CheckedIn,
    Closed,
    Happening,
    LunchBegun,
    LunchOver,
    PutOff,
    RepDay,
    ShiftEnded,
    ShiftStarted,
    Stop,
    Timetable,
)
from workers.simulator.gps import Reading
from workers.simulator.keep import Keep
from workers.simulator.log import TruthLog
from workers.simulator.movement import Streets
from workers.simulator.phone import Address, Phone, Unreachable, local_day, moment
from workers.simulator.scenario import SAMPLE_SEED, TRAITS, Scenario
from workers.simulator.streets import RoadStreets

PASSWORD = "fieldcrm-sample"
OFFICE = "dispatcher"
"""Who pairs the reps' trackers, as an office does."""
TICK_S, FAST_TICK_S = 1.0, 0.2
"""Real seconds between two looks at the clock, at its own speed and faster."""

_log = logging.getLogger("simulate")


class Player:
    """Lives one rep's days and presses his phone's buttons."""

    def __init__(
        self, phone: Phone, scenario: Scenario, seed: str, streets: Streets, only: date | None
    ) -> None:
        self.phone, self._s, self._seed, self._streets = phone, scenario, seed, streets
        self._only = only
        self._day: date | None = None
        self._rep_day: RepDay | None = None
        self._shift_id = ""
        self.is_done = False

    async def play(self) -> None:
        """Advance with the clock; ends after the one day asked for, if any."""
        while not self.is_done:
            self.step()
            await asyncio.sleep(FAST_TICK_S if settings().clock_speed > 5 else TICK_S)

    def step(self) -> None:
        """Live up to now."""
        now = clock.now()
        today = local_day(now)
        if today != self._day:
            self._begin(today, now.timestamp())
        if self._rep_day is None:
            self.is_done = self._only is not None and today > self._only
            return
        for happening in self._rep_day.advance(now.timestamp(), self._stops(today)):
            self._tell(happening, today)

    def _begin(self, today: date, now: float) -> None:
        """A new day, or the running one taken up where the phone shows it."""
        self._day, self._rep_day = today, None
        if today.weekday() >= 5 or (self._only is not None and today != self._only):
            return
        rep_day = RepDay(
            self.phone.login, self.phone.traits, self._s, f"{self._seed}|{today}",
            self._hours(today), self._streets,
        )  # fmt: skip
        self._give_up_forgotten(today, now)
        shift = self.phone.shift_of(today)
        is_open = None if shift is None else shift["ended_at_ms"] is None
        self._shift_id = shift["id"] if shift else ""
        rep_day.resume(now, self._stops(today), is_open, _lunch(shift))
        self._rep_day = rep_day

    def _give_up_forgotten(self, today: date, now: float) -> None:
        """Cancel what an earlier day left under way."""
        for visit in list(self.phone.of("visit").values()):
            if visit["state"] == "under_way" and visit["day"] < today.isoformat():
                reason = {"reason": names.FORGOTTEN[self._language]}
                self._press("visit.cancel", visit["id"], now, reason)

    def _hours(self, day: date) -> Timetable:
        (profile,) = self.phone.of("profile").values()
        midnight = clock.day_bounds(day)[0].timestamp()
        lunch = profile["lunch"]
        return Timetable(
            midnight + 60 * profile["shift_start_min"], midnight + 60 * profile["shift_end_min"],
            midnight + 60 * lunch["start_min"], 60 * lunch["minutes"], profile["mode"],
            (profile["start_lat"], profile["start_lng"]),
        )  # fmt: skip

    def _stops(self, day: date) -> list[Stop]:
        return [self._stop(v) for v in self.phone.visits_of(day) if v["lat"] is not None]

    def _stop(self, v: dict[str, Any]) -> Stop:
        client = self.phone.of("client").get(v["client_id"], {})
        name, kind = client.get("name", v["client_id"]), client.get("kind", "doctor")
        return Stop(
            v["id"], f"{name}|{v['lat']:.5f}", kind, v["lat"], v["lng"], v["position"], v["state"],
            moment(v["planned_at_ms"]), moment(v["checked_in_at_ms"]), moment(v["closed_at_ms"]),
        )  # fmt: skip

    # What happened, pressed on the phone

    def _tell(self, told: Happening, day: date) -> None:
        match told:
            case Reading():
                self.phone.take_reading(told)
            case ShiftStarted():
                self._shift_id = ids.new_id()
                self._press("shift.start", self._shift_id, told.at)
            case ShiftEnded():
                self._press("shift.end", self._shift_id, told.at)
                self.is_done = self._only is not None
            case LunchBegun():
                self._press("shift.pause", self._shift_id, told.at, {"kind": "lunch"})
            case LunchOver():
                self._press("shift.resume", self._shift_id, told.at)
            case CheckedIn():
                self._press("visit.check_in", told.stop.visit_id, told.at, self._check_in(told))
            case Closed():
                self._close(told, day)
            case PutOff():
                self._put_off(told, day)

    def _press(
        self, kind: str, subject: str, at: float, payload: dict[str, Any] | None = None
    ) -> None:
        self.phone.do(kind, subject, at, payload or {})

    @property
    def _language(self) -> str:
        return self.phone.me["user"]["language"]

    def _check_in(self, told: CheckedIn) -> dict[str, Any]:
        if told.reading is None:
            return {"no_gps_reason": "no_signal", "comment": names.NO_GPS[self._language]}
        return {"position": self.phone.position(told.reading)}

    def _close(self, told: Closed, day: date) -> None:
        products = sorted((p["id"], p["name"]) for p in self.phone.of("product").values())
        said = words.closing(
            told.stop.kind, told.is_held, told.has_next_step, self._language,
            sorted(products, key=lambda p: p[1]), day, random.Random(f"{day}|{told.stop.key}"),
            [*self.phone.of("form").values()],
        )  # fmt: skip
        said["position"] = self.phone.position(told.reading)
        said["no_gps_reason"] = None if told.reading else "no_signal"
        said["attachments"] = [self._photo(told)] if told.has_photo else []
        self.phone.log.note(
            "closed", self.phone.login, visit=told.stop.visit_id, truth=told.truth,
            at_ms=round(told.at * 1000), photos=[a["sha256"] for a in said["attachments"]],
        )  # fmt: skip
        self._press("visit.close", told.stop.visit_id, told.at, said)

    def _photo(self, told: Closed) -> dict[str, Any]:
        sha256, content = photo.shelf(told.stop.visit_id)
        self.phone.photos[sha256] = content
        where = told.reading
        return {
            "id": ids.new_id(), "sha256": sha256, "kind": "photo", "content_type": "image/jpeg",
            "size": len(content), "taken_at_ms": self.phone.own_ms(told.at - 30),
            "lat": where.lat if where else None, "lng": where.lng if where else None,
        }  # fmt: skip

    def _put_off(self, told: PutOff, day: date) -> None:
        payload = {"day": workday_after(day).isoformat(), "reason": names.PUT_OFF[self._language]}
        self._press("visit.move", told.stop.visit_id, told.at, payload)


def workday_after(day: date) -> date:
    """The next day that isn't a weekend's."""
    later = day + timedelta(days=1)
    while later.weekday() >= 5:
        later += timedelta(days=1)
    return later


def _lunch(shift: dict[str, Any] | None) -> str:
    pauses = [p for p in (shift or {}).get("pauses", []) if p["kind"] == "lunch"]
    if not pauses:
        return "none"
    return "open" if pauses[-1]["to_ms"] is None else "over"


# The whole crew


class Office:
    """Pairs trackers over the public API, signed in as the office."""

    def __init__(self, address: Address) -> None:
        self._http = httpx.AsyncClient(base_url=address.server, timeout=10, verify=address.trust)
        self._lock = asyncio.Lock()
        self._is_in = False

    async def pair(self, rep_id: str, kind: str, name: str) -> dict[str, Any]:
        """A new device of a rep: {device, token, uri, qr_svg}; raises Unreachable."""
        try:
            async with self._lock:
                await self._sign_in()
            body = {"rep_id": rep_id, "kind": kind, "name": f"{name} (simulated)"}
            answer = await self._http.post("/api/v1/devices", json=body)
        except httpx.TransportError as error:
            raise Unreachable(str(error)) from error
        if answer.status_code != 201:
            raise Unreachable(f"pairing: {answer.status_code} {answer.text[:200]}")
        return answer.json()

    async def _sign_in(self) -> None:
        if not self._is_in:
            body = {"login": OFFICE, "password": PASSWORD}
            answer = await self._http.post("/api/v1/session", json=body)
            self._is_in = answer.status_code == 200

    async def close(self) -> None:
        await self._http.aclose()


async def simulate(options: argparse.Namespace) -> None:
    """Set every phone up, then play until stopped or until the day asked for is over and sent."""
    address = Address(options.server, options.gateway, options.ca)
    log, office = TruthLog(options.log), Office(address)
    streets = RoadStreets(Roads(settings().region_dir))
    folder = options.phones or settings().home / "simulator"
    absent = {name.strip() for name in options.except_reps.split(",")}
    phones = [
        Phone(login, PASSWORD, address, traits, Keep(folder, login), log)
        for login, traits in TRAITS.items() if login not in absent
    ]  # fmt: skip
    players = [Player(p, Scenario(), options.seed, streets, options.day) for p in phones]
    try:
        await asyncio.gather(*(phone.set_up(office.pair) for phone in phones))
        _log.info("playing %s", ", ".join(p.login for p in phones))
        await _play(phones, players)
    finally:
        for phone in phones:
            await phone.close()
        await office.close()
        log.close()


async def _play(phones: Sequence[Phone], players: Sequence[Player]) -> None:
    lives = [asyncio.create_task(phone.run()) for phone in phones]
    days = asyncio.gather(*(player.play() for player in players))
    saving = asyncio.create_task(_save_now_and_then(phones))
    try:
        done, _ = await asyncio.wait([days, *lives], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        while not all(phone.is_idle for phone in phones):
            await asyncio.sleep(0.2)
        for phone in phones:
            phone.log.note("end", phone.login)
    finally:
        for task in (days, saving, *lives):
            task.cancel()
        await asyncio.gather(days, saving, *lives, return_exceptions=True)


async def _save_now_and_then(phones: Sequence[Phone]) -> None:
    while True:
        await asyncio.sleep(10)
        for phone in phones:
            phone.save()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="fieldcrm simulate",
        description="Plays the sample company's reps through the public phone interfaces.",
    )
    made.add_argument("--day", type=date.fromisoformat, help="play this day only, then end")
    made.add_argument("--except", dest="except_reps", default="", help="logins left to people")
    made.add_argument("--seed", default=SAMPLE_SEED, help="another seed is another day")
    made.add_argument("--log", type=Path, help="write what truly happened as JSON lines")
    s = settings()
    made.add_argument("--server", default=f"{s.scheme}://localhost:{s.port}",
                      help="origin of pages and API")  # fmt: skip
    made.add_argument("--gateway", default=f"{s.scheme}://localhost:{s.gateway_port}",
                      help="origin of the gateway; empty: as the server tells")  # fmt: skip
    made.add_argument("--ca", default=_own_ca(), help="certificate authority to trust (PEM file)")
    made.add_argument("--phones", type=Path, help="folder of the phones' own storage")
    return made


def _own_ca() -> str | None:
    path = settings().home / "tls" / "ca.pem"
    return str(path) if settings().tls and path.is_file() else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until stopped."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await simulate(options)

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        return
