"""What the page of duplicates knows: the queue, the pair that is open, how far the sweep is."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import Any

import reflex as rx

from fieldcrm.clients.duplicates import merge_rules, merging, queue, sweeping
from fieldcrm.clients.duplicates import words as pair_words
from fieldcrm.clients.duplicates.model import PairFilters, Status
from fieldcrm.clients.duplicates.queue import PairView
from fieldcrm.clients.duplicates.sweeping import SweepView
from fieldcrm.clients.model import ClientKind
from fieldcrm.components.alerts import Action, Toast
from fieldcrm.components.messages import Messages
from fieldcrm.components.section import PAGE, Listing
from fieldcrm.components.session import ADMINISTERING, MANAGING, Desk, allows
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.pages.duplicates_lines import BOTH, Line, lines
from fieldcrm.pages.list_files import ListFiles
from fieldcrm.people.model import Role

FILTERS = ("status", "kind")
SORTS = ("probability", "name", "found_at")
TOAST = "duplicate:"
"""What this page's messages are called, before the merge that they tell of."""
RULES = ("0.99", "0.999")
"""From where an administrator may have groups merged without asking."""


@dataclass
class Row:
    """A pair as the table shows it."""

    id: str
    left: str
    right: str
    kind: str
    chance: str
    why: str
    status: str
    status_word: str
    decided: str
    found: str


@dataclass
class Card:
    """The open pair."""

    id: str = ""
    left_id: str = ""
    right_id: str = ""
    left: str = ""
    right: str = ""
    chance: str = ""
    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    status: str = ""
    status_word: str = ""
    decided: str = ""
    merge_id: str = ""
    version: int = 0
    lines: list[Line] = field(default_factory=list)


