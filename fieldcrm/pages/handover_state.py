"""What is chosen to be handed over, what it would do, the run, and what was done before."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.clients.views import rules as view_rules
from fieldcrm.clients.views import service as views
from fieldcrm.clients.views.model import ListState, plain
from fieldcrm.components.alerts import Toast
from fieldcrm.components.messages import Messages
from fieldcrm.components.section import Choice, Section
from fieldcrm.components.session import MANAGING, Desk, allows
from fieldcrm.handover import found as found_by
from fieldcrm.handover import service as handovers
from fieldcrm.handover.model import BadHandover, BriefLine, HandoverView, Order, Preview, Tell
from fieldcrm.handover.workbook import promise_text
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

WHOLE, LISTED, FOUND = "whole", "listed", "found"
BROUGHT = "brought"
"""The list that the reader came with, among those to choose from."""
NAMED = 6
"""Reps whose share of a list is told."""
LISTEN_S = 0.3
FIELD_WORDS = {
    "from_rep_id": "handover.from", "to_rep_id": "handover.to", "first_day": "handover.first_day",
    "client_ids": "handover.clients", "into_id": "handover.into", "territory_ids": "handover.what",
}  # fmt: skip
FOUND_MOST, PICKED_MOST = 8, 200


@dataclass
class BriefRow:
    """A client in the reader's words."""

    id: str
    name: str
    category: str
    place: str
    promises: list[str]
    last: str
    next: str
    remaining: int


@dataclass
class Look:
    """What would happen."""

    clients: int = 0
    visits: int = 0
    promises: int = 0
    days: int = 0
    title: str = ""
    staying: str = ""
    more: str = ""
    seal: str = ""


@dataclass
class PastRow:
    """A handover that was done."""

    id: str
    when: str
    title: str
    clients: int
    visits: int
    promises: int
    by: str
    state: str
    is_undone: bool
    brief: str


