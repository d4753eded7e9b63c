"""Filters of the list of clients: conditions on any field, and what is near a point or a client."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients import conditions
from fieldcrm.clients import service as clients
from fieldcrm.clients.model import DISTANCE, BadClientField, ClientNotFound, Condition
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.clients.views import rules as view_rules
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button
from fieldcrm.components.section import Choice, Listing
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.pages.client_columns import label

NEAR_KM = 2.0
INPUTS = {"number": "number", "date": "date", "moment": "date"}


@dataclass
class Narrowed:
    """A condition of the list, and what it says."""

    field: str
    op: str
    value: str
    text: str


class Narrowing(Listing, Desk, mixin=True):
    """Part of the list's state: its conditions, and the one that is being put together."""

    conditions: list[Narrowed] = []
    near: str = ""
    """`latitude,longitude`, or the id of a client to be near to."""
    near_km: float = NEAR_KM
    near_word: str = ""
    fields: list[Choice] = []
    draft: str = "city"
    """The field of the condition that is being put together."""
    draft_input: str = "text"
    draft_ops: list[Choice] = []
    draft_values: list[Choice] = []
    filter_problem: str = ""

    def _type_of(self, name: str) -> str | None:
        if not name.startswith(PREFIX):
            return conditions.FIELDS.get(name)
        own = next((f for f in self._own if PREFIX + f.name == name), None)
        return conditions.OWN_TYPES.get(own.sense) if own else None

    def _read_fields(self) -> None:
        """What can be asked of which field; the page has read own fields and territories."""
        own = [Choice(PREFIX + f.name, ownfields.label_of(f, self.language)) for f in self._own]
        self.fields = [*(Choice(n, label(n, self.language)) for n in conditions.FIELDS), *own]
        if self._type_of(self.draft) is None:
            self.draft = "city"
        kind = self._type_of(self.draft) or "text"
        self.draft_ops = [
            Choice(op, self._t(f"client_list.op.{op}")) for op in conditions.OPS[kind]
        ]
        self.draft_input = INPUTS.get(kind, "text")
        self.draft_values = self._values_of(self.draft)

    def _values_of(self, name: str) -> list[Choice]:
        """The values of a field that has few."""
        if name == "territory_id":
            return list(self.territories)
        if name in conditions.KNOWN:
            return [Choice(v, self._value_word(name, v)) for v in conditions.KNOWN[name]]
        own = next((f for f in self._own if PREFIX + f.name == name), None)
        if own is None:
            return []
        if own.sense == "yes_no":
            found = [("true", True), ("false", False)]
            return [Choice(v, ownfields.text_of(own, told, self.language)) for v, told in found]
        return [
            Choice(o.value, ownfields.text_of(own, _told(own, o.value), self.language))
            for o in own.field.options
        ]

    def _value_word(self, name: str, value: str) -> str:
        is_consent = conditions.FIELDS.get(name) == "consent"
        of_name = {"kind": "admin.client.", "source": "client_list.source."}
        prefix = "consent.state." if is_consent else of_name.get(name)
        return self._t(prefix + value) if prefix else value

    def _narrowed(self, condition: Condition) -> Narrowed:
        own = next((f for f in self._own if PREFIX + f.name == condition.field), None)
        name = (
            ownfields.label_of(own, self.language) if own else label(condition.field, self.language)
        )
        known = {c.value: c.text for c in self._values_of(condition.field)}
        value = known.get(condition.value, condition.value)
        text = self._t("client_list.condition", field=name, value=value,
                       op=self._t(f"client_list.op.{condition.op}"))  # fmt: skip
        return Narrowed(condition.field, condition.op, condition.value, text.strip())

    def _conditions(self) -> tuple[Condition, ...]:
        return tuple(Condition(c.field, c.op, c.value) for c in self.conditions)

    async def _say_near(self) -> None:
        """What the list is near to, in words; a client that is gone is near to nothing."""
        self.near_word = ""
        if not self.near:
            return
        name = self.near
        if view_rules.point_in(self.near) is None:
            try:
                found = await asyncio.to_thread(clients.get, self._actor(), self.near)
            except ClientNotFound:
                self._leave_near()
                return
            name = found.name
        km = i18n.number(self.near_km, self.language, 1)
        self.near_word = self._t("client_list.near_word", km=km, name=name)

    def _leave_near(self) -> None:
        self.near, self.near_word = "", ""
        if self.sort.endswith(DISTANCE):
            self.sort = "name"

    @rx.event
    @allows(DISPATCHING)
    def choose_field(self, name: str):
        """The field of the condition that is being put together."""
        self.draft, self.filter_problem = str(name)[:80], ""
        self._read_fields()

    @rx.event
    @allows(DISPATCHING)
    async def add_condition(self, data: dict):
        """Narrow the list by one more condition."""
        op, value = str(data.get("op", "")), str(data.get("value", "")).strip()[:200]
        told = Condition(self.draft, op, "" if op in conditions.WITHOUT_VALUE else value)
        try:
            conditions.check(told, self._type_of(self.draft))
        except BadClientField:
            self.filter_problem = self._t("client_list.bad_condition")
            return
        self.filter_problem = ""
        if told not in self._conditions() and len(self.conditions) < conditions.CONDITIONS_MAX:
            self.conditions = [*self.conditions, self._narrowed(told)]
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def drop_condition(self, text: str):
        """One condition fewer."""
        self.conditions = [c for c in self.conditions if c.text != text]
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def near_to(self, data: dict):
        """Only what is near a point."""
        point = view_rules.point_in(str(data.get("point", ""))[:80])
        await self._set_near(f"{point[0]},{point[1]}" if point else "", data.get("km"))

    @rx.event
    @allows(DISPATCHING)
    async def near_client(self, client_id: str):
        """Only what is near a client."""
        self.opened = ""
        await self._set_near(str(client_id)[:64], self.near_km)

    async def _set_near(self, near: str, km: Any) -> None:
        try:
            wide = float(str(km or NEAR_KM).replace(",", "."))
        except ValueError:
            wide = 0.0
        if not near or not 0 < wide <= conditions.KM_MAX:
            self.filter_problem = self._t("client_list.bad_point")
            return
        self.near, self.near_km, self.filter_problem = near, wide, ""
        self.sort = DISTANCE
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def leave_near(self):
        """Near or far."""
        self._leave_near()
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def clear(self):
        """Everything one may see."""
        for name in ("search", *self._filters()):
            setattr(self, name, "")
        self.conditions = []
        self._leave_near()
        await self._show()


