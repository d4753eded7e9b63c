"""Which lists can be made into files: the forms each has, and who writes them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from fieldcrm.clients import exporting
from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import files as pair_files
from fieldcrm.clients.duplicates import queue as pairs
from fieldcrm.clients.duplicates.model import PairFilters, Status
from fieldcrm.clients.export_forms import Row, Sheet, write_sheet
from fieldcrm.clients.model import CATEGORIES, ClientKind
from fieldcrm.clients.views import rules as view_rules
from fieldcrm.clients.views import service as views
from fieldcrm.clients.views.model import BadView, plain
from fieldcrm.exports import territories
from fieldcrm.exports.model import BadExport
from fieldcrm.messages import exporting as message_files
from fieldcrm.messages import listing as message_list
from fieldcrm.messages.model import Filters as MessageFilters
from fieldcrm.messages.model import Kind, State
from fieldcrm.people.model import Actor, Role
from fieldcrm.quality import files as quality_files
from fieldcrm.quality import service as quality
from fieldcrm.quality.model import CardFilters, Code
from fieldcrm.reports import eventlog, visit_list, workbook
from fieldcrm.reports import service as reports
from fieldcrm.reports.model import NO_CATEGORY, PeriodKind
from fieldcrm.reports.model import Filters as ReportFilters
from fieldcrm.sync import correction_list
from fieldcrm.sync import correction_workbook as correction_files
from fieldcrm.visits import service as visits

Progress = Callable[[float], None]
"""Told the share that is written; raises to stop it."""


Write = Callable[[Actor, str, Mapping[str, Any], Path, Progress], int]
"""(actor, form, asked, file, progress) -> rows."""
TOLD_EVERY = 100


@dataclass(frozen=True)
class Source:
    """A list: `read` checks what narrows it (raises BadExport), `write` makes the file."""

    forms: tuple[str, ...]
    roles: tuple[Role, ...]
    """Who has such a list."""
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    write: Write


def _read_clients(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A list's state, as a saved view keeps it."""
    try:
        return plain(view_rules.read_state(dict(asked)))
    except BadView as error:
        raise BadExport(why=error.params["why"]) from error


def _write_clients(
    actor: Actor, form: str, asked: Mapping[str, Any], path: Path, progress: Progress
) -> int:
    state = view_rules.read_state(dict(asked))
    filters = views.filters_of(actor, state)
    total = clients.count(actor, filters, state.search) or 1
    return exporting.write(
        path,
        form,
        actor,
        state.search,
        filters,
        state.sort,
        lambda n: progress(min(0.99, n / total)),
    )