class Handovers(Section, Desk):
    """What is being chosen, what it would do, what was done."""

    givers: list[Choice] = []
    takers: list[Choice] = []
    kinds: list[Choice] = []
    intos: list[Choice] = []
    former: str = ""
    owner: str = ""
    kind: str = WHOLE
    into: str = ""
    first_day: str = ""
    found: list[Choice] = []
    picked: list[Choice] = []
    lists: list[Choice] = []
    """Lists whose clients can be handed over: the one that was brought along, saved views."""
    which: str = ""
    """Which of them."""
    spread: str = ""
    """How many clients it finds, and whose they are."""
    brought: str = ""
    """What the list that was brought along is narrowed to, in words."""
    why_these: str = ""
    """Who is offered to take over; where nobody is, what to do."""
    why_nowhere: str = ""
    """What to do where the new owner has no territory for named clients."""
    look: Look = Look()
    brief: list[BriefRow] = []
    refused: str = ""
    is_sure: bool = False
    is_busy: bool = False
    doing: str = ""
    percent: int = 0
    _brought: str = ""
    """What the list that was brought along is narrowed to, as JSON."""
    _run: int = 0
    """Which run is under way: stopping it begins another count."""
    past: list[PastRow] = []
    asked: str = ""
    """The handover whose undoing awaits a second press."""

    @rx.event
    @allows(MANAGING)
    async def load(self):
        """Fill the page; an address may name who hands over."""
        actor = await self._enter()
        self.givers = await asyncio.to_thread(_givers, actor, self.language)
        self.first_day = self.first_day or clock.local(clock.now()).date().isoformat()
        self.asked, self.is_busy = "", False
        address = self.router.url.query_parameters
        self._keep_brought(str(address.get("view", "")))
        asked = str(address.get("from", ""))[:64]
        if asked in [g.value for g in self.givers]:
            self.former = asked
        await self._choices()
        view = str(address.get("view", ""))[:64]
        if view in [choice.value for choice in self.lists]:
            self.kind, self.which = FOUND, view
            self._forget()
            await self._choices()
        await self._show()

    @rx.event
    @allows(MANAGING)
    async def reload(self):
        """Try again."""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        del cursor
        found = await asyncio.to_thread(handovers.list_handovers, self._actor())
        self.past = [_past(each, self.language) for each in found]

    async def _choices(self) -> None:
        """Who may take over from whom is chosen, and what he has."""
        actor, language = self._actor(), self.language
        await self._read_lists(actor)
        self.takers = await asyncio.to_thread(_takers, actor, self.former)
        if self.owner not in [t.value for t in self.takers]:
            self.owner = ""
        self.kinds = await asyncio.to_thread(_kinds, actor, self.former, language)
        self.intos = await asyncio.to_thread(_territories, actor, self.owner)
        if self.kind not in [k.value for k in self.kinds]:
            self.kind = WHOLE
        if self.into not in [t.value for t in self.intos]:
            self.into = self.intos[0].value if self.intos else ""
        self.why_these = await asyncio.to_thread(_why_these, actor, self.former, language)
        self.why_nowhere = ""
        if self.owner and not self.intos and self.kind in (LISTED, FOUND):
            name = next(t.text for t in self.takers if t.value == self.owner)
            self.why_nowhere = self._t("handover.no_into", name=name)

    async def _read_lists(self, actor: Actor) -> None:
        """Which lists there are, and what the chosen one finds; a single owner hands over."""
        every = await asyncio.to_thread(views.list_views, actor)
        brought = [Choice(BROUGHT, self.brought)] if self._brought else []
        self.lists, self.spread = [*brought, *(Choice(v.id, v.name) for v in every)], ""
        if self.which not in [choice.value for choice in self.lists]:
            self.which = self.lists[0].value if self.lists else ""
        if self.kind != FOUND or not self.which:
            return
        try:
            state = await asyncio.to_thread(self._list_state, actor)
            found = await asyncio.to_thread(found_by.by_rep, actor, state)
        except Refusal as error:
            self.spread = self._why(error)
            return
        names = {g.value: g.text for g in self.givers}
        self.spread = _spread(found, names, self.language)
        owners = [rep_id for rep_id in found if rep_id in names]
        if not self.former and len(owners) == 1:
            self.former = str(owners[0])

    def _list_state(self, actor: Actor) -> ListState:
        """The chosen list; raises ViewNotFound, BadView."""
        if self.which == BROUGHT:
            return view_rules.read_state(json.loads(self._brought))
        return views.get(actor, self.which).state

    def _keep_brought(self, view: str) -> None:
        """What was brought along is of use where the reader came with it."""
        if view != BROUGHT and self._brought:
            self._brought, self.brought = "", ""
            if self.which == BROUGHT:
                self.kind, self.which = WHOLE, ""
                self._forget()

    def _bring(self, state: ListState, said: str) -> None:
        """A list from another page, and what it is narrowed to in words."""
        self._brought, self.brought = json.dumps(plain(state)), said
        self.kind, self.which, self.former, self.picked = FOUND, BROUGHT, "", []
        self._forget()

    @rx.event
    @allows(MANAGING)
    async def choose(self, name: str, value: str):
        """One part of the order; what was looked at before no longer counts."""
        if self.is_busy or name not in ("former", "owner", "kind", "which", "into", "first_day"):
            return
        setattr(self, name, str(value)[:64])
        if name == "former":
            self.picked = []
        self._forget()
        await self._choices()

    def _why(self, error: Refusal) -> str:
        """A refusal in the reader's words, the field by what the page calls it."""
        called = FIELD_WORDS.get(str(error.params.get("field")))
        if isinstance(error, BadHandover) and called:
            return self._t("error.handover_field", field=self._t(called))
        return self._refusal(error)

    def _forget(self) -> None:
        self.look, self.brief, self.refused, self.is_sure, self.found = Look(), [], "", False, []

    @rx.event
    @allows(MANAGING)
    async def find(self, text: str):
        """The former's clients whose name, address or number fits."""
        wanted = str(text).strip()[:100]
        self.found = []
        if len(wanted) < 2 or not self.former:
            return
        own = {t.value for t in await asyncio.to_thread(_territories, self._actor(), self.former)}
        rows = await asyncio.to_thread(clients.find, self._actor(), search=wanted, limit=50)
        known = {p.value for p in self.picked}
        fit = [c for c in rows.rows if c.territory_id in own and c.id not in known]
        self.found = [
            Choice(c.id, " · ".join(p for p in (c.name, c.address) if p)) for c in fit[:FOUND_MOST]
        ]

    @rx.event
    @allows(MANAGING)
    def pick(self, client_id: str):
        """Into the list."""
        chosen = next((f for f in self.found if f.value == client_id), None)
        if chosen is not None and len(self.picked) < PICKED_MOST:
            left = [f for f in self.found if f.value != client_id]
            picked = [*self.picked, chosen]
            self._forget()
            self.picked, self.found = picked, left

    @rx.event
    @allows(MANAGING)
    def drop(self, client_id: str):
        """Out of the list."""
        self._forget()
        self.picked = [p for p in self.picked if p.value != client_id]

    @rx.event
    @allows(MANAGING)
    async def show_look(self):
        """What it would do."""
        if self.is_busy:
            return
        self._forget()
        try:
            order = await asyncio.to_thread(self._order, self._actor())
            seen = await asyncio.to_thread(handovers.preview, self._actor(), order)
        except Refusal as error:
            self.refused = self._why(error)
            return
        self.look = _look(seen, self.language)
        self.brief = [_brief(line, self.language) for line in seen.brief]

    def _order(self, actor: Actor) -> Order:
        """What is chosen, the clients of a list read anew; raises BadHandover and what `found` does."""
        for name in ("former", "owner"):
            if not getattr(self, name):
                raise BadHandover(field="to_rep_id" if name == "owner" else "from_rep_id")
        try:
            first = date.fromisoformat(self.first_day)
        except ValueError as error:
            raise BadHandover(field="first_day") from error
        if self.kind in (LISTED, FOUND):
            named = self._named(actor)
            return Order(
                self.former, self.owner, first, client_ids=named, into_id=self.into or None
            )
        territories = frozenset() if self.kind == WHOLE else frozenset({self.kind})
        return Order(self.former, self.owner, first, territories)

    def _named(self, actor: Actor) -> frozenset[str]:
        """The clients picked one by one, or those that the list finds."""
        if self.kind == FOUND:
            if not self.which:
                raise BadHandover(field="client_ids")
            return found_by.clients_of(actor, self.former, self._list_state(actor))
        if not self.picked:
            raise BadHandover(field="client_ids")
        return frozenset(p.value for p in self.picked)

    @rx.event(background=True)
    @allows(MANAGING)
    async def hand_over(self):
        """Asks once, then does what was looked at, telling how far it is."""
        async with self:
            if not self.look.seal or self.is_busy:
                return
            if not self.is_sure:
                self.is_sure = True
                return
            actor, seal = self._actor(), self.look.seal
            try:
                order = await asyncio.to_thread(self._order, actor)
            except Refusal as error:
                self._forget()
                self.refused = self._why(error)
                return
            mine = self._begin("handover.doing")
        heard: dict[str, Any] = {"share": 0.0, "stop": False}
        done = await self._watched(mine, heard, handovers.hand_over, actor, order, seal)
        async with self:
            if done is not None:
                self.picked = []
                await self._toast("handover.done", clients=done.clients, visits=done.visits,
                                  promises=done.promises)  # fmt: skip
            await self._choices()
            await self._show()

    @rx.event(background=True)
    @allows(MANAGING)
    async def undo(self, handover_id: str):
        """Asks once, then gives back what nobody has built on, telling how far it is."""
        async with self:
            if self.is_busy or self.asked != handover_id:
                self.asked = "" if self.is_busy else str(handover_id)[:64]
                return
            self.asked = ""
            actor, mine = self._actor(), self._begin("handover.giving_back")
        heard: dict[str, Any] = {"share": 0.0, "stop": False}
        done = await self._watched(mine, heard, handovers.undo, actor, str(handover_id))
        async with self:
            if done is not None:
                key = "handover.gave_back_but" if done.stayed else "handover.gave_back"
                await self._toast(key, n=done.stayed)
            await self._choices()
            await self._show()

    def _begin(self, key: str) -> int:
        """Nothing else may be begun until this run ends."""
        self._forget()
        self._run += 1
        self.is_busy, self.percent, self.doing = True, 0, self._t(key)
        return self._run

    async def _watched(
        self, mine: int, heard: dict[str, Any], act: Any, *args: Any
    ) -> HandoverView | None:
        """Let it run beside the page, which tells how far it is and may stop it; None: it came to nothing."""
        work = asyncio.create_task(asyncio.to_thread(act, *args, _into(heard)))
        while not work.done():
            await asyncio.wait([work], timeout=LISTEN_S)
            async with self:
                heard["stop"] = self._run != mine
                self.percent = round(100 * heard["share"])
        async with self:
            self.is_busy = False
            try:
                return work.result()
            except Cancelled:
                self.refused = self._t("handover.stopped")
            except Refusal as error:
                self.refused = self._why(error)
        return None

    @rx.event
    @allows(MANAGING)
    def stop(self):
        """Stop the run under way: nothing of it has happened."""
        self._run += 1

    async def _toast(self, key: str, **params: Any) -> None:
        toasts = await self.get_state(Messages)
        toasts._say(Toast("handover", "ok", "confirmed", self._t(key, **params)))


