"""Reports as files: the same numbers as on the manager's page, within the caller's scope."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from fieldcrm.api import coverage
from fieldcrm.api.identity import Administrator, Allows, DeskPerson
from fieldcrm.api.shapes import Day, Id, Search
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor, Role
from fieldcrm.reports import answers, service, visit_list
from fieldcrm.reports.eventlog import Asked, export_csv
from fieldcrm.reports.model import Filters, PeriodKind
from fieldcrm.reports.workbook import export_xlsx, file_name

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])
XLSX = coverage.XLSX
Manager = Annotated[Actor, Depends(Allows(Role.manager, Role.admin))]
Word = Annotated[str, Query(max_length=20, pattern="^[a-z_]*$")]
Letter = Annotated[str, Query(pattern="^[ABC-]$")]


@router.get(
    "/plan-vs-actual.xlsx", summary="Plan against actual as a workbook",
    response_class=Response, responses={200: {"content": {XLSX: {}}}},
)  # fmt: skip
def plan_vs_actual(
    actor: Manager, period: PeriodKind = PeriodKind.month, day: Day | None = None,
    team_id: Id | None = None, rep_id: Id | None = None, territory_id: Id | None = None,
    category: Letter | None = None, language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """Indicators, tables by team, rep, day and category, and each closed visit with its verdict: at most
    5,000 of them; with more the workbook is made as a file by `/exports`."""
    filters = Filters(_one(team_id), _one(rep_id), _one(category), _one(territory_id))
    asked = service.period(actor, period, day, team_id or "")
    chosen = language if language in i18n.LANGUAGES else actor.language
    name = file_name(asked)
    return Response(
        export_xlsx(actor, asked, filters, chosen), media_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


@router.get("/events.csv", summary="The event log as a file", response_class=Response)
def events(
    actor: Administrator, kind: Annotated[str, Query(max_length=40)] = "",
    actor_id: Id | None = None, subject_id: Id | None = None, first: Day | None = None,
    last: Day | None = None,
) -> Response:  # fmt: skip
    """The newest first, at most 5,000 (longer: `/exports`); `first` and `last` are local days, inclusive."""
    asked = Asked(kind, actor_id or "", subject_id or "", str(first or ""), str(last or ""))
    headers = {"Content-Disposition": 'attachment; filename="events.csv"'}
    return Response(export_csv(actor, asked), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/visits.xlsx", summary="Visits as a workbook", response_class=Response)
def visits(
    actor: DeskPerson, search: Annotated[str, Query(max_length=200)] = "", state: Word = "",
    verdict: Word = "", category: Letter | None = None, rep_id: Id | None = None,
    team_id: Id | None = None, first: Day | None = None, last: Day | None = None,
    language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """The same list as on the visits' page; each row with its verdict. At most 5,000 rows, longer lists
    are made as files by `/exports`."""
    wanted = visit_list.filters_of(
        search, state, verdict, category or "", rep_id or "", team_id or "", first, last
    )
    chosen = language if language in i18n.LANGUAGES else actor.language
    content = visit_list.export_xlsx(actor, wanted, chosen)
    headers = {"Content-Disposition": 'attachment; filename="visits.xlsx"'}
    return Response(content, media_type=XLSX, headers=headers)


def _one(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


class AnswerOut(BaseModel):
    """How many visits gave an answer."""

    value: str
    label: str
    visits: int


@router.get("/form-answers", summary="Visits by answer", response_model=list[AnswerOut])
def form_answers(
    actor: DeskPerson, form_id: Id, field: Annotated[str, Query(max_length=40)],
    day_from: Day | None = None, day_to: Day | None = None, rep_id: Id | None = None,
    team_id: Id | None = None, category: Letter | None = None, search: Search = "",
) -> list[answers.Answered]:  # fmt: skip
    """Answers to a choice, several choices or yes and no of a visit form; the filters are those of
    the list of visits."""
    wanted = visit_list.filters_of(
        search, category=category or "", rep_id=rep_id or "", team_id=team_id or "",
        first=day_from, last=day_to,
    )  # fmt: skip
    return answers.count(actor, form_id, field, wanted, actor.language)
