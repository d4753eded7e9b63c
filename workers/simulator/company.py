"""The sample company: real places of central Helsinki, invented people, plans, a month behind it.

Everything is made at once in an empty database and marked as sample data. A load that is killed
leaves a mark; the next one wipes what it left and starts over.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import h3.api.basic_str as h3
from sqlalchemy import delete, insert
from sqlmodel import Session, SQLModel, select

from fieldcrm.clients import rules as client_rules
from fieldcrm.clients.tables import Affiliation, Client, Territory
from fieldcrm.forms import service as forms
from fieldcrm.kit import cells, clock, database, events, facts, ids
from fieldcrm.kit.settings import settings
from fieldcrm.people.model import SYSTEM
from fieldcrm.people.passwords import hash_password
from fieldcrm.people.tables import Team, User, UserTeam
from fieldcrm.planning.tables import Cycle, CycleTarget
from fieldcrm.regions.build import build_region, sample_extract
from fieldcrm.regions.model import LatLng, Place
from fieldcrm.regions.places import read_places
from fieldcrm.regions.roads import Roads
from fieldcrm.visits.tables import Product
from workers.simulator import names, rota, territories
from workers.simulator.clock import first_start
from workers.simulator.movement import Point

PASSWORD = "fieldcrm-sample"
LOADING = "sample_loading"
"""Fact that stands while a load runs; found at the next start, it says that one was killed."""
SEED = 20
COUNTRY = "FI"
TARGETS_PER_REP = 153
DOCTORS_PER_REP = 115
SECOND_WORKPLACE_SHARE = 0.08

Progress = Callable[[float, str], None]


class NotEmpty(Exception):
    """The database holds somebody's data: the sample company needs an empty one."""


@dataclass(frozen=True)
class Rep:
    """A rep of the sample and how he gets about."""

    login: str
    name: str
    mode: str
    language: str
    team: int


REPS = (
    Rep("oleg", "Oleg Baranov", "car", "ru", 0),
    Rep("ion", "Ion Munteanu", "car", "ro", 1),
    Rep("aino", "Aino Korpela", "foot", "en", 0),
    Rep("elena", "Elena Sorokina", "bicycle", "ru", 0),
    Rep("mikko", "Mikko Hallavaara", "foot", "en", 1),
    Rep("sanna", "Sanna Lindqvist", "bicycle", "en", 1),
)
"""In the order of the territories: those of the drivers come first."""
OFFICE = (
    ("dispatcher", "Diana Rusu", "dispatcher"),
    ("manager", "Marko Virtasalmi", "manager"),
    ("admin", "Anna Ström", "admin"),
)
TEAMS = ("Team Kluuvi", "Team Esplanadi")

PEOPLE_WEIGHT = {
    "clinic": 16, "doctor": 12, "medical_service": 10, "dentist": 9, "pharmacy": 7, "optician": 6,
    "salon": 4, "medical_shop": 3, "cosmetics": 3, "shop": 2,
}  # fmt: skip
"""How many people of the sample a kind of place has, relative to the others."""
DOCTOR_PLACES = ("clinic", "doctor", "medical_service", "dentist", "optician", "salon")
SPECIALTIES = {
    "clinic": ("General practice", "Cardiology", "Endocrinology", "Gynaecology", "Paediatrics",
               "Neurology", "Orthopaedics"),
    "doctor": ("General practice", "Internal medicine", "Dermatology"),
    "medical_service": ("Rehabilitation", "Laboratory medicine"),
    "dentist": ("Dentistry", "Orthodontics", "Oral surgery"),
    "optician": ("Ophthalmology", "Optometry"),
    "salon": ("Dermatology", "Aesthetic medicine", "Trichology"),
}  # fmt: skip
CATEGORY_SHARES = (("A", 0.68), ("B", 0.25), ("C", 0.07))


@dataclass
class Rows:
    """Everything to be stored, by table in the order of foreign keys."""

    by_table: dict[type[SQLModel], list[SQLModel]] = field(default_factory=dict)

    def add(self, row: SQLModel) -> Any:
        self.by_table.setdefault(type(row), []).append(row)
        return row

    def of(self, table: type[SQLModel]) -> list[Any]:
        return self.by_table.get(table, [])

    def store(self, session: Session) -> None:
        """Insert in bulk."""
        for table, rows in self.by_table.items():
            if table is Client:  # found by what its mapper folds as it is written
                session.add_all(rows)
                session.flush()
            else:
                session.execute(insert(table), [row.model_dump() for row in rows])