def _givers(actor: Actor, language: str) -> list[Choice]:
    """Reps of the actor's teams, also those who left."""
    return [
        Choice(r.id, r.name if r.is_active else i18n.t("handover.gone", language, name=r.name))
        for r in people.visible_reps(actor, True)
    ]


def _takers(actor: Actor, former: str) -> list[Choice]:
    every = people.visible_reps(actor, True)
    team = next((r.team_id for r in every if r.id == former), None)
    return [
        Choice(r.id, r.name)
        for r in every if r.is_active and r.id != former and team and r.team_id == team
    ]  # fmt: skip


def _why_these(actor: Actor, former: str, language: str) -> str:
    """Why no others are offered; where nobody is, what to do about it."""
    every = people.visible_reps(actor, True)
    giver = next((r for r in every if r.id == former), None)
    if not every:
        return i18n.t("handover.no_reps", language)
    if giver is None or _takers(actor, former):
        return i18n.t("handover.same_team", language)
    if giver.team_id is None:
        return i18n.t("handover.no_team", language, name=giver.name)
    team = next((t.name for t in people.list_teams(actor) if t.id == giver.team_id), "")
    return i18n.t("handover.nobody", language, team=team)


def _spread(found: dict[str | None, int], names: dict[str, str], language: str) -> str:
    """`143 clients: Anna 100, Boris 40, others 3`."""
    known = sorted((-n, names[r]) for r, n in found.items() if r in names)[:NAMED]
    told = [f"{name} {i18n.number(-n, language)}" for n, name in known]
    rest = sum(found.values()) + sum(n for n, _ in known)
    if rest:
        told.append(i18n.t("handover.others", language, n=rest))
    whole = i18n.t("clients_page.shown", language, n=sum(found.values()), more="")
    return f"{whole}: {', '.join(told)}" if told else whole


