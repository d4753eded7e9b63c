"""Import of clients: a file, its columns, what would change with every problem by row, the run."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict, dataclass, field
from typing import Any

import reflex as rx

from fieldcrm.clients import importing
from fieldcrm.clients import service as clients
from fieldcrm.clients.import_words import FIELDS
from fieldcrm.clients.model import ClientKind, ImportPreview
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.import_drop import import_drop
from fieldcrm.components.parts import badge, button, empty, segments
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n, ids
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.pages.admin import admin_page, said

FIELD_NAMES = tuple(FIELDS)
MATCHES = ("external_id", "phone", "name_address")
MODES = ("create", "update", "upsert")
CONSTANTS = ("kind", "territory", "country")
TABS = ("problems", "rows")


@dataclass
class ColumnRow:
    """A column of the file, an example of it, the field it fills."""

    name: str
    sample: str
    field: str
    troubles: str
    has_troubles: bool


@dataclass
class TroubleRow:
    """What is wrong with a row."""

    row: str
    blocks: bool
    column: str
    value: str
    text: str


@dataclass
class ExampleRow:
    """A row as it would become."""

    row: str
    action: str
    action_word: str
    name: str
    fields: str


@dataclass
class Totals:
    """What the import would do."""

    creates: int = 0
    updates: int = 0
    keeps: int = 0
    blocks: int = 0
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class RunRow:
    """An import of the past."""

    id: str
    at: str
    who: str
    file_name: str
    status: str
    status_word: str
    told: str


class AdminImport(Desk):
    """The wizard: upload, map, check, run."""

    is_ready: bool = False
    step: int = 1
    """1 upload, 2 check (with its mapping), 3 running, 4 done."""
    refused: str = ""
    is_busy: bool = False
    run_id: str = ""
    file_name: str = ""
    about: str = ""
    columns: list[ColumnRow] = []
    mapped: str = ""
    match: str = "external_id"
    mode: str = "upsert"
    kind: str = "organisation"
    has_kind: bool = False
    territory: str = ""
    has_territory: bool = False
    country: str = ""
    territories: list[str] = []
    totals: Totals = Totals()
    troubles: list[TroubleRow] = []
    examples: list[ExampleRow] = []
    tab: str = "problems"
    is_stopping: bool = False
    """Somebody pressed cancel and the run has not stopped yet."""
    percent: float = 0
    doing: str = ""
    outcome: str = ""
    outcome_tone: str = "ok"
    runs: list[RunRow] = []
    _mapping: dict[str, str] = {}

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page; a preview that is open stays."""
        actor = await self._enter()
        every = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [t.name for t in every]
        await self._fill_runs()
        if self.step == 2 and self.run_id:
            await self._preview(dict(self._mapping))
        self.is_ready = True

    async def _fill_runs(self) -> None:
        self.runs = await asyncio.to_thread(_runs, self._actor(), self.language)

    @rx.event
    @allows(ADMINISTERING)
    async def kept(self, run_id: str, file_name: str):
        """The server holds a file: show what it would do."""
        if not ids.is_id(run_id):
            return
        self.run_id, self.file_name, self.refused = run_id, file_name[:200], ""
        self.match, self.mode, self.kind, self.territory, self.country = "", "upsert", "", "", ""
        yield
        await self._preview(None)

    @rx.event
    @allows(ADMINISTERING)
    def refuse(self, why: str):
        """Why the file was not taken."""
        self.refused = str(why)[:500]

    @rx.event
    @allows(ADMINISTERING)
    async def map_column(self, column: str, to: str):
        """Another field for a column, or none."""
        mapping = {c: f for c, f in self._mapping.items() if c != column}
        if to in FIELD_NAMES:
            mapping[column] = to
        self.is_busy = True
        yield
        await self._preview(mapping)

    @rx.event
    @allows(ADMINISTERING)
    async def choose(self, name: str, value: str):
        """How known clients are told, what to do with them, and values for every row."""
        allowed = {"match": MATCHES, "mode": MODES, "kind": ("", *ClientKind),
                   "territory": ("", *self.territories)}  # fmt: skip
        if name == "country" or value in allowed.get(name, ()):
            setattr(self, name, str(value)[:40])
            self.is_busy = True
            yield
            await self._preview(dict(self._mapping))

    @rx.event
    @allows(ADMINISTERING)
    def show_tab(self, tab: str):
        """Problems, or the first rows as they would become."""
        self.tab = tab if tab in TABS else "problems"

    async def _preview(self, mapping: dict[str, str] | None) -> None:
        given = {"kind": self.kind, "territory": self.territory, "country": self.country}
        try:
            made = await asyncio.to_thread(
                importing.preview_again, self._actor(), self.run_id, mapping,
                match=self.match or None, mode=self.mode, constants=given,
            )  # fmt: skip
        except Refusal as error:
            self.refused, self.is_busy = self._why(error), False
            return
        self._take(made)

    def _why(self, error: Refusal) -> str:
        if error.code == "unreadable_table":
            return importing.unreadable_text(error.params, self.language)
        return self._refusal(error)

    def _take(self, made: ImportPreview) -> None:
        lang = self.language
        self.refused, self.is_busy, self.step = "", False, 2
        self.run_id, self._mapping = made.run_id, dict(made.rules.mapping)
        self.match, self.mode = made.rules.match, made.rules.mode
        self.has_kind = "kind" in self._mapping.values()
        self.has_territory = "territory" in self._mapping.values()
        self.kind = made.rules.constants.get("kind", "")
        self.about = self._t("admin.import.about", n=made.table["rows"],
                             encoding=(made.table["encoding"] or "XLSX").upper())  # fmt: skip
        self.columns = _columns(made, lang)
        self.mapped = self._t(
            "admin.import.mapped", part=len(self._mapping), whole=len(self.columns)
        )
        self.totals = _totals(made.counts, lang)
        self.troubles = [_trouble(asdict(t), lang) for t in made.troubles]
        self.examples = [_example(e, lang) for e in made.examples]
        self.tab = "problems" if self.troubles else "rows"

    @rx.event
    @allows(ADMINISTERING)
    async def forget(self):
        """Back to the start; the file is deleted."""
        with contextlib.suppress(Refusal):  # it may have been forgotten already
            await asyncio.to_thread(importing.discard, self._actor(), self.run_id)
        self.step, self.run_id, self.refused, self.outcome = 1, "", "", ""
        await self._fill_runs()

    @rx.event(background=True)
    @allows(ADMINISTERING)
    async def run(self):
        """Import the file, whole or not at all, telling how far it is."""
        async with self:
            if self.step != 2 or not self.run_id:
                return
            actor, run_id, lang = self._actor(), self.run_id, self.language
            self.step, self.percent, self.doing = 3, 0, self._t("import.reading")
            self.is_stopping = False
        heard = {"share": 0.0, "what": "import.reading"}
        work = asyncio.create_task(
            asyncio.to_thread(importing.run_import, actor, run_id, _into(heard))
        )
        while not work.done():
            await asyncio.wait([work], timeout=0.3)
            async with self:
                self.percent, self.doing = (
                    round(100 * heard["share"]),
                    i18n.t(str(heard["what"]), lang),
                )
        async with self:
            self._finish(work)
            await self._fill_runs()

    def _finish(self, work: asyncio.Task[dict[str, Any]]) -> None:
        self.step = 4
        try:
            report = work.result()
        except Cancelled:
            self.outcome, self.outcome_tone = self._t("import.status.cancelled"), "warn"
        except Refusal as error:
            self.outcome, self.outcome_tone = self._why(error), "err"
        else:
            self.totals = _totals(report["counts"], self.language)
            self.outcome, self.outcome_tone = self._t("import.status.done"), "ok"

    @rx.event
    @allows(ADMINISTERING)
    async def stop(self, run_id: str):
        """Cancel a run, this page's or one begun elsewhere: nothing is changed."""
        try:
            await asyncio.to_thread(importing.cancel_import, self._actor(), str(run_id)[:64])
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.is_stopping = True


