"""The event log in words: every kind has its own, ids become names, changes say what was before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock, i18n, ids
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import RoleForbids
from fieldcrm.reports import event_words
from fieldcrm.reports.eventlog import KINDS, Asked, page_of
from fieldcrm.visits.life import life
from tests.reports.conftest import Field

ROOT = Path(__file__).resolve().parents[2]
ABOUT = "user|team|device|client|clients|promise|territory|shift|mutation|track|person"
RECORDED = re.compile(rf'"((?:{ABOUT})\.[a-z_]*(?:ed|made|kept|_set|_left|_in|_out))"')


def event(what: str, **data: object) -> Event:
    return Event(id=ids.new_id(), at=clock.now(), kind=what, data=data)


def said(what: str, language: str = "en", **data: object) -> str:
    return event_words.change(event(what, **data), {}, language)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_kind_that_is_recorded_has_words(language: str) -> None:
    folders = [
        ROOT / "fieldcrm" / name
        for name in ("people", "clients", "tracking", "sync", "visits", "privacy")
    ]
    source = "\n".join(p.read_text() for f in folders for p in f.glob("*.py"))
    kinds = set(RECORDED.findall(source)) | {f"visit.{m}" for m in life().moves}
    assert len(kinds) > 35
    assert {k for k in kinds if event_words.what(k, language) == k} == set()
    assert {k for k in KINDS if f"event.about.{k}" not in i18n.catalogue(language)} == set()


def test_a_visits_state_and_its_verdict_are_told_before_and_after() -> None:
    data = {"from": "planned", "to": "under_way", "fields": ["state", "checked_in_at"]}
    assert said("visit.check_in", **data) == "planned → under way"
    assert said("visit.judged", verdict="confirmed", before="doubtful") == "Doubtful → Confirmed"
    assert said("visit.judged", verdict="confirmed", before=None) == "Confirmed"
    revised = {"from": "closed", "to": "closed", "fields": ["comment", "result", "unknown_one"]}
    assert said("visit.revise", **revised) == "Comment, Result"


def test_values_are_in_the_readers_words() -> None:
    change = {
        "before": {"category": "B", "city": None},
        "after": {"category": "A", "city": "Espoo"},
    }
    assert said("client.changed", **change) == "Category: B → A · City: — → Espoo"
    assert said("client.changed", "ru", **change) == "Категория: B → A · Город: — → Espoo"
    assert said("device.paired", kind="osmand", rep_id=ids.new_id()) == "Kind: Traccar Client"
    late = said("alert.raised", "ru", kind="late", km=1.5, cause="alert.cause.distance")
    assert late.startswith("Вид: ")
    assert "1,5" in late
    assert "alert.cause" not in late
    assert "tracking.cause" not in said("alert.raised", cause="tracking.cause.network")
    assert said("alert.raised", kind="clock_wrong", minutes=40).endswith(
        "phone's clock is wrong · Minutes: 40"
    )


def test_a_correction_tells_what_was_and_what_is_wanted() -> None:
    asked = {"before": {"city": None}, "wanted": {"city": "Espoo"}, "comment": "moved"}
    assert said("client.correction_asked", id="x", **asked) == "City: — → Espoo · Comment: moved"


def test_ids_become_names_and_the_log_tells_a_clients_change(team: Field) -> None:
    place = team.add_territory("north", "rep_north")
    other = team.add_territory("north", "rep_north", name="Töölö")
    client_id, admin = team.add_client("A", place), team.company.actor("admin")
    clients.save(admin, {"territory_id": other, "note": "x" * 300}, client_id)
    found, _ = page_of(admin, Asked(subject_id=client_id), "", 10)
    told = event_words.told(admin, found, "en")[0]
    assert told.what == "Client changed"
    assert told.about == clients.get(admin, client_id).name
    assert "→ Töölö" in told.change
    assert "x" * 81 not in told.change


def test_the_log_is_an_administrators(team: Field) -> None:
    with pytest.raises(RoleForbids):
        event_words.told(team.company.actor("manager_north"), [], "en")