def _into(heard: dict[str, Any]) -> Tell:
    def tell(share: float) -> None:
        heard["share"] = share
        if heard["stop"]:
            raise Cancelled

    return tell


def _territories(actor: Actor, rep_id: str) -> list[Choice]:
    own = [t for t in clients.list_territories(actor) if rep_id and t.rep_id == rep_id]
    return [Choice(t.id, t.name) for t in own]


def _kinds(actor: Actor, former: str, language: str) -> list[Choice]:
    """All he has, one of his territories, clients by name, or those that a list finds."""
    own = _territories(actor, former)
    by_area = [
        Choice(t.value, i18n.t("handover.territory", language, name=t.text)) for t in own
    ]  # fmt: skip
    return [
        Choice(WHOLE, i18n.t("handover.whole", language)), *by_area,
        Choice(LISTED, i18n.t("handover.listed", language)),
        Choice(FOUND, i18n.t("handover.found", language)),
    ]  # fmt: skip


def _look(seen: Preview, language: str) -> Look:
    staying = (
        i18n.t("handover.staying", language, n=seen.staying)
        if seen.staying else ""
    )  # fmt: skip
    is_cut = seen.clients > len(seen.brief)
    return Look(
        seen.clients, seen.visits, seen.promises, seen.days, f"{seen.from_name} → {seen.to_name}",
        staying, i18n.t("handover.some", language, n=len(seen.brief)) if is_cut else "", seen.seal,
    )  # fmt: skip


def _brief(line: BriefLine, language: str) -> BriefRow:
    result = i18n.t(f"result.{line.last_result}", language) if line.last_result else ""
    last = i18n.day(line.last_visit, language, "d MMM") if line.last_visit else ""
    return BriefRow(
        line.client_id, line.name, line.category or "", line.place,
        [promise_text(p, language) for p in line.promises],
        " · ".join(part for part in (last, result) if part),
        i18n.day(line.next_visit, language, "EEE d MMM") if line.next_visit else "", line.remaining,
    )  # fmt: skip


def _past(h: HandoverView, language: str) -> PastRow:
    state = i18n.t("handover.in_force", language)
    if h.undone_at is not None:
        key = "handover.undone_but" if h.stayed else "handover.undone"
        state = i18n.t(key, language, at=i18n.moment(h.undone_at, language), n=h.stayed)
    return PastRow(
        h.id, i18n.moment(h.done_at, language), f"{h.from_name} → {h.to_name}", h.clients, h.visits,
        h.promises, h.by or "", state, h.undone_at is not None,
        f"/api/v1/handovers/{h.id}/brief.xlsx?language={language}",
    )  # fmt: skip