def _into(heard: dict[str, Any]) -> importing.Progress:
    def tell(share: float, what: str) -> None:
        heard.update(share=share, what=what)

    return tell


def _columns(made: ImportPreview, language: str) -> list[ColumnRow]:
    first = made.table["first"]
    counted: dict[str, int] = {}
    for trouble in made.troubles:
        counted[trouble.column] = counted.get(trouble.column, 0) + 1
    rows = []
    for n, name in enumerate(made.table["columns"]):
        sample = next((cells[n] for cells in first if n < len(cells) and cells[n]), "")
        to = made.rules.mapping.get(name, "")
        bad = counted.get(name, 0) + (counted.get(to, 0) if to and to != name else 0)
        rows.append(ColumnRow(name, sample[:60], to, i18n.number(bad, language), bad > 0))
    return rows


def _totals(counts: dict[str, int], language: str) -> Totals:
    texts = {k: i18n.number(v, language) for k, v in counts.items()}
    keeps = counts["unchanged"] + counts["skipped"]
    texts["unchanged"] = i18n.number(keeps, language)
    return Totals(counts["create"], counts["update"], keeps, counts["blocking"], texts)


def _trouble(t: dict[str, Any], language: str) -> TroubleRow:
    text = i18n.t(f"import.trouble.{t['code']}", language, **t["params"])
    row = i18n.number(t["row"], language) if t["row"] else ""
    name = f"admin.field.{t['column']}"
    known = (
        i18n.t(name, language) if t["column"] and name in i18n.catalogue(language) else t["column"]
    )
    return TroubleRow(row, t["blocks"], known, t["value"], text[:1].upper() + text[1:])