class Duplicates(ListFiles, Listing, Desk):
    """The queue as the reader has asked for it, and the pair that is open."""

    rows: list[Row] = []
    sort: str = "-probability"
    status: str = "open"
    kind: str = ""
    card: Card = Card()
    card_problem: str = ""
    refused: str = ""
    keep: str = "left"
    """Which card stays: left or right."""
    taken: list[str] = []
    """Fields that the card that stays gets of the other."""
    sweep_id: str = ""
    sweep_said: str = ""
    sweep_percent: int = 0
    is_sweeping: bool = False
    may_sweep: bool = False
    rule: str = ""
    """Probability from which groups are merged without asking; empty: people decide all."""

    @rx.event
    @allows(MANAGING)
    async def load(self):
        """Fill the page; an address may name a pair to open."""
        actor = await self._enter()
        self.may_sweep = actor.role is Role.admin
        await self._look()
        await self._show()
        await self._read_files()
        asked = self.router.url.query_parameters.get("pair", "") or self.opened
        if asked:
            self.opened = str(asked)[:64]
            await self._open(self.opened)

    def _filters(self) -> tuple[str, ...]:
        return FILTERS

    def _sorts(self) -> tuple[str, ...]:
        return SORTS

    def _wanted(self) -> PairFilters:
        return PairFilters(
            self.search, self.status if self.status in Status else "",
            self.kind if self.kind in ClientKind else "",
        )  # fmt: skip

    async def _fill(self, cursor: str = "") -> None:
        found = await asyncio.to_thread(
            queue.page, self._actor(), self._wanted(), self.sort, PAGE, cursor or None
        )
        told = [_row(view, self.language) for view in found.rows]
        self._turn(told, found.cursor, bool(cursor))
        plus = "+" if self.has_more else ""
        self.shown = self._t("duplicates.listed", n=len(self.rows), more=plus)

    async def _open(self, row_id: str) -> None:
        self.card_problem, self.refused, self.taken = "", "", []
        try:
            found = await asyncio.to_thread(queue.one, self._actor(), row_id)
        except Refusal as error:
            self.card, self.card_problem = Card(), self._refusal(error)
            return
        self.keep = _fuller(found)
        self.card = _card(found, self.language, self.keep, [])

    @rx.event
    @allows(MANAGING)
    async def choose(self, side: str):
        """Which card stays."""
        if side in ("left", "right") and self.card.status in ("open", "later"):
            self.keep, self.taken = side, []
            await self._redraw()

    @rx.event
    @allows(MANAGING)
    async def take(self, name: str):
        """A value of the card that goes: take it, or leave it."""
        if name in merge_rules.TAKEABLE and name not in BOTH:
            kept = [n for n in self.taken if n != name]
            self.taken = kept if len(kept) < len(self.taken) else [*kept, name]
            await self._redraw()

    async def _redraw(self) -> None:
        found = await asyncio.to_thread(queue.one, self._actor(), self.opened)
        version = self.card.version  # what was looked at, should somebody else decide meanwhile
        self.card = _card(found, self.language, self.keep, self.taken)
        self.card.version = version

    @rx.event
    @allows(MANAGING)
    async def strike(self, key: str):
        """The keys of a decision, on the open pair."""
        if not self.opened or self.card.status not in ("open", "later"):
            return
        if key in ("1", "2"):
            self.keep, self.taken = ("left" if key == "1" else "right"), []
            await self._redraw()
        elif key == "s":
            await self._merge()
        elif key in ("n", "l"):
            await self._set_apart(Status.different if key == "n" else Status.later)

    @rx.event
    @allows(MANAGING)
    async def merge(self):
        """The same client."""
        await self._merge()

    async def _merge(self) -> None:
        winner = self.card.left_id if self.keep == "left" else self.card.right_id
        asked = (self.opened, winner, tuple(self.taken), self.card.version)
        await self._decide("merged", queue.merge, *asked)

    @rx.event
    @allows(MANAGING)
    async def decide(self, status: str):
        """Not the same, later, or open again."""
        if status in (Status.different, Status.later, Status.open):
            await self._set_apart(Status(status))

    async def _set_apart(self, status: Status) -> None:
        await self._decide(status.value, queue.set_apart, self.opened, status, self.card.version)

    @rx.event
    @allows(MANAGING)
    async def undo(self):
        """Two clients again."""
        await self._decide("undone", merging.undo, self.card.merge_id)

    async def _decide(self, done: str, act: Any, *args: Any) -> None:
        try:
            told = await asyncio.to_thread(act, self._actor(), *args)
        except Refusal as error:
            await self._open(self.opened)
            self.refused = self._refusal(error)
            return
        made = told.merge if done == "merged" and isinstance(told, PairView) else None
        await self._say_done(done, made.id if made else "")
        await self._next_open()

    async def _say_done(self, done: str, merge_id: str) -> None:
        """What was decided; a merge can be taken back from there."""
        actions = [Action("undo", self._t("duplicates.undo"))] if merge_id else []
        said = self._t(f"duplicates.done.{done}")
        messages = await self.get_state(Messages)
        messages._say(Toast(f"{TOAST}{merge_id}", "ok", "confirmed", said, actions=actions))

    @rx.event
    @allows(MANAGING)
    async def answer_toast(self, toast_id: str, action: str):
        """The button of what was just said: two clients again."""
        messages, toast_id = await self.get_state(Messages), str(toast_id)[:200]
        messages.toasts = [t for t in messages.toasts if t.id != toast_id]
        if action != "undo" or not toast_id.startswith(TOAST):
            return
        try:
            await asyncio.to_thread(merging.undo, self._actor(), toast_id.removeprefix(TOAST))
        except Refusal as error:
            messages._say(Toast(TOAST, "err", "contradicted", self._refusal(error)))
            return
        await self._say_done("undone", "")
        await self._next_open()

    async def _next_open(self) -> None:
        """The queue without what was decided, and the pair that took its place."""
        before = [r.id for r in self.rows]
        at = before.index(self.opened) if self.opened in before else 0
        await self._show()
        left = [r.id for r in self.rows]
        if self.opened not in left:
            self.opened = left[min(at, len(left) - 1)] if left else ""
        if self.opened:
            await self._open(self.opened)

    # ---- the sweep ----

    @rx.event
    @allows(ADMINISTERING)
    async def sweep(self):
        """Look through the whole base."""
        try:
            above = float(self.rule) if self.rule in RULES else None
            seen = await asyncio.to_thread(sweeping.ask, self._actor(), above)
        except Refusal as error:
            self.sweep_said = self._refusal(error)
            return
        self._tell_sweep(seen)

    @rx.event
    @allows(ADMINISTERING)
    def choose_rule(self, rule: str):
        """Who decides: people alone, or the rule where it is sure."""
        self.rule = rule if rule in RULES else ""

    @rx.event
    @allows(ADMINISTERING)
    async def stop(self):
        """Stop looking."""
        try:
            seen = await asyncio.to_thread(sweeping.cancel, self._actor(), self.sweep_id)
        except Refusal as error:
            self.sweep_said = self._refusal(error)
            return
        self._tell_sweep(seen)

    @rx.event
    @allows(MANAGING)
    async def watch(self):
        """How far it is; the queue anew once it is through."""
        was_sweeping = self.is_sweeping
        await self._look()
        if was_sweeping and not self.is_sweeping:
            await self._show()

    async def _look(self) -> None:
        try:
            self._tell_sweep(await asyncio.to_thread(sweeping.latest, self._actor()))
        except Refusal as error:
            self.sweep_said = self._refusal(error)

    def _tell_sweep(self, seen: SweepView | None) -> None:
        self.is_sweeping = seen is not None and seen.sweep.status in UNDER_WAY
        self.sweep_id = seen.sweep.id if seen else ""
        self.sweep_percent = round(seen.progress * 100) if seen else 0
        self.sweep_said = _sweep_text(seen, self.language)

    def _asked(self) -> tuple[str, dict[str, Any]]:
        wanted = self._wanted()
        return "duplicates", {k: v for k, v in asdict(wanted).items() if v} | {"sort": self.sort}

    @rx.var
    def is_unswept(self) -> bool:
        """Whether no pair is listed because nobody has looked through the base yet."""
        return not self.rows and self.sweep_id == ""


