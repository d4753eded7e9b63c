"""A client added or changed at the desk: the form, who may be there already, the workplace."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.clients import workplaces
from fieldcrm.clients.duplicates import hints
from fieldcrm.clients.duplicates import words as pair_words
from fieldcrm.clients.duplicates.model import Hint
from fieldcrm.clients.model import (
    CATEGORIES,
    PERSON_KINDS,
    PLACE_KINDS,
    BadClientField,
    ClientFilters,
    ClientKind,
)
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.components.alerts import Toast
from fieldcrm.components.icons import icon
from fieldcrm.components.messages import Messages
from fieldcrm.components.parts import button
from fieldcrm.components.section import Choice, Section, loaded, options_of
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import client_own
from fieldcrm.pages.admin import labelled, said
from fieldcrm.pages.client_draft import ClientDraft, draft_of, read_form
from fieldcrm.pages.client_own import OwnReferences, own_inputs
from fieldcrm.pages.client_place import Placed, exchanging, on_map
from fieldcrm.pages.client_standing import Standing, consent_inputs, proof_inputs
from fieldcrm.quality import service as quality

COMPARED = ("name", "kind", "phone", "address")
"""Fields after each of which the base is asked who is there already."""
FOUND_MOST = 6
TO_BAD_FIELD = "setTimeout(() => document.querySelector('main [aria-invalid=true]')?.focus(), 100)"


@dataclass
class AlikeRow:
    """A client that the one in the form may be."""

    id: str
    name: str
    why: str


class ClientForm(Placed, Standing, OwnReferences, Section, Desk):
    """The form as it stands, who is alike, and the workplace chosen for a new person."""

    draft: ClientDraft = ClientDraft()
    kind: str = ClientKind.doctor.value
    territories: list[Choice] = []
    alike: list[AlikeRow] = []
    is_sure: bool = False
    """Whether the next press saves in spite of those alike."""
    places: list[Choice] = []
    place: Choice = Choice("", "")
    refused: str = ""
    bad_field: str = ""
    must_confirm: bool = False
    doubts: list[str] = []
    """What to look at once more, in words; the next press saves it as it is."""
    doubted: list[str] = []
    """Their fields."""
    _asked: dict[str, Any] = {}
    """What was doubted, as it was typed."""
    _told: dict[str, str] = {}
    _values: dict[str, Any] = {}
    """What the client has of them."""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """An empty form, or that of the client whom the address names."""
        self.is_ready = False  # what was open before is no longer shown
        yield
        await self._enter()
        self.alike, self.places, self.place = [], [], Choice("", "")
        self.refused, self.bad_field, self._told = "", "", {}
        self.is_sure = self.must_confirm = False
        self.doubts, self.doubted, self._asked = [], [], {}
        self._close_map()
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        actor = self._actor()
        asked = str(self.router.url.query_parameters.get("client") or "")[:64]
        mine = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [Choice(t.id, t.name) for t in mine]
        self.draft, self.kind, self._values = ClientDraft(), ClientKind.doctor.value, {}
        self._fields = await asyncio.to_thread(ownfields.list_fields, actor)
        self._read_standing(None)
        if asked:
            client = await asyncio.to_thread(clients.get, actor, asked)
            self.draft, self.kind = draft_of(client), client.kind
            self._told = {n: getattr(client, n) or "" for n in COMPARED}
            self._values = dict(client.own_fields)
            self._read_standing(client)
        self._show_own()

    def _show_own(self) -> None:
        self.own = client_own.inputs_of(
            self._fields, self.kind, self._values, self._actor(), self.draft.id
        )

    @rx.var
    def is_person(self) -> bool:
        """Whether the form is of somebody who works somewhere."""
        return self.kind in PERSON_KINDS

    @rx.event
    @allows(DISPATCHING)
    async def compare(self, name: str, value: str):
        """Ask who is there already, as soon as a telling field is filled in."""
        if name not in COMPARED:
            return
        if name == "kind":
            self.kind = value if value in ClientKind else self.kind
            value = self.kind
            self._show_own()
        self._told = {**self._told, "kind": self.kind, name: str(value)[:300]}
        told = {k: v for k, v in self._told.items() if v}
        self._keep(await asyncio.to_thread(self._found, told))

    def _found(self, told: dict[str, Any]) -> list[Hint]:
        try:
            return hints.alike(self._actor(), told, self.draft.id or None)
        except BadClientField:
            return []  # said when it is saved

    def _keep(self, found: list[Hint]) -> None:
        rows = [
            AlikeRow(h.client.id, self._called(h), pair_words.why(h.reasons, self.language))
            for h in found
        ]
        self.is_sure = self.is_sure and [r.id for r in rows] == [r.id for r in self.alike]
        self.alike = rows

    def _called(self, hint: Hint) -> str:
        """Its name; of another kind than is typed in, that too."""
        if hint.client.kind == self.kind:
            return hint.client.name
        return f"{hint.client.name} · {self._t(f'admin.client.{hint.client.kind}')}"

    @rx.event
    @allows(DISPATCHING)
    async def find_place(self, text: str):
        """Organisations and pharmacies where a new person may work."""
        text = str(text)[:100].strip()
        kinds = tuple(ClientKind(k) for k in ClientKind if k in PLACE_KINDS)
        found = (
            await asyncio.to_thread(clients.find, self._actor(), text, ClientFilters(kinds=kinds))
            if text
            else None
        )
        rows = found.rows[:FOUND_MOST] if found else []
        self.places = [Choice(c.id, _at(c.name, c.address)) for c in rows]

    @rx.event
    @allows(DISPATCHING)
    def choose_place(self, place_id: str):
        """One of those found, or none."""
        none = Choice("", "")
        self.place = next((p for p in self.places if p.value == place_id), none)
        self.places = []

    @rx.event
    @allows(DISPATCHING)
    async def save(self, data: dict):
        """Add or change; asks once more where somebody alike is there, a refusal keeps what was typed."""
        is_new = not self.draft.id
        try:
            told = read_form(data, self.kind) | self._told_standing(data) | self._read_own(data)
            if is_new and not await self._is_meant(told):
                return None
            if not await self._is_believed(told):
                return rx.call_script(TO_BAD_FIELD)
            saved = await asyncio.to_thread(self._save, told)
        except Refusal as error:
            self.refused = self._refusal_of_field(error)
            self.bad_field = str(error.params.get("field", ""))
            return rx.call_script(TO_BAD_FIELD)
        await self._tell("client_form.added" if is_new else "client_form.changed", saved.name)
        return rx.redirect(f"/clients?client={saved.id}")

    def _read_own(self, data: dict[str, Any]) -> dict[str, Any]:
        own = client_own.read(data, self._fields, self.kind, self._values, self._actor())
        return {"own_fields": own} if own else {}

    async def _is_meant(self, told: dict[str, Any]) -> bool:
        """Whether nobody alike is there, or the person has seen who is."""
        known = {k: v for k, v in told.items() if v is not None}
        self._keep(await asyncio.to_thread(self._found, known))
        if not self.alike or self.is_sure:
            return True
        self.is_sure, self.refused = True, ""
        return False

    async def _is_believed(self, told: dict[str, Any]) -> bool:
        """Whether nothing in it looks wrong, or the person has seen what does and left it so."""
        found = await asyncio.to_thread(quality.doubts, self._actor(), told, self.draft.id)
        asked = {d.field: _typed(told, d.field) for d in found}
        if not found or asked.items() <= self._asked.items():
            return True
        self._asked, self.refused, self.bad_field = asked, "", ""
        self.is_swapped = any(d.is_swapped for d in found)
        self.doubts, self.doubted = [self._t(d.key) for d in found], list(asked)
        return False

    def _save(self, told: dict[str, Any]) -> Any:
        actor, draft = self._actor(), self.draft
        saved = clients.save(actor, told, draft.id or None, draft.version if draft.id else None)
        if not draft.id and self.place.value and saved.kind in PERSON_KINDS:
            workplaces.save_affiliation(actor, saved.id, self.place.value, is_main=True)
        return saved

    @rx.event
    @allows(DISPATCHING)
    async def archive(self):
        """Out of the lists after a second press, or back into them."""
        draft = self.draft
        if not draft.is_archived and not self.must_confirm:
            self.must_confirm = True
            return None
        act = clients.restore if draft.is_archived else clients.archive
        try:
            client = await asyncio.to_thread(act, self._actor(), draft.id, draft.version)
        except Refusal as error:
            self.refused = self._refusal(error)
            return None
        key = "client_form.restored" if draft.is_archived else "client_form.archived"
        await self._tell(key, client.name)
        return rx.redirect("/clients")

    def _refusal_of_field(self, error: Refusal) -> str:
        name = str(error.params.get("field", "")).removesuffix("_id")
        key = f"admin.field.{name}"
        if error.code.startswith("bad_") and key in i18n.catalogue(self.language):
            return self._t("error.bad_field", field=self._t(key))
        return self._refusal(error)

    async def _tell(self, key: str, name: str) -> None:
        messages = await self.get_state(Messages)
        messages._say(Toast(f"client:{name}", "ok", "confirmed", self._t(key, name=name)))


def _typed(told: dict[str, Any], field: str) -> Any:
    """What a doubt is about: a place has two numbers."""
    return (told.get("lat"), told.get("lng")) if field == "lat" else told.get(field)


def _at(name: str, address: str | None) -> str:
    return f"{name} · {address}" if address else name


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def client_form_page() -> rx.Component:
    """The page."""
    title = rx.cond(
        ClientForm.draft.id == "", words("client_form.add"), words("client_form.change")
    )
    name = rx.cond(ClientForm.is_ready, title, words("clients_page.card"))
    body = rx.el.div(
        rx.el.h2(name, class_name="vh"), loaded(ClientForm, _card(name)), class_name="ad-b"
    )
    return page(
        "/clients", words("clients_page.title"), rx.el.div(body, class_name="ad-w"), class_name="ad"
    )


def _card(title: Any) -> rx.Component:
    back = rx.el.a(
        icon("chevron-left", "s"), words("handover.back"), href="/clients", class_name="btn sm"
    )
    f = ClientForm.draft
    archive = button(
        rx.cond(f.is_archived, words("client_form.restore"),
                rx.cond(ClientForm.must_confirm, words("client_form.archive_sure"), words("client_form.archive"))),
        kind="danger", small=True, on_click=ClientForm.archive,
    )  # fmt: skip
    form = rx.el.section(
        rx.el.header(rx.el.h3(title), rx.el.span(class_name="sp"), rx.cond(f.id == "", rx.fragment(), archive), back),
        _form(), class_name="card cf",
    )  # fmt: skip
    return rx.el.div(form, _alike(), class_name="cf-w")


def _form() -> rx.Component:
    f = ClientForm.draft
    is_new = f.id == ""
    save = rx.cond(
        ClientForm.is_sure & (ClientForm.alike.length() > 0),
        words("client_form.anyway"),
        rx.cond(
            ClientForm.doubts.length() > 0, words("client_form.save_anyway"), words("admin.save")
        ),
    )
    return rx.el.form(
        _field("kind", _kinds()), _field("name", _input("name", f.name, is_compared=True, max_length=200)),
        _field("category", _letters()), _field("loyalty", _input("loyalty", f.loyalty, max_length=60,
                                                              on_blur=lambda text: ClientForm.weigh("loyalty", text))),
        proof_inputs("category", ClientForm.letter, ClientForm.letter_proof),
        proof_inputs("loyalty", ClientForm.loyal, ClientForm.loyal_proof),
        _field("territory", _territories()),
        rx.cond(is_new & ClientForm.is_person, _workplace(), rx.fragment()),
        _field("phone", _input("phone", f.phone, "tel", is_compared=True)),
        _field("email", _input("email", f.email, "email")), _field("website", _input("website", f.website)),
        _field("address", _input("address", f.address, is_compared=True), wide=True),
        _field("city", _input("city", f.city)), _field("postcode", _input("postcode", f.postcode)),
        _field("lat", _input("lat", f.lat, input_mode="decimal", on_blur=ClientForm.retyped)), _field("lng", _input("lng", f.lng, input_mode="decimal", on_blur=ClientForm.retyped)),
        on_map(ClientForm),
        _field("opening_hours", _input("opening_hours", f.opening_hours, max_length=1000)),
        _field("visit_minutes", _input("visit_minutes", f.visit_minutes, input_mode="numeric")),
        rx.cond(ClientForm.is_person, _field("specialty", _input("specialty", f.specialty)), rx.fragment()),
        labelled(words("client_form.tags"), _input("tags", f.tags, max_length=2000), wide=True),
        consent_inputs(ClientForm),
        _field("note", _note(), wide=True), own_inputs(ClientForm), said(ClientForm.refused), _doubts(),
        rx.el.div(button(icon("check", "s"), save, kind="primary", type="submit"),
                  rx.el.a(words("admin.cancel"), href="/clients", class_name="btn ghost"), class_name="row cf-s"),
        on_submit=ClientForm.save, class_name="ad-f", key=f"{f.id}:{f.version}", no_validate=True,
    )  # fmt: skip


def _field(name: str, control: rx.Component, wide: bool = False) -> rx.Component:
    return labelled(words(f"admin.field.{name}"), control, wide=wide)


def _input(
    name: str, value: Any, kind: str = "text", is_compared: bool = False, **more: Any
) -> rx.Component:
    is_bad = (ClientForm.bad_field == name) | ClientForm.doubted.contains(name)
    if is_compared:
        more["on_blur"] = lambda text: ClientForm.compare(name, text)
    return rx.el.input(
        name=name, default_value=value, type=kind, auto_complete="off", aria_invalid=rx.cond(is_bad, "true", "false"),
        class_name=rx.cond(is_bad, "input is-err", "input"), **more,
    )  # fmt: skip


def _kinds() -> rx.Component:
    options = [rx.el.option(words(f"admin.client.{k}"), value=k.value) for k in ClientKind]
    return rx.el.select(*options, name="kind", value=ClientForm.kind, class_name="input",
                        on_change=lambda kind: ClientForm.compare("kind", kind))  # fmt: skip


def _letters() -> rx.Component:
    options = [rx.el.option(letter, value=letter) for letter in CATEGORIES]
    return rx.el.select(rx.el.option("—", value=""), *options, name="category",
                        default_value=ClientForm.draft.category, class_name="input",
                        on_change=lambda letter: ClientForm.weigh("category", letter))  # fmt: skip


def _territories() -> rx.Component:
    is_bad = ClientForm.bad_field == "territory_id"
    return rx.el.select(
        rx.el.option("—", value=""), *options_of(ClientForm.territories), name="territory_id",
        default_value=ClientForm.draft.territory_id, class_name=rx.cond(is_bad, "input is-err", "input"),
    )  # fmt: skip


def _note() -> rx.Component:
    return rx.el.textarea(name="note", default_value=ClientForm.draft.note, rows="3", max_length=4000,
                          class_name="input")  # fmt: skip


def _workplace() -> rx.Component:
    """Where a new person works: looked up, chosen, taken away again."""
    search = rx.el.input(
        type="search", class_name="input", placeholder=words("client_form.find_place"), auto_complete="off",
        on_change=ClientForm.find_place.debounce(250),
    )  # fmt: skip
    found = rx.el.div(
        rx.foreach(ClientForm.places, lambda p: button(
            icon("plus", "s"), p.text, kind="ghost", small=True, type="button", on_click=ClientForm.choose_place(p.value))),
        class_name="ms-p",
    )  # fmt: skip
    chosen = rx.el.div(
        rx.el.span(words("client_form.works_at"), class_name="lb"),
        rx.el.button(ClientForm.place.text, icon("x", "s"), type="button", class_name="btn",
                     title=words("client_form.drop_place"), on_click=ClientForm.choose_place("")),
        class_name="field wide",
    )  # fmt: skip
    looking = rx.el.div(labelled(words("client_form.works_at"), search), found, class_name="wide")
    return rx.cond(ClientForm.place.value == "", looking, chosen)


def _doubts() -> rx.Component:
    """What looks wrong, beside the button that saves it nevertheless."""
    rows = rx.el.ul(rx.foreach(ClientForm.doubts, rx.el.li), class_name="evl")
    told = rx.el.div(
        rx.el.h4(words("client_form.doubts")),
        rows,
        exchanging(ClientForm),
        class_name="cf-a wide",
        role="alert",
    )
    return rx.cond(ClientForm.doubts.length() > 0, told, rx.fragment())


def _alike() -> rx.Component:
    """Who is there already."""
    rows = rx.el.ul(
        rx.foreach(ClientForm.alike, lambda a: rx.el.li(
            icon("git-merge", "s"),
            rx.el.span(rx.el.a(a.name, href=f"/clients?client={a.id}", class_name="way med", target="_blank"),
                       rx.el.br(), rx.el.span(a.why, class_name="t1 muted")))),
        class_name="evl",
    )  # fmt: skip
    note = rx.el.div(rx.el.h4(words("client_form.alike")), rx.el.p(words("client_form.alike_why"), class_name="t1 muted"),
                     rows, class_name="cf-a", role="status")  # fmt: skip
    return rx.cond(ClientForm.alike.length() > 0, note, rx.fragment())