def _example(e: dict[str, Any], language: str) -> ExampleRow:
    is_update = e["action"] == "update"
    told = [
        _field_told(k, v, e, language) for k, v in e["fields"].items()
        if is_update or (k != "name" and v not in (None, "", []))
    ]  # fmt: skip
    return ExampleRow(i18n.number(e["row"], language), e["action"], i18n.t(f"admin.import.{e['action']}", language),
                      e["name"] or "", " · ".join(told)[:300])  # fmt: skip


def _field_word(name: str, language: str) -> str:
    key = f"admin.field.{name}"
    return i18n.t(key, language) if key in i18n.catalogue(language) else name


def _field_told(name: str, value: Any, e: dict[str, Any], language: str) -> str:
    """`City: Espoo`, or for a known client `City: Espoo → Helsinki`."""
    if name == "territory_id":
        return f"{_field_word('territory', language)}: {e['territory']}"
    now = f"{_field_word(name, language)}: "
    if e["action"] == "update":
        now += f"{_value_word(name, e['before'][name], language)} → "
    return now + _value_word(name, value, language)


def _value_word(name: str, value: Any, language: str) -> str:
    if name == "kind" and value in ClientKind:
        return i18n.t(f"admin.client.{value}", language)
    if value in (None, "", []):
        return "—"
    if isinstance(value, float):
        return i18n.number(round(value, 5), language, 5)
    return ", ".join(value) if isinstance(value, list) else str(value)


def _runs(actor: Any, language: str) -> list[RunRow]:
    from fieldcrm.people import service as people

    names = {u.id: u.name for u in people.list_users(actor)}
    rows = []
    for run in importing.list_runs(actor, 40):
        if run.status == "preview" or (run.status == "cancelled" and not run.report):
            continue  # looked at only, or read again by other rules
        counts = run.report.get("counts", {}) if run.report else {}
        told = [i18n.t(f"import.count.{k}", language, n=n) for k, n in counts.items() if n]
        rows.append(RunRow(run.id, i18n.moment(run.started_at, language), names.get(run.actor_id or "", "—"),
                           run.file_name, run.status, i18n.t(f"admin.import.status.{run.status}", language),
                           " · ".join(told)))  # fmt: skip
    return rows


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def admin_import() -> rx.Component:
    """The page."""
    shown = rx.match(AdminImport.step, (1, _upload()), (2, _check()), (3, _running()), _done())
    return admin_page("/admin/import", _steps(), said(AdminImport.refused), shown)