def _percent(share: float, language: str) -> str:
    """Never a round hundred: that nobody can know."""
    return f"{i18n.number(min(max(share * 100, 1), 99), language, 0)}\u00a0%"


def _row(view: PairView, language: str) -> Row:
    p = view.pair
    return Row(
        p.id, view.left.name, view.right.name, i18n.t(f"admin.client.{view.left.kind}", language),
        _percent(p.probability, language), pair_words.why(view.reasons, language), p.status,
        i18n.t(f"duplicates.status.{p.status}", language), view.decided_by,
        i18n.moment(p.found_at, language, "d MMM HH:mm"),
    )  # fmt: skip


def _fuller(view: PairView) -> str:
    """The card that says more; of two alike the older."""
    left = sum(f.left not in (None, "", []) for f in view.fields)
    right = sum(f.right not in (None, "", []) for f in view.fields)
    return "right" if right > left else "left"


def _card(view: PairView, language: str, keep: str, taken: list[str]) -> Card:
    p = view.pair
    decided = i18n.moment(p.decided_at, language, "d MMM y HH:mm") if p.decided_at else ""
    return Card(
        id=p.id, left_id=view.left.id, right_id=view.right.id, left=view.left.name,
        right=view.right.name, chance=_percent(p.probability, language),
        good=[pair_words.reason(r, language) for r in view.reasons if r.bits > 0],
        bad=[pair_words.reason(r, language) for r in view.reasons if r.bits < 0],
        status=p.status, status_word=i18n.t(f"duplicates.status.{p.status}", language),
        decided=", ".join(t for t in (view.decided_by, decided) if t),
        merge_id=view.merge.id if view.merge else "", version=p.version,
        lines=lines(view, language, keep, taken),
    )  # fmt: skip


def _sweep_text(seen: SweepView | None, language: str) -> str:
    if seen is None:
        return i18n.t("duplicates.sweep.never", language)
    s = seen.sweep
    if s.status == "running":
        return i18n.t("duplicates.sweep.running", language, share=_share(seen.progress, language))
    if s.status == "queued":
        return i18n.t("duplicates.sweep.queued", language)
    at = i18n.moment(s.finished_at or s.asked_at, language, "d MMM HH:mm")
    if s.status != "done":
        return i18n.t(f"duplicates.sweep.{s.status}", language, at=at)
    said = {"clients": i18n.t("duplicates.clients", language, n=s.clients),
            "pairs": i18n.t("duplicates.pairs", language, n=s.found)}  # fmt: skip
    done = i18n.t("duplicates.sweep.done", language, at=at, **said)
    by_rule = i18n.t("duplicates.sweep.merged", language, n=s.merged) if s.merge_above else ""
    return f"{done} · {by_rule}" if by_rule else done


def _share(share: float, language: str) -> str:
    return f"{i18n.number(share * 100, language, 0)}\u00a0%"
