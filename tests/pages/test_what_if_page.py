"""The what-if page: a question asked, scenarios put together and worked out, figures and territories told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fieldcrm.kit import clock, jobs
from fieldcrm.kit.database import transaction
from fieldcrm.pages.what_if_state import WhatIfPage
from fieldcrm.people.tables import User
from fieldcrm.planning import whatif
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field
from workers.optimiser.whatif_jobs import run_scenario


def _stage(team: Field) -> dict[str, str]:
    """Two reps with clients some kilometres apart."""
    reps = {name: team.company.users[name] for name in ("rep_north", "second_north")}
    for name in reps:
        home = team.add_territory("north", name)
        for n in range(6):
            team.add_client("ABC"[n % 3], home)
    with transaction() as session:
        for n, rep in enumerate(reps.values()):
            row = session.get_one(User, rep)
            row.start_lat, row.start_lng = 60.17 + 0.006 * n, 24.94
    return reps


def _asked(page: Any) -> None:
    call(page, "ask")
    assert page.refused == ""
    assert page.is_working
    run_scenario(page.columns[0].id)
    call(page, "watch")


def figure(page: Any, name: str) -> list[str]:
    row = next(r for r in page.rows if r.name == name)
    return [cell.text for cell in row.cells]


def test_a_scenario_is_put_together_worked_out_and_stands_beside_the_team_as_it_is(
    team: Field, open_page: Open
) -> None:
    reps = _stage(team)
    page = open_page(WhatIfPage, "manager_north")
    assert (page.is_broken, page.question, len(page.teams)) == (False, "", 1)
    _asked(page)
    assert [c.status for c in page.columns] == ["ready"]
    assert page.is_estimate
    assert len(page.territories) == 2
    assert {a.number for a in page.areas} == {1, 2}
    call(page, "build")
    call(page, "form", "kind", "lose_rep")
    call(page, "form", "who", reps["rep_north"])
    call(page, "add")
    assert page.draft == ["Without Rep North"]
    assert [r.value for r in page.reps] == [reps["second_north"]]
    call(page, "form", "kind", "frequency")
    call(page, "form", "letter", "A")
    call(page, "form", "rate", "8")
    call(page, "add")
    assert page.draft[1] == "A: twice a week"
    call(page, "take_back")
    assert len(page.draft) == 1
    call(page, "work_out")
    assert (page.refused, page.is_building, page.is_working) == ("", False, True)
    run_scenario(page.columns[1].id)
    call(page, "watch")
    assert not page.is_working
    assert page.columns[1].changes == ["Without Rep North"]
    assert figure(page, "Reps") == ["2", "1"]
    cost = next(r for r in page.rows if r.name == "Cost").cells[1]
    assert (cost.tone, cost.verdict, cost.change[0]) == ("better", "better", "−")
    assert [t.name for t in page.territories] == ["Second North"]
    call(page, "pick", page.columns[0].id)
    assert len(page.territories) == 2
    again = open_page(WhatIfPage, "dispatcher_north")
    assert len(again.earlier) == 1
    call(again, "open", again.earlier[0].value)
    assert figure(again, "Reps") == ["2", "1"]
    call(again, "drop", again.columns[1].id)
    assert len(again.columns) == 1
    call(again, "forget")
    assert (again.question, again.earlier) == ("", [])


def test_a_border_is_moved_by_cells_chosen_on_the_map(team: Field, open_page: Open) -> None:
    reps = _stage(team)
    page = open_page(WhatIfPage, "manager_north")
    _asked(page)
    cell = next(a.id for a in page.areas if a.minutes)
    call(page, "choose", cell)
    assert page.chosen == [], "only while a scenario is put together"
    call(page, "build")
    call(page, "choose", "nonsense")
    call(page, "choose", cell)
    assert (page.kind, page.chosen) == ("give_cells", [cell])
    call(page, "choose", cell)
    call(page, "add")
    assert page.refused == "Choose cells on the map and a rep of the team"
    call(page, "choose", cell)
    call(page, "form", "who", reps["second_north"])
    call(page, "add")
    assert page.draft == ["1 cell to Second North"]
    assert page.chosen == []


def test_what_can_t_be_asked_is_said_in_words(team: Field, open_page: Open) -> None:
    _stage(team)
    page = open_page(WhatIfPage, "dispatcher_north")
    for name, value, told in (
        ("most", "0", "1 to 40 visits a day"), ("most", "many", "1 to 40 visits a day"),
        ("month", "dear", "Costs are numbers from 0 on"),
    ):  # fmt: skip
        call(page, "wish", name, value)
        call(page, "ask")
        assert page.refused == told
        call(page, "wish", name, "12")
    call(page, "wish", "first", (clock.today() - timedelta(days=3)).isoformat())
    call(page, "ask")
    assert page.refused.startswith("From tomorrow")
    call(page, "wish", "team", team.company.teams["south"])
    assert page.team == team.company.teams["north"], "another team can't be chosen"


def test_a_failed_and_a_cancelled_one_say_so(team: Field, open_page: Open) -> None:
    _stage(team)
    page = open_page(WhatIfPage, "manager_north")
    call(page, "ask")
    call(page, "cancel", page.columns[0].id)
    assert page.columns[0].status == "cancelled"
    assert page.columns[0].note == "Cancelled before it was ready"
    assert page.areas == []
    call(page, "again", page.columns[0].id)
    assert page.columns[0].is_working
    assert jobs.state(page.columns[0].id).status == "queued"


def test_another_team_s_question_stays_closed(team: Field, open_page: Open) -> None:
    _stage(team)
    mine = open_page(WhatIfPage, "manager_north")
    call(mine, "ask")
    scenario = mine.columns[0].id
    other = open_page(WhatIfPage, "manager_south")
    call(other, "open", mine.question)
    assert (other.question, other.columns) == ("", [])
    for name in ("cancel", "again", "drop"):
        call(other, name, scenario)
        assert other.refused != ""
    actor = team.company.actor("manager_north")
    assert [s.status for s in whatif.question(actor, mine.question).scenarios] == ["queued"]


def test_borders_are_looked_at_taken_over_and_given_back(team: Field, open_page: Open) -> None:
    reps = _stage(team)
    page = open_page(WhatIfPage, "manager_north")
    _asked(page)
    assert not page.has_borders, "as it is, there is nothing to take over"
    call(page, "build")
    call(page, "form", "kind", "lose_rep")
    call(page, "form", "who", reps["rep_north"])
    call(page, "work_out")
    run_scenario(page.columns[1].id)
    call(page, "watch")
    assert page.has_borders
    call(page, "look_at_borders")
    assert (page.is_looking, len(page.border_rows), page.refused) == (True, 6, "")
    assert page.border_pairs == ["Rep North → Second North: 6"]
    assert page.border_rows[0].home.endswith(" · Rep North")
    call(page, "take_borders")
    assert (page.is_looking, page.refused) == (False, "")
    assert page.stands
    call(page, "watch")
    assert page.stands
    call(page, "look_at_borders")
    assert page.refused
    call(page, "give_borders_back")
    assert (page.stands, page.border_note) == ("", "Given back")
    seen = open_page(WhatIfPage, "dispatcher_north")
    call(seen, "open", page.question)
    call(seen, "pick", page.columns[1].id)
    assert not seen.has_borders