def _steps() -> rx.Component:
    def step(n: int, label: str, note: Any) -> rx.Component:
        past, now = AdminImport.step > n, AdminImport.step == n
        sign = rx.cond(past, icon("check", "s"), rx.el.span(str(n)))
        return rx.el.li(
            rx.el.span(sign, class_name="sn"),
            rx.el.span(rx.el.b(words(label)), rx.el.br(), rx.el.span(note, class_name="t1 muted")),
            class_name=rx.cond(past, "ok", rx.cond(now, "now", "")),
            aria_current=rx.cond(now, "step", "false"),
        )

    back = button(icon("chevron-left"), words("admin.import.back"), on_click=AdminImport.forget)
    go = button(
        words("admin.import.run"), kind="primary", on_click=AdminImport.run,
        disabled=(AdminImport.totals.blocks > 0) | AdminImport.is_busy
        | (AdminImport.totals.creates + AdminImport.totals.updates == 0),
    )  # fmt: skip
    problems = rx.el.span(words("admin.import.blocked"), ": ", AdminImport.totals.texts["blocking"], ", ",
                          words("admin.import.warnings"), ": ", AdminImport.totals.texts["warnings"])  # fmt: skip
    return rx.el.ol(
        step(1, "admin.import.step.upload", rx.cond(AdminImport.step > 1, AdminImport.file_name, words("admin.import.csv_or_xlsx"))),
        step(2, "admin.import.step.check", rx.cond(AdminImport.step > 1, problems, words("admin.import.nothing_written"))),
        step(3, "admin.import.step.run", words("admin.import.whole_or_not")),
        rx.el.li(class_name="sp"),
        rx.el.li(rx.cond(AdminImport.step == 2, rx.fragment(back, go), rx.fragment()), class_name="act row"),
        class_name="stp",
    )  # fmt: skip


def _upload() -> rx.Component:
    return rx.el.div(
        rx.el.section(import_drop(AdminImport.kept, AdminImport.refuse), class_name="card im-u"),
        _past(), class_name="im-w",
    )  # fmt: skip


def _past() -> rx.Component:
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"admin.{k}"), scope="col")
                               for k in ("when", "who", "import.file", "import.outcome", "data")])),
        rx.el.tbody(rx.foreach(AdminImport.runs, _run)), class_name="tbl tight",
        aria_label=words("admin.import.past"),
    )  # fmt: skip
    none = rx.el.p(words("admin.import.none_yet"), class_name="muted sec")
    return rx.el.section(
        rx.el.header(rx.el.h2(words("admin.import.past"))),
        rx.cond(AdminImport.runs.length() > 0,
                rx.el.div(rows, class_name="scr", tab_index=0, role="region", aria_label=words("admin.import.past")), none),
        class_name="card ad-c",
    )  # fmt: skip


def _run(row: Any) -> rx.Component:
    tone = rx.match(row.status, ("done", "ok"), ("failed", "err"), ("running", "accent"), "warn")
    stop = button(
        words("admin.import.stop_this"), kind="ghost", small=True, on_click=AdminImport.stop(row.id)
    )
    return rx.el.tr(
        rx.el.td(row.at, class_name="muted"), rx.el.td(row.who), rx.el.td(row.file_name),
        rx.el.td(badge(row.status_word, tone=tone), rx.cond(row.status == "running", stop, rx.fragment()), class_name="nw"),
        rx.el.td(rx.el.div(row.told, class_name="el", title=row.told), class_name="why muted"),
    )  # fmt: skip


def _check() -> rx.Component:
    return rx.el.div(_dry(), rx.el.div(_mapping(), _problems(), class_name="img"), class_name="im-w",
                     aria_busy=rx.cond(AdminImport.is_busy, "true", "false"))  # fmt: skip


def _dry() -> rx.Component:
    t = AdminImport.totals
    modes = segments(
        *[(words(f"admin.import.mode.{m}"), AdminImport.mode == m, AdminImport.choose("mode", m)) for m in MODES],
        label=words("admin.import.mode"),
    )  # fmt: skip
    match = rx.el.select(
        *[rx.el.option(words(f"admin.import.match.{m}"), value=m) for m in MATCHES], value=AdminImport.match,
        on_change=lambda v: AdminImport.choose("match", v), class_name="input sm pick wide-p",
        aria_label=words("admin.import.match"),
    )  # fmt: skip
    parts = (("c", t.creates), ("u", t.updates), ("n", t.keeps), ("r", t.blocks))
    stack = rx.el.div(
        *[rx.cond(n > 0, rx.el.i(class_name=c, style={"flex": f"{n} 1 6px"}), rx.fragment()) for c, n in parts],
        class_name="stack", aria_hidden="true",
    )  # fmt: skip
    figures = rx.el.dl(
        _figure("c", icon("plus", "s"), "create", t.texts["create"]),
        _figure("u", icon("pencil", "s"), "update", t.texts["update"]),
        _figure("n", icon("minus", "s"), "unchanged", t.texts["unchanged"]),
        _figure("r", glyph("contradicted", "s"), "blocking", t.texts["blocking"], t.blocks > 0),
        class_name="dk",
    )  # fmt: skip
    return rx.el.section(
        rx.el.div(rx.el.h2(words("admin.import.dry")), rx.el.span(AdminImport.about, class_name="muted t1"),
                  rx.el.span(class_name="sp"), match, modes, class_name="row"),
        stack, rx.el.div(figures, _constants(), class_name="dkw"),
        class_name="card dry",
    )  # fmt: skip