def _silent(_share: float, _what: str) -> None:
    """Nobody listens."""


def load(progress: Progress = _silent, now: datetime | None = None) -> None:
    """Make the sample company as it stands at `now` (default: the product's clock, where a setting
    moved it, else a workday at ten).

    Raises NotEmpty. Takes some 40 s; `progress` hears a share of 0 to 1 and a catalogue key.
    """
    from workers.simulator import history

    now = now or (clock.now() if settings().clock_start else first_start(clock.real_now()))
    _begin()
    progress(0.01, "sample.places")
    rows = make(read_places(sample_extract()), Roads(settings().region_dir), now)
    with database.transaction() as session, clock.held(now - timedelta(days=35)):
        rows.store(session)
        _put_forms(session, now)
        events.record(session, "sample.loaded", None, source="sample", data=_counts(rows))
    progress(0.08, "sample.plans")
    history.make(now, lambda share, what: progress(0.08 + 0.91 * share, what))
    with database.transaction() as session:
        session.execute(delete(facts.Fact).where(facts.Fact.key == LOADING))  # type: ignore[arg-type]
        facts.put(session, "sample_clock", now.isoformat())
    progress(1.0, "sample.done")


def _put_forms(session: Session, now: datetime) -> None:
    """The template forms, in use since before the history; phones of before them are borne with."""
    for form in forms.templates().values():
        made = forms.save_in(session, SYSTEM, form, is_sample=True)
        made.asked_since = now
        session.add(made)


def load_command(if_empty: bool) -> None:
    """`fieldcrm sample load`: the region, then the company, with a line of progress now and then."""
    build_region(sample_extract(), settings().home, settings().region, _Shown("the region"))
    if is_empty():
        load(_Shown("the sample company"))
    elif not if_empty:
        raise SystemExit("fieldcrm: the database holds data; the sample needs an empty one")


class _Shown:
    """Says progress on a terminal, a line each ten per cent."""

    def __init__(self, what: str) -> None:
        self.what, self.tenths = what, 0

    def __call__(self, share: float, _doing: str) -> None:
        tenths = int(share * 10 + 1e-9)
        if tenths > self.tenths:
            self.tenths = tenths
            print(f"fieldcrm: making {self.what}, {tenths * 10} %", flush=True)


def is_loaded() -> bool:
    """Whether a whole sample company is there."""
    with database.reading() as session:
        return bool(facts.get(session, facts.SAMPLE)) and not facts.get(session, LOADING)


def is_empty() -> bool:
    """Whether nobody's data is there: none at all, or what a killed load left."""
    with database.reading() as session:
        if facts.get(session, LOADING):
            return True
        return session.exec(select(User.id)).first() is None and (
            session.exec(select(Client.id)).first() is None
        )


def make(places: Sequence[Place], roads: Roads, now: datetime) -> Rows:
    """All rows but visits; the same for the same places and day but for ids."""
    maker = _Maker(places, roads, now)
    maker.staff()
    maker.territories()
    maker.organisations()
    maker.people()
    maker.cycle()
    return maker.rows


