"""How an import's file is read: the choices, and the look at what it would do by them."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import reflex as rx

from fieldcrm.clients import import_templates, import_texts, importing
from fieldcrm.clients.import_places import BOXES
from fieldcrm.clients.import_rules import MATCHES, MODES
from fieldcrm.clients.import_words import FIELDS
from fieldcrm.clients.model import ClientKind, ImportPreview
from fieldcrm.components.section import Choice
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.kit import clock
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.pages.admin_import_rows import (
    ColumnRow,
    ExampleRow,
    Totals,
    TroubleRow,
    column_rows,
    count_totals,
    example_row,
    trouble_row,
)
from fieldcrm.people.model import Actor

FIELD_NAMES = tuple(FIELDS)
CHOICES = ("match", "mode", "kind", "territory", "country", "whole", "has_header", "template")
LISTEN_S = 0.2
TOLD_AFTER = 3
"""Waits after which a look is long enough to tell how far it is."""
DEAD_S = 20
"""A task that was silent for so long died with its process."""


class ImportLook(Desk, mixin=True):
    """Part of the import's state: what the open file would do, read by choices that may change."""

    step: int = 1
    """1 upload, 2 check (with its mapping), 3 running, 4 done."""
    refused: str = ""
    told: str = ""
    """What was just done."""
    is_busy: bool = False
    run_id: str = ""
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
    """Whose national phone numbers the file holds, as an ISO code."""
    above: str = ""
    """Which lines above the header were left out."""
    has_header: bool = True
    header_told: str = ""
    """Which row names the columns, where it isn't the first."""
    whole: bool = False
    """All of the file or nothing."""
    templates: list[str] = []
    template: str = ""
    """By which the file is read now."""
    territories: list[str] = []
    own: list[Choice] = []
    """Own fields of clients that columns may fill."""
    totals: Totals = Totals()
    troubles: list[TroubleRow] = []
    examples: list[ExampleRow] = []
    tab: str = "problems"
    percent: float = 0
    doing: str = ""
    is_slow: bool = False
    """A look at the rows takes so long that its progress is shown."""
    _mapping: dict[str, str] = {}
    _header: bool | None = None
    """What the person said of the first row."""
    _look: int = 0
    """Of the looks that were asked for, the newest: an older one is given up."""
    _asked: dict[str, str] | None = None
    """The mapping that it goes by; None: the suggested one."""
    _is_wanted: bool = False
    """Nobody has stopped it."""
    _beat: float = 0.0
    """When the task that looks last said so; 0: nobody does."""
    _shown: dict[str, Any] = {}
    """The choices by which the rows on the screen were read."""

    async def _forget(self) -> None:
        """Back to the start; the file is deleted."""
        raise NotImplementedError

    def _want(self, mapping: dict[str, str] | None) -> None:
        self._asked, self._is_wanted, self.is_busy, self._look = mapping, True, True, self._look + 1
        self._name_fields(self._wished())

    def _name_fields(self, mapping: dict[str, str]) -> None:
        """Columns stand at their fields as chosen, while the rows are still looked at by them."""
        self.columns = [replace(c, field=mapping.get(c.name, "")) for c in self.columns]

    def _wish(self, mapping: dict[str, str] | None) -> Any:
        """Have the rows looked at by the choices as they stand; a look under way is given up."""
        self._want(mapping)
        return type(self).look

    def _wished(self) -> dict[str, str]:
        """Column -> field as last chosen, seen yet or not."""
        return dict(self._mapping if self._asked is None else self._asked)

    async def _offer_template(self) -> bool:
        """A file with the very columns of a template is read by it; whether it is."""
        every = await asyncio.to_thread(import_templates.list_templates, self._actor())
        self.templates = [t.name for t in every]
        columns = [c.name for c in self.columns]
        same = next((t.name for t in every if t.has_header and t.columns == columns), "")
        if same:
            self._want(await self._read_by(same))
        return bool(same)

    async def _read_by(self, name: str) -> dict[str, str]:
        """Choose what a template says; returns its mapping."""
        kept = await asyncio.to_thread(import_templates.get, self._actor(), name)
        rules, columns = kept.rules, {c.name for c in self.columns}
        given = rules["constants"]
        self.match, self.mode, self.whole = rules["match"], rules["mode"], rules["whole"]
        self.kind, self.territory, self.country = (
            given.get(f, "") for f in ("kind", "territory", "country")
        )
        self.template = kept.name
        return {c: f for c, f in rules["mapping"].items() if c in columns}

    @rx.event
    @allows(ADMINISTERING)
    async def use_template(self, name: str):
        """Read the file as a template says."""
        self.refused = ""
        if not name:
            self.template = ""
            return None
        try:
            return self._wish(await self._read_by(str(name)[:200]))
        except Refusal as error:
            self.refused = self._refusal(error)
            return None

    @rx.event
    @allows(ADMINISTERING)
    async def save_template(self, form: dict[str, Any]):
        """Keep how this file is read under a name."""
        try:
            kept = await asyncio.to_thread(
                import_templates.save, self._actor(), str(form.get("name", ""))[:200], self.run_id
            )
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        every = await asyncio.to_thread(import_templates.list_templates, self._actor())
        self.templates, self.template = [t.name for t in every], kept.name
        self.refused, self.told = "", self._t("admin.import.template.saved", name=kept.name)

    @rx.event
    @allows(ADMINISTERING)
    async def drop_template(self):
        """Forget the template that is chosen."""
        try:
            await asyncio.to_thread(import_templates.remove, self._actor(), self.template)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.templates = [t for t in self.templates if t != self.template]
        self.template = ""

    @rx.event
    @allows(ADMINISTERING)
    async def switch_header(self):
        """The first row names the columns, or it doesn't."""
        self._header, self.template = not self.has_header, ""
        return self._wish(None)

    @rx.event
    @allows(ADMINISTERING)
    async def switch_whole(self):
        """All of the file or nothing."""
        self.whole = not self.whole
        return self._wish(self._wished())

    @rx.event
    @allows(ADMINISTERING)
    async def map_column(self, column: str, to: str):
        """Another field for a column, or none."""
        mapping = {c: f for c, f in self._wished().items() if c != column}
        if to in FIELD_NAMES or to in {choice.value for choice in self.own}:
            mapping[column] = to
        return self._wish(mapping)

    @rx.event
    @allows(ADMINISTERING)
    async def choose(self, name: str, value: str):
        """How known clients are told, what to do with them, and values for every row."""
        allowed = {"match": MATCHES, "mode": MODES, "kind": ("", *ClientKind),
                   "territory": ("", *self.territories)}  # fmt: skip
        is_country = name == "country" and (value == "" or value.upper() in BOXES)
        if is_country or value in allowed.get(name, ()):
            setattr(self, name, value.upper() if is_country else value)
            return self._wish(self._wished())
        return None

    # ---- looking at the rows ----

    @rx.event(background=True)
    @allows(ADMINISTERING)
    async def look(self):
        """What the file would do by the choices as they stand, telling how far the look is.

        One task looks at a time: it begins anew when the choices change meanwhile, and leaves when
        somebody stops it.
        """
        async with self:
            if clock.real_now().timestamp() - self._beat < DEAD_S:
                return  # who looks already sees that something else is wanted
            self._beat = clock.real_now().timestamp()
        while await self._look_once():
            pass

    async def _look_once(self) -> bool:
        """Look by the newest choices; whether they have changed meanwhile."""
        async with self:
            if not self._is_wanted or not self.run_id:
                await self._leave()
                return False
            mine, heard = self._look, {"share": 0.0, "what": "import.reading", "stop": False}
            self.percent, self.doing, looked = 0, self._t("import.reading"), self.run_id
            work = asyncio.create_task(asyncio.to_thread(self._looking(), _stoppable(heard)))
        looks = 0
        while not work.done():
            await asyncio.wait([work], timeout=LISTEN_S)
            looks += 1
            async with self:
                heard["stop"] = self._look != mine
                self._beat = clock.real_now().timestamp()
                self.is_slow = looks > TOLD_AFTER
                self.percent = round(100 * float(heard["share"]))
                self.doing = self._t(str(heard["what"]))
        async with self:
            if self.run_id == looked:
                await self._seen(work, is_newest=self._look == mine)
            else:  # the file was forgotten meanwhile
                await self._unseen(work)
        return True

    def _looking(self) -> Callable[[importing.Progress], ImportPreview]:
        """The look by the choices of this moment."""
        given = {"kind": self.kind, "territory": self.territory, "country": self.country}
        mapping = None if self._asked is None else dict(self._asked)
        return partial(
            _preview, self._actor(), self.run_id, mapping, match=self.match or None,
            mode=self.mode, constants=given, has_header=self._header, whole=self.whole,
        )  # fmt: skip

    async def _seen(self, work: asyncio.Task[ImportPreview], is_newest: bool) -> None:
        """Take what a look has found: also a late one, since the run before it is forgotten."""
        is_first, wished, asked = self.step == 1, self._choices(), self._asked
        try:
            made = work.result()
        except Cancelled:
            return
        except Refusal as error:
            if is_newest:
                self.refused, self._is_wanted = self._why(error), False
            return
        self._take(made)
        if is_newest:
            self._is_wanted = is_first and await self._offer_template()
        elif self._is_wanted:
            self._choose(wished)
            self._asked = asked
            self._name_fields(self._wished())

    async def _unseen(self, work: asyncio.Task[ImportPreview]) -> None:
        with contextlib.suppress(Cancelled, Refusal):
            await asyncio.to_thread(importing.discard, self._actor(), work.result().run_id)

    def _choices(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in CHOICES}

    def _choose(self, choices: dict[str, Any]) -> None:
        for name, value in choices.items():
            setattr(self, name, value)

    async def _leave(self) -> None:
        """The end of looking: what is on the screen was read by the choices that stand there."""
        self._beat, self._asked, self.is_busy, self.is_slow = 0.0, None, False, False
        self._choose(self._shown)
        self._name_fields(self._mapping)
        if self.step == 1 and not self.refused:  # stopped before anything was seen
            await self._forget()

    @rx.event
    @allows(ADMINISTERING)
    def stop_looking(self):
        """Give up the look under way; what was seen before stays."""
        self._is_wanted, self._look = False, self._look + 1

    def _why(self, error: Refusal) -> str:
        if error.code == "unreadable_table":
            return import_texts.unreadable_text(error.params, self.language)
        return self._refusal(error)

    def _take(self, made: ImportPreview) -> None:
        lang = self.language
        self.refused, self.step = "", 2
        self.run_id, self._mapping = made.run_id, dict(made.rules.mapping)
        self.match, self.mode = made.rules.match, made.rules.mode
        self.has_kind = "kind" in self._mapping.values()
        self.has_territory = "territory" in self._mapping.values()
        self.kind = made.rules.constants.get("kind", "")
        self.country = made.rules.constants.get("country", "")
        self.whole, self.has_header = made.rules.whole, made.table["has_header"]
        self.about = self._t("admin.import.about", n=made.table["rows"],
                             encoding=(made.table["encoding"] or "XLSX").upper())  # fmt: skip
        self.above = import_texts.above_text(made.table, lang)
        row = {"row": str(made.table["header_row"])}
        self.header_told = self._t("admin.import.header_row", **row) if self.above else ""
        self.columns = column_rows(made, lang)
        self.mapped = self._t(
            "admin.import.mapped", part=len(self._mapping), whole=len(self.columns)
        )
        self.totals = count_totals(made.counts, lang)
        self.troubles = [trouble_row(asdict(t), lang) for t in made.troubles]
        self.examples = [example_row(e, lang) for e in made.examples]
        self.tab = "problems" if self.troubles else "rows"
        self._asked = None
        self._shown = self._choices()


def _preview(
    actor: Actor, run_id: str, mapping: dict[str, str] | None, progress: importing.Progress,
    **rules: Any,
) -> ImportPreview:  # fmt: skip
    return importing.preview_again(actor, run_id, mapping, progress=progress, **rules)


def _stoppable(heard: dict[str, Any]) -> importing.Progress:
    """Tells how far it is, and ends it once somebody wants it to."""

    def tell(share: float, what: str) -> None:
        heard.update(share=share, what=what)
        if heard["stop"]:
            raise Cancelled(what)

    return tell