def _figure(
    tone: str, sign: rx.Component, name: str, value: Any, is_bad: Any = False
) -> rx.Component:
    return rx.el.div(
        rx.el.dt(rx.el.i(class_name=tone), sign, words(f"admin.import.{name}")),
        rx.el.dd(value, class_name=rx.cond(is_bad, "bad", "")),
        rx.el.dd(words(f"admin.import.{name}.why"), class_name="sub"),
    )


def _constants() -> rx.Component:
    kind = rx.el.select(
        rx.el.option(words("admin.import.by_column"), value=""),
        *[rx.el.option(words(f"admin.client.{k}"), value=k) for k in ClientKind], value=AdminImport.kind,
        on_change=lambda v: AdminImport.choose("kind", v), class_name="input sm", disabled=AdminImport.has_kind,
    )  # fmt: skip
    territory = rx.el.select(
        rx.el.option("—", value=""), rx.foreach(AdminImport.territories, lambda t: rx.el.option(t, value=t)),
        value=AdminImport.territory, on_change=lambda v: AdminImport.choose("territory", v), class_name="input sm",
        disabled=AdminImport.has_territory,
    )  # fmt: skip
    return rx.el.div(
        rx.el.h3(words("admin.import.for_all")),
        rx.el.div(rx.el.label(words("admin.field.kind"), kind, class_name="im-c"),
                  rx.el.label(words("admin.field.territory"), territory, class_name="im-c"), class_name="row"),
        class_name="upd",
    )  # fmt: skip


def _mapping() -> rx.Component:
    heads = ("admin.import.column", "admin.import.sample", "admin.import.field")
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k), scope="col") for k in heads],
                             rx.el.th(rx.el.span(words("admin.import.problems"), class_name="vh"), scope="col"))),
        rx.el.tbody(rx.foreach(AdminImport.columns, _column)), class_name="tbl tight",
        aria_label=words("admin.import.mapping"),
    )  # fmt: skip
    return rx.el.section(
        rx.el.header(rx.el.h2(words("admin.import.mapping")), badge(AdminImport.mapped, tone="accent")),
        rx.el.div(table, class_name="scr", tab_index=0, role="region", aria_label=words("admin.import.mapping")),
        class_name="card mpc",
    )  # fmt: skip


def _column(row: Any) -> rx.Component:
    choice = rx.el.select(
        rx.el.option(words("admin.import.not_imported"), value=""),
        *[rx.el.option(words(f"admin.field.{f}"), value=f) for f in FIELD_NAMES], value=row.field,
        on_change=lambda v: AdminImport.map_column(row.name, v),
        class_name=rx.cond(row.field == "", "input sm is-off", "input sm"),
        aria_label=f"{words('admin.import.field')}: {row.name}",
    )  # fmt: skip
    bad = rx.el.span(
        glyph("doubtful", label=words("admin.import.has_problems")),
        row.troubles,
        class_name="row g0 t1",
    )
    fits = glyph("confirmed", label=words("admin.import.fits"))
    sign = rx.cond(row.has_troubles, bad, rx.cond(row.field == "", icon("minus", "s"), fits))
    return rx.el.tr(
        rx.el.td(rx.el.div(row.name, class_name="el col-n", title=row.name), class_name="med"),
        rx.el.td(rx.el.div(row.sample, class_name="el col-s", title=row.sample), class_name="mono muted"),
        rx.el.td(choice), rx.el.td(sign), class_name=rx.cond(row.field == "", "off", ""),
    )  # fmt: skip