def _texts(*names: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A reader of plain short texts under these names."""

    def read(asked: Mapping[str, Any]) -> dict[str, Any]:
        told = {str(k): str(v) for k, v in asked.items() if v not in ("", None)}
        if set(told) - set(names) or any(len(v) > 200 or "\x00" in v for v in told.values()):
            raise BadExport(why="asked")
        return told

    return read


def _read_visits(asked: Mapping[str, Any]) -> dict[str, Any]:
    told = _texts("search", "state", "verdict", "category", "rep_id", "team_id", "first", "last")(
        asked
    )
    for name in ("first", "last"):
        _day(told.get(name))
    return told


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadExport(why="asked") from error


def _visits(actor: Actor, asked: Mapping[str, Any]) -> tuple[Sheet, int]:
    told = {k: v for k, v in asked.items() if k not in ("first", "last")}
    first, last = _day(asked.get("first")), _day(asked.get("last"))
    filters = visit_list.filters_of(**told, first=first, last=last)
    return visit_list.sheet(actor, filters, actor.language), visits.count(actor, filters)


def _read_messages(asked: Mapping[str, Any]) -> dict[str, Any]:
    told = _texts("search", "rep_id", "kind", "state", "is_open", "sort")(asked)
    if told.get("kind", Kind.task) not in list(Kind) or told.get("state", "") not in ["", *State]:
        raise BadExport(why="asked")
    return told


def _messages(actor: Actor, asked: Mapping[str, Any]) -> tuple[Sheet, int]:
    kind, state = asked.get("kind"), asked.get("state")
    filters = MessageFilters(
        asked.get("search", ""), asked.get("rep_id", ""), Kind(kind) if kind else None,
        State(state) if state else None, asked.get("is_open") == "true",
    )  # fmt: skip
    sort = asked.get("sort", message_list.NEWEST_FIRST)
    made = message_files.sheet(actor, filters, sort, actor.language)
    return made, message_list.count(actor, filters)


def _read_quality(asked: Mapping[str, Any]) -> dict[str, Any]:
    told = _texts("search", "code", "category", "territory_id", "rep_id", "sort")(asked)
    return _checked(told, code=Code, category=CATEGORIES)


def _quality(actor: Actor, asked: Mapping[str, Any]) -> tuple[Sheet, int]:
    told = dict(asked)
    sort, filters = told.pop("sort", "-value"), CardFilters(**told)
    return quality_files.sheet(actor, filters, sort, actor.language), quality.count(actor, filters)


def _read_pairs(asked: Mapping[str, Any]) -> dict[str, Any]:
    return _checked(
        _texts("search", "status", "kind", "sort")(asked), status=Status, kind=ClientKind
    )


def _pairs(actor: Actor, asked: Mapping[str, Any]) -> tuple[Sheet, int]:
    told = dict(asked)
    sort = told.pop("sort", "-probability")
    filters = PairFilters(told.get("search", ""), told.get("status", ""), told.get("kind", ""))
    return pair_files.sheet(actor, filters, sort, actor.language), pairs.count(actor, filters)


def _read_corrections(asked: Mapping[str, Any]) -> dict[str, Any]:
    told = _texts("search", "status", "what", "rep_id", "first", "last", "sort")(asked)
    for name in ("first", "last"):
        _day(told.get(name))
    return _checked(told, status=correction_list.STATUSES, what=correction_list.WHAT)


def _corrections(actor: Actor, asked: Mapping[str, Any]) -> tuple[Sheet, int]:
    told = dict(asked)
    sort, first, last = (told.pop(name, "") for name in ("sort", "first", "last"))
    filters = correction_list.Filters(**told, first=_day(first), last=_day(last))
    made = correction_files.sheet(actor, filters, sort or correction_files.NEWEST_FIRST, actor.language)  # fmt: skip
    return made, correction_list.count(actor, filters)


def _territories(actor: Actor, asked: Mapping[str, Any]) -> tuple[Sheet, int]:
    found = territories.listed(actor, asked.get("search", ""))
    return territories.sheet(found, actor.language), len(found)


def _read_events(asked: Mapping[str, Any]) -> dict[str, Any]:
    told = _texts("kind", "actor_id", "subject_id", "first", "last")(asked)
    for name in ("first", "last"):
        _day(told.get(name))
    return _checked(told, kind=eventlog.KINDS)


def _events(actor: Actor, asked: Mapping[str, Any]) -> tuple[Sheet, int]:
    wanted = eventlog.Asked(**asked)
    return eventlog.sheet(actor, wanted), eventlog.count(actor, wanted)


def _read_plan(asked: Mapping[str, Any]) -> dict[str, Any]:
    told = _texts("period", "day", "team_id", "rep_id", "territory_id", "category")(asked)
    _day(told.get("day"))
    return _checked(told, period=PeriodKind, category=(*CATEGORIES, NO_CATEGORY))


def _write_plan(
    actor: Actor, form: str, asked: Mapping[str, Any], path: Path, progress: Progress
) -> int:
    """One piece: it is summed for longer than it is written."""
    del form
    kind = PeriodKind(asked.get("period", PeriodKind.month))
    period = reports.period(actor, kind, _day(asked.get("day")), asked.get("team_id", ""))
    one = [(asked[n],) if n in asked else () for n in ("team_id", "rep_id", "category", "territory_id")]  # fmt: skip
    taken = workbook.write_xlsx(path, actor, period, ReportFilters(*one), actor.language)
    progress(0.99)
    return taken


def _checked(told: dict[str, Any], **known: Container[str]) -> dict[str, Any]:
    """The same texts; raises BadExport where one is none of the words that are known by its name."""
    if any(told[name] not in words for name, words in known.items() if name in told):
        raise BadExport(why="asked")
    return told


def _told(make: Callable[[Actor, Mapping[str, Any]], tuple[Sheet, int]]) -> Write:
    """Writes what `make` gives, a table and how many rows it has, telling every so many how far it is."""

    def write(
        actor: Actor, form: str, asked: Mapping[str, Any], path: Path, progress: Progress
    ) -> int:
        sheet, total = make(actor, asked)
        taken = 0

        def counted() -> Iterator[Row]:
            nonlocal taken
            for row in sheet.rows:
                taken += 1
                if taken % TOLD_EVERY == 0:
                    progress(min(0.99, taken / max(1, total)))
                yield row

        write_sheet(path, form, replace(sheet, rows=counted()))
        return taken

    return write


TABLE = ("csv", "xlsx")
OFFICE = (Role.dispatcher, Role.manager, Role.admin)
LISTS: Mapping[str, Source] = {
    "clients": Source(("csv", "xlsx", "geojson", "vcf"), OFFICE, _read_clients, _write_clients),
    "visits": Source(TABLE, OFFICE, _read_visits, _told(_visits)),
    "messages": Source(TABLE, OFFICE, _read_messages, _told(_messages)),
    "quality": Source(TABLE, OFFICE, _read_quality, _told(_quality)),
    "duplicates": Source(TABLE, pairs.DECIDERS, _read_pairs, _told(_pairs)),
    "corrections": Source(TABLE, OFFICE, _read_corrections, _told(_corrections)),
    "plan_vs_actual": Source(("xlsx",), (Role.manager, Role.admin), _read_plan, _write_plan),
    "events": Source(TABLE, (Role.admin,), _read_events, _told(_events)),
    "territories": Source(TABLE, (Role.admin,), _texts("search"), _told(_territories)),
}


def source(list_name: str, form: str) -> Source:
    """A list that can be given in a form; raises BadExport."""
    found = LISTS.get(list_name)
    if found is None or form not in found.forms:
        raise BadExport(why="form")
    return found
