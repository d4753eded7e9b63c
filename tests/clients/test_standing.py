"""Evidence for category and loyalty, and consent: what can be, whose it is, how it comes and goes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.clients import exporting, import_undo, importing, service, standing, standing_words
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.model import BadClientField, ClientFilters, Condition, ConsentToCome
from fieldcrm.clients.views import service as views
from fieldcrm.kit import clock
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base, lay_out

NOW = datetime(2025, 1, 10, 12, tzinfo=UTC)
STATION, DOCTOR, FARMACIA = "Töölö Health Station", "Dr Щербаков Артём", "Farmacia Ștefan cel Mare"
SALES = {"source": "sales", "on": "2024-05-04", "text": "120 packs; a month"}
GIVEN = {"state": "given", "on": "2024-05-04", "source": "form", "text": "signed"}
GONE = {"state": "withdrawn", "on": "2024-06-01", "source": "message", "text": ""}

PROOFS = st.fixed_dictionaries({
    "source": st.sampled_from(standing.SOURCES),
    "on": st.one_of(st.just(""), st.dates(date(1990, 1, 1), date(2099, 12, 31)).map(str)),
    "text": st.text(max_size=40).map(lambda t: standing._text("evidence", t)),
})  # fmt: skip


@pytest.fixture
def base(any_db: str) -> Base:
    return lay_out()


@pytest.fixture
def _today(base: Base) -> Iterator[None]:
    """The clock stands at NOW, once the base is there."""
    with clock.held(NOW):
        yield


def save(base: Base, told: dict[str, Any], name: str = STATION, login: str = "admin") -> Any:
    return service.save(base.actor(login), told, base.clients[name])


def last_change(base: Base, name: str = STATION) -> dict[str, Any]:
    return service.history(base.actor("admin"), base.clients[name])[0].data


# ---- pure ----


@given(PROOFS)
def test_evidence_comes_back_from_its_cell(proof: dict[str, str]) -> None:
    cell = standing.written(proof)
    assert standing.read_cell("category_evidence", cell) == {"category": proof}


@given(PROOFS, st.sampled_from(standing.STATES), st.sampled_from(standing.CONSENT_SOURCES))
def test_consent_comes_back_from_its_cell(proof: dict[str, str], state: str, source: str) -> None:
    told = {"state": state} | proof | {"source": source}
    assert standing.read_cell("consent_call", standing.written(told)) == {"call": told}


UNDATED = {"state": "withdrawn", "on": "", "source": "other", "text": ""}
ASKED = {"state": "asked", "on": "2025-01-01", "source": "visit", "text": ""}
LATER = GIVEN | {"on": "2024-07-01"}


@pytest.mark.parametrize("there", [GONE, UNDATED])
@pytest.mark.parametrize("told", [GIVEN, ASKED, GIVEN | {"on": ""}])
def test_nothing_older_or_less_than_an_answer_takes_a_withdrawal_away(
    there: dict[str, str], told: dict[str, str]
) -> None:
    class Card:
        def __init__(self, consents: dict[str, Any]) -> None:
            self.consents = consents

    assert standing.later({"email": there}, {"email": told}) == {"email": there}
    for pair in ((there, told), (told, there)):
        cards = [Card({"email": consent}) for consent in pair]
        assert standing.both_consents(*cards) == {"email": there}


def test_a_later_answer_stands_and_of_one_day_the_stricter_where_it_is_stale() -> None:
    assert standing.later({"email": GONE}, {"email": LATER}) == {"email": LATER}
    same = GIVEN | {"on": GONE["on"]}
    assert standing.later({"email": GONE}, {"email": same}) == {"email": same}
    assert standing.later({"email": GONE}, {"email": same}, is_stale=True) == {"email": GONE}


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("Дано; 4.5.2024; visit; подписал", ("given", "2024-05-04", "visit", "подписал")),
        ("retras", ("withdrawn", "", "other", "")),
        ("YES; по словам коллеги", ("given", "", "other", "по словам коллеги")),
        ("withdrawn; 31.02.2024", ("withdrawn", "", "other", "31.02.2024")),
    ],
)
def test_people_write_consent_as_they_do(cell: str, told: tuple[str, ...]) -> None:
    (read,) = standing.read_cell("consent_email", cell).values()
    assert (read["state"], read["on"], read["source"], read["text"]) == told


@pytest.mark.parametrize(
    "told",
    [
        {"category": "A"}, {"mood": SALES}, {"category": SALES | {"on": "yesterday"}}, [],
        {"category": SALES | {"source": "dream"}}, {"category": SALES | {"text": "x" * 301}},
        {"category": SALES | {"on": "0001-01-01"}},
    ],
)  # fmt: skip
def test_what_is_no_evidence(told: Any) -> None:
    with pytest.raises(BadClientField):
        standing.clean_evidence(told)


@pytest.mark.parametrize("told", [{"fax": GIVEN}, {"call": GIVEN | {"state": "maybe"}}, {"call": GIVEN | {"source": "sales"}}])  # fmt: skip
def test_what_is_no_consent(told: Any) -> None:
    with pytest.raises(BadClientField):
        standing.clean_consents(told)


def test_words_say_what_is_known() -> None:
    assert standing_words.said(SALES, "en") == "4 May 2024 · sales · 120 packs; a month"
    assert standing_words.said(GIVEN, "ru") == "дано · 4 мая 2024 · письменно · signed"


# ---- kept ----


def test_evidence_goes_with_the_value_that_it_speaks_for(base: Base) -> None:
    assert save(base, {"evidence": {"category": SALES}}).evidence == {"category": SALES}
    assert save(base, {"category": "A", "city": "Espoo"}).evidence == {"category": SALES}
    assert save(base, {"category": "B"}).evidence == {}, "it spoke for an A"
    assert last_change(base)["before"] == {"category": "A", "evidence": {"category": SALES}}
    both = save(base, {"category": "C", "evidence": {"category": SALES, "loyalty": SALES}})
    assert both.evidence == {"category": SALES}, "nothing speaks for a loyalty that isn't there"
    assert save(base, {"evidence": {"category": None}}).evidence == {}


def test_what_is_added_says_what_is_known_and_nothing_else(base: Base) -> None:
    boss = base.actor("admin")
    told = {"name": "Apteka", "kind": "pharmacy", "category": "B"}
    bare = service.save(boss, told)
    full = service.save(boss, told | {"evidence": {"category": SALES, "loyalty": SALES}})
    assert (bare.evidence, full.evidence) == ({}, {"category": SALES})
    fields = [service.history(boss, c.id)[0].data["fields"] for c in (bare, full)]
    assert ["evidence" in told for told in fields] == [False, True]
    assert not any("consents" in told for told in fields)


def test_consent_is_told_by_channel_and_kept_in_history(base: Base) -> None:
    save(base, {"consents": {"email": GIVEN, "call": GIVEN}})
    card = save(base, {"consents": {"email": GONE}})
    assert card.consents == {"email": GONE, "call": GIVEN}
    assert last_change(base) == {
        "before": {"consents": {"email": GIVEN}}, "after": {"consents": {"email": GONE}},
    }  # fmt: skip
    assert standing_words.warning(card, "en") == "Consent withdrawn: e-mail"
    assert save(base, {"consents": {"call": {"state": "none"}}}).consents == {"email": GONE}
    assert save(base, {"note": "x"}).consents == {"email": GONE}


def test_a_rep_notes_consent_but_no_evidence(base: Base) -> None:
    assert save(base, {"consents": {"visit": GIVEN}}, login="rep_north").consents == {
        "visit": GIVEN
    }
    with pytest.raises(RoleForbids):
        save(base, {"evidence": {"category": SALES}}, login="rep_north")


# ---- in and out ----


def test_a_list_goes_out_and_comes_in_again_the_same(base: Base) -> None:
    save(base, {"evidence": {"category": SALES}, "consents": {"email": GONE, "visit": GIVEN}})
    boss = base.actor("admin")
    file = exporting.export_csv(boss)
    row = next(r for r in csv.DictReader(io.StringIO(file.decode("utf-8-sig"))) if r["name"] == STATION)  # fmt: skip
    assert row["category_evidence"] == "2024-05-04; sales; 120 packs; a month"
    assert (row["consent_email"], row["consent_call"]) == ("withdrawn; 2024-06-01; message", "")
    again = importing.preview_import(boss, "clients.csv", file, match="name_address", mode="upsert")
    assert (again.counts["unchanged"], again.counts["update"]) == (3, 0)


def test_an_import_sets_and_its_undo_restores(base: Base) -> None:
    save(base, {"evidence": {"category": SALES}, "consents": {"email": GIVEN}}, FARMACIA)
    boss = base.actor("admin")
    before = service.get(boss, base.clients[FARMACIA])
    file = ("external_id,name,category,category_evidence,consent_email,consent_call\n"
            "F-001,Farmacia Ștefan cel Mare,A,,отозвано; 01.06.2024,\n"
            "F-002,Farmacia Nouă,B,survey; asks for more,given,perhaps\n")  # fmt: skip
    preview = importing.preview_import(
        boss, "a.csv", file.encode(), match="external_id", mode="upsert"
    )
    assert [(t.row, t.code, t.blocks) for t in preview.troubles] == [(3, "bad_standing", False)]
    importing.run_import(boss, preview.run_id)
    changed = service.get(boss, base.clients[FARMACIA])
    assert (changed.category, changed.evidence) == ("A", {}), "the old evidence spoke for a C"
    assert standing.withdrawn(changed.consents) == ["email"]
    (made,) = service.find(boss, "Nouă").rows
    assert made.evidence["category"] == {"source": "survey", "on": "", "text": "asks for more"}
    assert made.consents["email"]["state"] == "given"
    import_undo.undo_import(boss, preview.run_id)
    after = service.get(boss, base.clients[FARMACIA])
    assert after.model_dump() == before.model_dump()


# ---- merged and parted ----


def twins(base: Base, mine: dict[str, Any], theirs: dict[str, Any]) -> tuple[str, str]:
    boss = base.actor("admin")
    made = [
        service.save(boss, {"name": f"Twin {n}", "kind": "pharmacy", **told}).id
        for n, told in enumerate((mine, theirs))
    ]
    return made[0], made[1]


def test_a_merge_takes_evidence_with_its_value_and_gives_it_back(base: Base) -> None:
    boss, survey = base.actor("admin"), SALES | {"source": "survey"}
    winner, loser = twins(
        base,
        {"category": "B", "evidence": {"category": survey}},
        {"category": "A", "loyalty": "friend", "evidence": {"category": SALES, "loyalty": SALES}},
    )
    made = merging.merge(boss, winner, loser, ("category",))
    card = service.get(boss, winner)
    assert (card.category, card.evidence) == ("A", {"category": SALES, "loyalty": SALES})
    merging.undo(boss, made.id)
    card = service.get(boss, winner)
    assert (card.category, card.loyalty, card.evidence) == ("B", None, {"category": survey})
    assert service.get(boss, loser).evidence == {"category": SALES, "loyalty": SALES}


@pytest.mark.parametrize(
    ("later", "letter", "proof"),
    [
        ({"evidence": {"category": GIVEN | {"source": "visit"}}}, "A", "visit"),
        ({"category": "C"}, "C", None),
        ({"category": "C", "evidence": {"category": SALES}}, "C", "sales"),
        ({"city": "Bălți"}, "B", "survey"),
    ],
)
def test_what_somebody_said_after_a_merge_stays(
    base: Base, later: dict[str, Any], letter: str, proof: str | None
) -> None:
    boss = base.actor("admin")
    survey = SALES | {"source": "survey"}
    winner, loser = twins(
        base, {"category": "B", "evidence": {"category": survey}}, {"category": "A"}
    )
    made = merging.merge(boss, winner, loser, ("category",))
    assert service.get(boss, winner).evidence == {}, "nothing is known of the A that was taken"
    service.save(boss, later, winner)
    merging.undo(boss, made.id)
    card = service.get(boss, winner)
    assert (card.category, card.evidence.get("category", {}).get("source")) == (letter, proof)


def test_of_two_consents_the_later_word_stays_and_each_gets_his_own_back(base: Base) -> None:
    boss, asked = base.actor("admin"), GIVEN | {"state": "asked"}
    winner, loser = twins(
        base, {"consents": {"email": GIVEN, "call": GIVEN}}, {"consents": {"email": GONE, "call": asked, "visit": GIVEN}})  # fmt: skip
    made = merging.merge(boss, winner, loser)
    assert service.get(boss, winner).consents == {"visit": GIVEN, "call": GIVEN, "email": GONE}
    service.save(boss, {"consents": {"message": GONE}}, winner)
    merging.undo(boss, made.id)
    assert service.get(boss, winner).consents == {"email": GIVEN, "call": GIVEN, "message": GONE}
    assert service.get(boss, loser).consents == {"email": GONE, "call": asked, "visit": GIVEN}


def test_an_older_file_takes_no_withdrawal_back(base: Base) -> None:
    boss = base.actor("admin")
    save(base, {"external_id": "X1", "consents": {"email": GONE}})
    file = f"external_id,name,consent_email\nX1,{STATION},{standing.written(GIVEN)}\n"
    seen = importing.preview_import(boss, "old.csv", file.encode(), match="external_id")
    importing.run_import(boss, seen.run_id)
    assert service.get(boss, base.clients[STATION]).consents == {"email": GONE}


def test_a_rep_takes_no_word_off_a_card(base: Base) -> None:
    save(base, {"consents": {"email": GONE}})
    for told in (None, {"email": None}, {"email": {"state": "none"}}):
        with pytest.raises(RoleForbids):
            save(base, {"consents": told}, login="rep_north")
    kept = save(base, {"consents": {"call": LATER}}, login="rep_north").consents
    assert kept == {"call": LATER, "email": GONE}


# ---- what can't be yet, and what speaks for nothing ----

TOMORROW = GIVEN | {"on": "2025-01-11"}


@pytest.mark.usefixtures("_today")
def test_no_consent_of_a_day_to_come_is_taken_at_the_office(base: Base) -> None:
    save(base, {"consents": {"call": GIVEN | {"on": "2025-01-10"}}})
    for told in ({"email": TOMORROW}, {"call": GONE | {"on": "2031-01-01"}}):
        with pytest.raises(ConsentToCome):
            save(base, {"consents": told})
    boss = base.actor("admin")
    with pytest.raises(ConsentToCome):
        service.save(boss, {"name": "Apteka", "kind": "pharmacy", "consents": {"email": TOMORROW}})
    card = service.get(boss, base.clients[STATION])
    assert card.consents == {"call": GIVEN | {"on": "2025-01-10"}}


@pytest.mark.usefixtures("_today")
def test_a_consent_that_stands_already_keeps_its_day(base: Base) -> None:
    with clock.held(datetime(2025, 2, 1, tzinfo=UTC)):
        save(base, {"consents": {"email": TOMORROW}})
    card = save(base, {"city": "Espoo", "consents": {"email": TOMORROW, "call": GIVEN}})
    assert card.consents == {"email": TOMORROW, "call": GIVEN}


@pytest.mark.usefixtures("_today")
def test_an_import_names_what_it_leaves_out(base: Base) -> None:
    save(base, {"external_id": "X1", "category": None, "loyalty": None}, STATION)
    save(base, {"external_id": "X2", "category": "B", "loyalty": None}, DOCTOR)
    boss = base.actor("admin")
    sure = standing.written(SALES)
    file = ("Code,Name,Class,Why,Loyal,Why so,Mail\n"
            f"X1,{STATION},,{sure},,,given; 2025-01-11\n"
            f"X2,{DOCTOR},,{sure},,{sure},given; 2025-01-10\n"
            f"X3,Apteka,,{sure},high,{sure},\n"
            f"X4,Farmacia Nouă,C,{sure},,,\n")  # fmt: skip
    fields = ("external_id", "name", "category", "category_evidence", "loyalty", "loyalty_evidence", "consent_email")  # fmt: skip
    mapping = dict(zip(file.splitlines()[0].split(","), fields, strict=True))
    told = {"mapping": mapping, "match": "external_id", "constants": {"kind": "pharmacy"}}
    seen = importing.preview_import(boss, "a.csv", file.encode(), **told)
    assert [(t.row, t.code, t.column, t.blocks) for t in seen.troubles] == [
        (2, "consent_to_come", "Mail", False), (2, "no_category", "Why", False),
        (3, "no_loyalty", "Why so", False), (4, "no_category", "Why", False),
    ]  # fmt: skip
    assert seen.counts["rejected"] == 0
    importing.run_import(boss, seen.run_id)
    station, doctor = (service.get(boss, base.clients[n]) for n in (STATION, DOCTOR))
    assert (station.evidence, station.consents) == ({}, {})
    assert (doctor.evidence, doctor.consents["email"]["on"]) == ({"category": SALES}, "2025-01-10")
    made = {c.external_id: c.evidence for c in service.find(boss).rows}
    assert (made["X3"], made["X4"]) == ({"loyalty": SALES}, {"category": SALES})


# ---- lists ----


def listed(base: Base, *asked: tuple[str, str, str]) -> set[str]:
    wanted = ClientFilters(conditions=tuple(Condition(*c) for c in asked))
    boss = base.actor("admin")
    found = service.find(boss, filters=wanted).rows
    assert service.count(boss, wanted) == len(found)
    return {c.name for c in found}


def test_a_list_is_narrowed_by_what_stands_for_a_channel(base: Base) -> None:
    spoken = GIVEN | {"text": '"email": {"state": "withdrawn"'}
    save(base, {"consents": {"call": spoken, "email": ASKED}})
    save(base, {"consents": {"email": GONE, "call": GIVEN}}, DOCTOR)
    assert listed(base, ("consent_call", "is", "given")) == {STATION, DOCTOR}
    assert listed(base, ("consent_email", "is", "withdrawn")) == {DOCTOR}
    assert listed(base, ("consent_email", "is_not", "withdrawn")) == {STATION, FARMACIA}
    assert listed(base, ("consent_email", "is", "asked")) == {STATION}
    assert listed(base, ("consent_email", "is", "none")) == {FARMACIA}
    assert listed(base, ("consent_visit", "is", "none")) == {STATION, DOCTOR, FARMACIA}
    assert listed(base, ("consent_call", "is", "given"), ("consent_email", "is", "asked")) == {STATION}  # fmt: skip
    save(base, {"consents": {"email": None}}, DOCTOR)
    assert listed(base, ("consent_email", "is", "none")) == {DOCTOR, FARMACIA}


@pytest.mark.parametrize("told", [("consent_fax", "is", "given"), ("consent_call", "is", "maybe"), ("consent_call", "has", "given")])  # fmt: skip
def test_what_cannot_be_asked_of_consent(base: Base, told: tuple[str, str, str]) -> None:
    with pytest.raises(BadClientField):
        listed(base, told)


def test_views_and_files_take_consent_along(base: Base) -> None:
    save(base, {"consents": {"email": GONE}}, DOCTOR)
    boss = base.actor("manager_north")
    asked = {"field": "consent_email", "op": "is", "value": "withdrawn"}
    saved = views.save(boss, "No letters", {"columns": ["city", "consents"], "conditions": [asked]})
    again = views.get(boss, saved.id)
    assert (again.state.columns, again.gone) == (("city", "consents"), ())
    file = exporting.export_csv(base.actor("admin"), "", views.filters_of(boss, again.state))
    (row,) = csv.DictReader(io.StringIO(file.decode("utf-8-sig")))
    assert (row["name"], row["consent_email"]) == (DOCTOR, "withdrawn; 2024-06-01; message")


def test_a_cell_names_what_was_taken_back_before_what_is_allowed() -> None:
    class Card:
        consents = {"call": GIVEN, "visit": GIVEN, "email": GONE, "message": ASKED}

    assert standing_words.short(Card(), "en") == "withdrawn: e-mail · visits, calls"
    assert standing_words.short(Card(), "ru") == "отозвано: эл. почта · визиты, звонки"
    Card.consents = {"message": ASKED}
    assert standing_words.short(Card(), "ro") == ""