def _told(own: Any, value: str) -> Any:
    return [value] if own.field.type == "choices" else value


# ── parts of the page ────────────────────────────────────────────────────────────────────────────


def filter_tools(state: Any) -> rx.Component:
    """A menu that puts a condition together."""
    return rx.el.details(
        rx.el.summary(icon("list-filter", "s"), words("client_list.filter"), class_name="btn sm"),
        rx.el.div(
            _condition(state), _near(state),
            rx.cond(state.filter_problem != "",
                    rx.el.p(state.filter_problem, class_name="t1 late", role="alert"), rx.fragment()),
            class_name="of-m card li-f",
        ),
        class_name="of-d",
    )  # fmt: skip


def _condition(state: Any) -> rx.Component:
    field = rx.el.select(
        rx.foreach(state.fields, _option), value=state.draft, on_change=state.choose_field,
        class_name="input sm", aria_label=words("client_list.by_field"),
    )  # fmt: skip
    op = rx.el.select(
        rx.foreach(state.draft_ops, _option), name="op", class_name="input sm",
        aria_label=words("client_list.how"), key=state.draft,
    )  # fmt: skip
    typed = rx.el.input(
        name="value", type=state.draft_input, class_name="input sm", max_length=200, step="any",
        aria_label=words("client_list.value"), key=state.draft,
    )  # fmt: skip
    chosen = rx.el.select(
        rx.foreach(state.draft_values, _option), name="value", class_name="input sm",
        aria_label=words("client_list.value"), key=state.draft,
    )  # fmt: skip
    return rx.el.form(
        rx.el.h3(words("client_list.by_field")), field, op,
        rx.cond(state.draft_values.length() > 0, chosen, typed),
        button(words("client_list.add"), small=True, type="submit"),
        on_submit=state.add_condition,
    )  # fmt: skip


def _near(state: Any) -> rx.Component:
    return rx.el.form(
        rx.el.h3(words("client_list.nearby")),
        rx.el.input(name="point", class_name="input sm", placeholder="60.1699, 24.9384",
                    aria_label=words("client_list.point")),
        rx.el.label(
            rx.el.input(name="km", type="number", min="0.1", max="500", step="any", class_name="input sm li-km",
                        default_value="2"),
            words("client_list.within_km"), class_name="row",
        ),
        button(icon("locate-fixed", "s"), words("client_list.show_near"), small=True, type="submit"),
        on_submit=state.near_to,
    )  # fmt: skip


def _option(choice: Any) -> rx.Component:
    return rx.el.option(choice.text, value=choice.value)


def filter_chips(state: Any) -> rx.Component:
    """What narrows the list beside the usual choices; each can be taken away."""

    def chip(c: Any) -> rx.Component:
        return rx.el.button(
            c.text, icon("x", "s"), type="button", class_name="btn sm soft li-x", title=c.text,
            on_click=state.drop_condition(c.text),
        )  # fmt: skip

    near = rx.cond(
        state.near_word != "",
        rx.el.button(icon("locate-fixed", "s"), state.near_word, icon("x", "s"), type="button",
                     class_name="btn sm soft li-x", on_click=state.leave_near),
        rx.fragment(),
    )  # fmt: skip
    chips = rx.el.div(rx.foreach(state.conditions, chip), near, class_name="row li-chips",
                      role="group", aria_label=words("client_list.narrowed"))  # fmt: skip
    return rx.cond((state.conditions.length() > 0) | (state.near_word != ""), chips, rx.fragment())