def _problems() -> rx.Component:
    tabs = segments(
        (rx.fragment(words("admin.import.problems"), rx.el.span(AdminImport.troubles.length().to_string(), class_name="faint")),
         AdminImport.tab == "problems", AdminImport.show_tab("problems")),
        (words("admin.import.first_rows"), AdminImport.tab == "rows", AdminImport.show_tab("rows")),
        label=words("report.tabs"),
    )  # fmt: skip
    heads = [
        ("admin.import.row", "num"),
        ("", ""),
        ("admin.import.field", ""),
        ("admin.import.value", ""),
        ("admin.import.problem", ""),
    ]
    troubles = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k) if k else rx.el.span(words("admin.import.weight"), class_name="vh"),
                                        scope="col", class_name=c) for k, c in heads])),
        rx.el.tbody(rx.foreach(AdminImport.troubles, _trouble_row)), class_name="tbl pt",
        aria_label=words("admin.import.problems"),
    )  # fmt: skip
    none = empty(
        "no_plan", words("admin.import.no_problems"), words("admin.import.no_problems_why")
    )
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k), scope="col", class_name=c) for k, c in
                               (("admin.import.row", "num"), ("admin.import.action", ""), ("admin.field.name", ""), ("admin.data", ""))])),
        rx.el.tbody(rx.foreach(AdminImport.examples, _example_row)), class_name="tbl tight",
        aria_label=words("admin.import.first_rows"),
    )  # fmt: skip
    shown = rx.cond(
        AdminImport.tab == "rows", rows, rx.cond(AdminImport.troubles.length() > 0, troubles, none)
    )
    return rx.el.section(
        rx.el.header(tabs, class_name="ptabs"),
        rx.el.div(shown, class_name="scr", tab_index=0, role="region", aria_label=words("admin.import.problems")),
        class_name="card prc",
    )  # fmt: skip


def _trouble_row(t: Any) -> rx.Component:
    sign = rx.cond(t.blocks, glyph("contradicted", label=words("admin.import.blocks")),
                   glyph("doubtful", label=words("admin.import.warns")))  # fmt: skip
    value = rx.cond(t.value == "", rx.fragment(),
                    rx.el.span(t.value, class_name=rx.cond(t.blocks, "cellv bad", "cellv")))  # fmt: skip
    return rx.el.tr(
        rx.el.td(t.row, class_name="num muted"), rx.el.td(sign), rx.el.td(t.column, class_name="muted"),
        rx.el.td(value), rx.el.td(t.text, class_name="wrap-t"),
    )  # fmt: skip


def _example_row(e: Any) -> rx.Component:
    tone = rx.match(e.action, ("create", "accent"), ("update", "visit"), "line")
    return rx.el.tr(
        rx.el.td(e.row, class_name="num muted"), rx.el.td(badge(e.action_word, tone=tone)),
        rx.el.td(e.name, class_name="med"),
        rx.el.td(rx.el.div(e.fields, class_name="el", title=e.fields), class_name="why muted"),
    )  # fmt: skip


def _running() -> rx.Component:
    return rx.el.section(
        rx.el.h2(AdminImport.file_name),
        rx.el.div(rx.el.i(style={"width": f"{AdminImport.percent}%"}), class_name="bart", role="progressbar",
                  aria_valuenow=AdminImport.percent.to(int), aria_valuemin=0, aria_valuemax=100, aria_label=AdminImport.doing),
        rx.el.p(AdminImport.doing, class_name="muted", role="status"),
        button(
            rx.cond(AdminImport.is_stopping, words("admin.import.stopping"), words("admin.import.stop")),
            on_click=AdminImport.stop(AdminImport.run_id), disabled=AdminImport.is_stopping,
        ),
        class_name="card im-r",
    )  # fmt: skip


def _done() -> rx.Component:
    t = AdminImport.totals
    figures = rx.el.dl(
        _figure("c", icon("plus", "s"), "create", t.texts["create"]),
        _figure("u", icon("pencil", "s"), "update", t.texts["update"]),
        _figure("n", icon("minus", "s"), "unchanged", t.texts["unchanged"]), class_name="dk",
    )  # fmt: skip
    return rx.el.div(
        rx.el.section(
            rx.el.div(AdminImport.outcome, class_name=f"note {AdminImport.outcome_tone}", role="status"),
            rx.cond(AdminImport.outcome_tone == "ok", figures, rx.fragment()),
            rx.el.div(button(words("admin.import.another"), kind="primary", on_click=AdminImport.forget), class_name="row"),
            class_name="card im-r",
        ),
        _past(), class_name="im-w",
    )  # fmt: skip