class _Maker:
    def __init__(self, places: Sequence[Place], roads: Roads, now: datetime) -> None:
        self.places, self.roads = places, roads
        self.now = now - timedelta(days=100)
        self.today = clock.local(now).date()
        self.dice = random.Random(SEED)
        self.rows = Rows()
        self.teams: list[Team] = []
        self.reps: list[User] = []
        self.areas: list[list[int]] = []
        self.orgs: dict[int, Client] = {}

    # People of the company

    def staff(self) -> None:
        self.teams = [
            self.rows.add(Team(id=self._id(), name=n, is_sample=True, created_at=self.now))
            for n in TEAMS
        ]
        self.areas = _areas(self.places, self.roads)
        for rep, area in zip(REPS, self.areas, strict=True):
            lat, lng = self._start(rep, area)
            self.reps.append(self._user(
                rep.login, rep.name, "rep", language=rep.language, mode=rep.mode, start_lat=lat,
                start_lng=lng, team_id=self.teams[rep.team].id,
            ))  # fmt: skip
        for login, name, role in OFFICE:
            user = self._user(login, name, role)
            if role != "admin":
                for team in self.teams:
                    self.rows.add(UserTeam(user_id=user.id, team_id=team.id))

    def _user(self, login: str, name: str, role: str, **more: Any) -> User:
        return self.rows.add(User(
            id=self._id(), login=login, name=name, role=role, is_sample=True,
            password_hash=hash_password(PASSWORD), created_at=self.now, **more,
        ))  # fmt: skip

    def _start(self, rep: Rep, area: list[int]) -> Point:
        """Where a rep's day begins: a street near the middle of the territory."""
        centre = territories.centre([self.places[i].point for i in area])
        if rep.mode == "car":
            near = min(area, key=lambda i: _apart(self.places[i].point, centre))
            return self.places[near].point
        found = self.roads.nearest("foot", LatLng(centre[0] + 0.0018, centre[1] - 0.0025))
        return (round(found.point.lat, 6), round(found.point.lng, 6)) if found else centre

    # Where they work

    def territories(self) -> None:
        centres = [territories.centre([self.places[i].point for i in a]) for a in self.areas]
        titles = territories.name_all(centres)
        for rep, area, title in zip(self.reps, self.areas, titles, strict=True):
            self.rows.add(Territory(
                id=self._id(), name=title, team_id=rep.team_id or "", rep_id=rep.id, is_sample=True,
                cells=sorted({_cell(self.places[i].point) for i in area}),
            ))  # fmt: skip

    def organisations(self) -> None:
        for territory, area in zip(self.rows.of(Territory), self.areas, strict=True):
            for i in area:
                self.orgs[i] = self._organisation(self.places[i], territory)

    def _organisation(self, place: Place, territory: Territory) -> Client:
        address = place.address
        street = " ".join(x for x in (address.street, address.housenumber) if x) or None
        kind = "pharmacy" if place.kind == "pharmacy" else "organisation"
        return self._client(
            kind, place.name, territory, external_id=place.osm_id, source="osm", phone=place.phone,
            email=place.email, website=place.website, address=street, city=address.city,
            postcode=address.postcode, opening_hours=place.opening_hours, tags=[place.kind],
            lat=place.lat, lng=place.lng,
        )  # fmt: skip

    def _client(self, kind: str, name: str, territory: Territory, **more: Any) -> Client:
        row = Client(id=self._id(), kind=kind, name=name, territory_id=territory.id,
                     is_sample=True, created_at=self.now, updated_at=self.now, **more)  # fmt: skip
        row.phone_e164 = client_rules.e164_of(row.phone, COUNTRY)
        return self.rows.add(row)

    # Whom they visit

    def people(self) -> None:
        count = len(REPS) * TARGETS_PER_REP
        given = iter(names.people_names(count, self.dice))
        for territory, area in zip(self.rows.of(Territory), self.areas, strict=True):
            healing = [i for i in area if self.places[i].kind in DOCTOR_PLACES]
            trading = [i for i in area if self.places[i].kind not in DOCTOR_PLACES] or area
            self._staff_of(territory, healing, DOCTORS_PER_REP, "doctor", given)
            others = TARGETS_PER_REP - DOCTORS_PER_REP
            as_such = trading[: others // 4]
            self._visited_as_such(as_such)
            self._staff_of(territory, trading, others - len(as_such), "buyer", given)

    def _visited_as_such(self, area: list[int]) -> None:
        """Places that are targets themselves."""
        for i, category in zip(area, self._categories(len(area)), strict=True):
            self.orgs[i].category = category
            self.orgs[i].visit_minutes = 20

    def _staff_of(
        self, territory: Territory, area: list[int], count: int, kind: str, given: Any
    ) -> None:
        weights = [PEOPLE_WEIGHT[self.places[i].kind] for i in area]
        homes = [*area, *self.dice.choices(area, weights, k=max(0, count - len(area)))][:count]
        for i, category in zip(homes, self._categories(count), strict=True):
            self._person(territory, i, kind, category, next(given))

    def _categories(self, count: int) -> list[str]:
        found = [c for c, share in CATEGORY_SHARES for _ in range(round(share * count))]
        found = [*found, *["B"] * count][:count]
        self.dice.shuffle(found)
        return found

    def _person(self, territory: Territory, at: int, kind: str, category: str, name: str) -> None:
        place, home = self.places[at], self.orgs[at]
        if kind == "buyer" and place.kind in ("pharmacy", "medical_shop"):
            kind = "pharmacist"
        specialty = self.dice.choice(SPECIALTIES[place.kind]) if kind == "doctor" else None
        person = self._client(
            kind, name, territory, specialty=specialty, category=category, source="sample",
            loyalty=self.dice.choice(("low", "neutral", "neutral", "loyal")),
            address=home.address, city=home.city, postcode=home.postcode, lat=home.lat,
            lng=home.lng, visit_minutes=25 if kind == "doctor" else 20,
        )  # fmt: skip
        self._works(person, home, True)
        if kind == "doctor" and self.dice.random() < SECOND_WORKPLACE_SHARE:
            others = [i for i, p in enumerate(self.places) if p.kind == place.kind and i != at]
            if others:
                self._works(person, self.orgs_at(self.dice.choice(others)), False)

    def orgs_at(self, index: int) -> Client:
        return self.orgs[index]

    def _works(self, person: Client, place: Client, is_main: bool) -> None:
        self.rows.add(Affiliation(
            id=self._id(), person_id=person.id, organisation_id=place.id, is_main=is_main,
            role=person.specialty or person.kind.capitalize(),
        ))  # fmt: skip

    # What they are to do

    def cycle(self) -> None:
        for name in names.PRODUCTS:
            self.rows.add(Product(id=self._id(), name=name, is_sample=True))
        starts = rota.cycle_start(self.today)
        owner = {t.id: t.rep_id for t in self.rows.of(Territory)}
        targets: dict[str, list[Client]] = defaultdict(list)
        for client in self.rows.of(Client):
            if client.category:
                targets[owner[client.territory_id]].append(client)
        for team in self.teams:
            cycle = self.rows.add(Cycle(
                id=self._id(), name=f"{starts:%Y-%m}", team_id=team.id, starts_on=starts,
                ends_on=starts + timedelta(days=90), is_sample=True,
            ))  # fmt: skip
            for rep in self.reps:
                if rep.team_id == team.id:
                    self._targets(cycle, rep, targets[rep.id])

    def _targets(self, cycle: Cycle, rep: User, clients: list[Client]) -> None:
        for number, client in enumerate(clients):
            category = client.category or "C"
            self.rows.add(CycleTarget(
                id=self._id(), cycle_id=cycle.id, rep_id=rep.id, client_id=client.id,
                category=category, planned=rota.planned_per_cycle(number, category),
            ))  # fmt: skip

    def _id(self) -> str:
        return ids.new_id(self.now)


def _areas(places: Sequence[Place], roads: Roads) -> list[list[int]]:
    """Indices of the places of each rep's territory, in the order of REPS."""
    held: dict[str, list[int]] = defaultdict(list)
    for i, place in enumerate(places):
        held[_cell(place.point)].append(i)
    by_car = set(roads.reachable_set("car", [p.point for p in places]))
    drivable = [c for c, inside in held.items() if by_car.issuperset(inside)]
    points = {c: [places[i].point for i in inside] for c, inside in held.items()}
    shares = territories.share_out(points, drivable, round(len(places) / len(REPS)))
    return [sorted(i for c in share for i in held[c]) for share in shares]


def _cell(point: Point) -> str:
    return h3.latlng_to_cell(point[0], point[1], cells.FINE)


def _apart(a: Point, b: Point) -> float:
    return (a[0] - b[0]) ** 2 + ((a[1] - b[1]) / 2) ** 2


def _counts(rows: Rows) -> dict[str, int]:
    return {str(table.__tablename__): len(found) for table, found in rows.by_table.items()}


def _begin() -> None:
    """Take an empty database, or one that a killed load left; mark it as being loaded."""
    from fieldcrm.migrations.schema import metadata

    if not is_empty():
        raise NotEmpty
    with database.transaction() as session:
        for table in reversed(metadata.sorted_tables):
            session.execute(table.delete())
        facts.put(session, LOADING, datetime.now(UTC).isoformat())
        facts.put(session, facts.SAMPLE, True)
