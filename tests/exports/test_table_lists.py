"""Lists of cards to fix, pairs, corrections, visits and messages as files: whole, in both forms, by right."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import sweeping
from fieldcrm.exports import service as exports
from fieldcrm.exports import sources
from fieldcrm.exports.model import BadExport
from fieldcrm.kit import clock, i18n, ids
from fieldcrm.kit.database import transaction
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.people.model import Role, RoleForbids
from fieldcrm.quality import checking
from fieldcrm.sync import corrections
from fieldcrm.wire.sync import ClientCorrectPayload
from tests.clients.base import Base
from tests.exports.test_exports import base as base
from tests.exports.test_exports import made

STATION = "Töölö Health Station"


@pytest.fixture
def busy(base: Base) -> Base:
    """The base checked and looked through, with a pair in the north and a correction asked there."""
    boss, north = base.actor("admin"), base.territories["north"]
    twin = {"name": "Töölö health station", "kind": "organisation", "territory_id": north,
            "address": "Sibeliuksenkatu 14", "city": "Helsinki", "lat": 60.1839, "lng": 24.9146,
            "phone": "09 310 45588"}  # fmt: skip
    clients.save(boss, twin)
    sweeping.run(sweeping.ask(boss).sweep.id)
    checking.run_now(boss)
    with transaction() as session:
        client = clients.get_in(session, boss, base.clients[STATION])
        payload = ClientCorrectPayload(address="=Uusi katu 1")
        corrections.ask_in(session, base.actor("rep_north"), client, ids.new_id(), payload)
    return base


def table(content: bytes, form: str) -> list[list[Any]]:
    """Cells of a file, the titles first."""
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def column(rows: list[list[Any]], key: str) -> list[Any]:
    at = rows[0].index(i18n.t(key, "en"))
    return [row[at] for row in rows[1:]]


@pytest.mark.parametrize("form", sources.TABLE)
def test_each_list_comes_whole_and_no_further_than_its_maker_sees(busy: Base, form: str) -> None:
    cards = table(made(busy, "manager_north", form, "quality", sort="name"), form)
    names = column(cards, "admin.field.name")
    assert names[1:] == [STATION, "Töölö health station"]
    assert not any("Ștefan" in name for name in names)
    assert all(0 <= int(score) <= 100 for score in column(cards, "quality.score"))
    pairs = table(made(busy, "manager_north", form, "duplicates"), form)
    assert len(pairs) == 2
    assert 0 < int(pairs[1][0]) <= 100
    asked = table(made(busy, "dispatcher_north", form, "corrections", status="open"), form)
    guard = "'" if form == "csv" else ""
    assert column(asked, "correct.wanted") == [f"{guard}=Uusi katu 1"]
    at = column(asked, "correct.asked")[0]
    assert (at if form == "xlsx" else datetime.fromisoformat(at)).date() == clock.local(
        clock.now()
    ).date()
    places = table(made(busy, "admin", form, "territories", search="NORTH"), form)
    assert [(r[0], *map(int, r[3:])) for r in places[1:]] == [("North", 3, 0, 0)]
    for list_name, source in sources.LISTS.items():
        if Role.manager in source.roles and form in source.forms:
            assert made(busy, "manager_south", form, list_name)
    assert len(table(made(busy, "manager_south", form, "corrections"), form)) == 1


def test_narrowed_by_words_that_are_known_and_to_whom_the_list_is_open(busy: Base) -> None:
    boss = busy.actor("admin")
    only = table(made(busy, "admin", "csv", "quality", code="no_place"), "csv")
    assert column(only, "admin.field.name") == ["Dr Щербаков Артём"] or len(only) > 1
    for list_name, asked in (
        ("quality", {"code": "ugly"}), ("quality", {"actor": "x"}), ("duplicates", {"kind": "x"}),
        ("corrections", {"first": "soon"}), ("corrections", {"what": "x"}),
    ):  # fmt: skip
        with pytest.raises(BadExport):
            exports.ask(boss, list_name, "csv", asked)
    with pytest.raises(RoleForbids):
        exports.ask(busy.actor("dispatcher_north"), "duplicates", "csv", {})
    with pytest.raises(RoleForbids):
        exports.ask(busy.actor("manager_north"), "territories", "csv", {})


def test_a_long_list_tells_how_far_it_is_and_stops_when_told(
    busy: Base, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(sources, "TOLD_EVERY", 1)
    shares: list[float] = []

    def stop_at_the_second(share: float) -> None:
        shares.append(share)
        if len(shares) == 2:
            raise Cancelled("by hand")

    source = sources.source("quality", "csv")
    with pytest.raises(Cancelled):
        source.write(busy.actor("admin"), "csv", {}, tmp_path / "f.csv", stop_at_the_second)
    assert 0 < shares[0] < shares[1] < 1
