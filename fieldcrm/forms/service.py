"""Forms: made by the administrator, asked on phones, judged when a visit is closed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.forms import definitions, rules, store, words
from fieldcrm.forms.model import (
    AnswersTooLarge,
    Facts,
    FilledForm,
    FormChanged,
    FormDefinition,
    FormKindTaken,
    FormNeeded,
    FormNotFound,
    FormRefused,
    ProductNameNeeded,
    ProductNotFound,
    Shelf,
)
from fieldcrm.forms.store import ShelfRow
from fieldcrm.forms.tables import Form, FormVersion, Product, ShelfCheck
from fieldcrm.kit import clock, events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

DESK = (Role.dispatcher, Role.manager, Role.admin)
GRACE = timedelta(days=7)
"""A phone may be without a network this long before it hears of a new form."""
ANSWERS_MAX = 64 * 1024
"""Bytes of one visit's answers as JSON."""
TEMPLATES = Path(__file__).parent / "templates.json"


@dataclass(frozen=True)
class FormView:
    """A form with its newest definition."""

    form: Form
    definition: FormDefinition
    made_at: datetime


# ---- making forms ----


@cache
def templates() -> dict[str, FormDefinition]:
    """Forms to begin with, by name."""
    told = json.loads(TEMPLATES.read_text(encoding="utf-8"))
    return {name: definitions.read(each) for name, each in told.items()}


def list_forms(actor: Actor) -> list[FormView]:
    """Every form, those asked first."""
    people.require(actor, *DESK)
    with reading() as session:
        found = store.forms(session)
        newest = store.of_keys(session, {(f.id, f.version) for f in found})
        by_form = {v.form_id: v for v in newest}
    return [FormView(f, _definition(by_form[f.id]), by_form[f.id].made_at) for f in found]


def get_version(actor: Actor, form_id: str, version: int) -> FormDefinition:
    """One version of a form; old ones stay readable. Raises FormNotFound."""
    people.require(actor, *DESK)
    with reading() as session:
        found = store.version(session, form_id, version)
    if found is None:
        raise FormNotFound()
    return _definition(found)


def list_versions(actor: Actor, form_id: str) -> list[FormVersion]:
    """Every version of a form, the newest first; raises FormNotFound."""
    people.require(actor, *DESK)
    with reading() as session:
        found = store.versions(session, form_id)
    if not found:
        raise FormNotFound()
    return found


def save_form(
    actor: Actor, told: Any, form_id: str | None = None, version: int | None = None
) -> Form:
    """A new form, or the next version of one the caller saw as `version`.

    Phones ask by it from their next sync on. Raises BadForm, FormNotFound, FormChanged,
    FormKindTaken.
    """
    people.require(actor, Role.admin)
    definition = definitions.read(told)
    with transaction() as session:
        return save_in(session, actor, definition, form_id, version)


def save_in(
    session: Session, actor: Actor, definition: FormDefinition, form_id: str | None = None,
    version: int | None = None, *, is_sample: bool = False,
) -> Form:  # fmt: skip
    """The same within another's transaction."""
    feed.take_turn(session)
    now = clock.now()
    if form_id is None:
        form = Form(id=ids.new_id(), version=0, asked_since=now, is_sample=is_sample)
    else:
        form = _seen(session, form_id, version)
    if form.is_active:
        _refuse_taken(session, form.id, definition.kinds)
    if set(definition.kinds) - set(form.kinds):
        form.asked_since = now
    form.version, form.kinds = form.version + 1, [*definition.kinds]
    session.add(form)
    session.flush()
    session.add(
        FormVersion(
            form_id=form.id, version=form.version, definition=definitions.plain(definition),
            made_by=actor.user_id or None, made_at=now,
        )
    )  # fmt: skip
    session.flush()
    _tell(session, actor, form, "form.saved")
    return form


def set_active(actor: Actor, form_id: str, is_active: bool, version: int | None = None) -> Form:
    """Ask a form, or ask it no more; its answers stay readable. Raises FormKindTaken."""
    people.require(actor, Role.admin)
    with transaction() as session:
        feed.take_turn(session)
        form = _seen(session, form_id, version)
        if is_active and not form.is_active:
            _refuse_taken(session, form.id, form.kinds)
            form.asked_since = clock.now()
        form.is_active = is_active
        session.add(form)
        session.flush()
        _tell(session, actor, form, "form.asked" if is_active else "form.retired")
        return form


def _seen(session: Session, form_id: str, version: int | None) -> Form:
    form = store.form(session, form_id, lock=True)
    if form is None:
        raise FormNotFound()
    if version is not None and version != form.version:
        raise FormChanged(version=form.version)
    return form


def _refuse_taken(session: Session, form_id: str, kinds: Iterable[str]) -> None:
    """Clients of one kind are asked one form."""
    for other in store.forms(session):
        both = set(kinds) & set(other.kinds)
        if other.is_active and other.id != form_id and both:
            raise FormKindTaken(kind=sorted(both)[0], form_id=other.id)


def _tell(session: Session, actor: Actor, form: Form, kind: str) -> None:
    """Every phone hears of each version whose standing changed."""
    for row in store.versions(session, form.id)[: store.VERSIONS_KEPT]:
        feed.touch(session, "form", key_of(row), rep_ids=[feed.EVERYBODY])
    events.record(
        session, kind, form.id, actor_id=actor.user_id or None, source=actor.source,
        data={"version": form.version, "kinds": form.kinds},
    )  # fmt: skip


def key_of(row: FormVersion) -> str:
    """A version's id on phones."""
    return f"{row.form_id}:{row.version}"


def _definition(row: FormVersion) -> FormDefinition:
    return msgspec.convert(row.definition, FormDefinition)


def on_phones_in(session: Session) -> list[tuple[FormVersion, Form, FormDefinition]]:
    """The versions that phones hold."""
    return [(row, form, _definition(row)) for row, form in store.on_phones(session)]


# ---- products ----


def list_products(actor: Actor) -> list[Product]:
    """What reps talk about, by name; everybody may see them."""
    with reading() as session:
        return store.products(session)


def save_product(
    actor: Actor, name: str, product_id: str | None = None, *, is_active: bool = True
) -> Product:
    """A new product, or another name or standing of one; raises ProductNameNeeded."""
    people.require(actor, Role.admin)
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > 200:
        raise ProductNameNeeded()
    with transaction() as session:
        feed.take_turn(session)
        product = (
            Product(id=ids.new_id(), name=name)
            if product_id is None
            else _product(session, product_id)
        )
        product.name, product.is_active = name, is_active
        session.add(product)
        feed.touch(session, "product", product.id, rep_ids=[feed.EVERYBODY])
        events.record(
            session, "product.saved", product.id, actor_id=actor.user_id, source=actor.source,
            data={"name": name, "is_active": is_active},
        )  # fmt: skip
        return product


def _product(session: Session, product_id: str) -> Product:
    found = store.product(session, product_id)
    if found is None:
        raise ProductNotFound()
    return found


# ---- answers ----


@dataclass(frozen=True)
class Visited:
    """The visit that answers belong to, as far as forms go."""

    visit_id: str
    client_id: str
    """Whose shelf it is: the place visited, else the client."""
    rep_id: str
    team_id: str
    day: date
    facts: Facts
    is_held: bool
    closed_at: datetime


def take_in(
    session: Session, actor: Actor, visited: Visited, details: Mapping[str, Any],
    *, is_closing: bool,
) -> dict[str, Any]:  # fmt: skip
    """A visit's details as they are to be kept, judged by the form they were answered by.

    An unknown version is kept as it came. Raises FormRefused naming field and rule, FormNeeded
    where a held visit is closed without the form, AnswersTooLarge.
    """
    kept = {name: value for name, value in details.items() if name != "form"}
    filled = _filled(details.get("form")) if visited.is_held else None
    if filled is None:
        if is_closing and visited.is_held:
            _refuse_unasked(session, visited)
        _keep_shelves(session, visited, _told_stock(kept.get("stock")))
        return kept
    facts = _with_reason(visited.facts, kept)
    definition = _known(session, filled)
    shelves = _told_stock(kept.get("stock"))
    if definition is not None:
        checked = rules.check(definition, filled.answers, facts)
        if checked.problems:
            raise _refusal(definition, checked.problems, actor.language)
        filled = replace_answers(filled, checked.kept)
        kept |= rules.details_of(definition, checked.kept)
        shelves = rules.shelves(definition, checked.kept)
    _keep_shelves(session, visited, shelves)
    return {**kept, "form": msgspec.to_builtins(filled)}


def _filled(told: Any) -> FilledForm | None:
    if told is None:
        return None
    try:
        filled = msgspec.convert(told, FilledForm)
    except msgspec.ValidationError as error:
        raise FormRefused(form="", fields=str(error)[:200], problems=[]) from error
    if len(msgspec.json.encode(filled.answers)) > ANSWERS_MAX:
        raise AnswersTooLarge(max=ANSWERS_MAX)
    return filled


def replace_answers(filled: FilledForm, answers: dict[str, Any]) -> FilledForm:
    """The same form with these answers alone."""
    return msgspec.structs.replace(filled, answers=answers)


def _with_reason(facts: Facts, kept: Mapping[str, Any]) -> Facts:
    reason = kept.get("no_next_step")
    has_reason = isinstance(reason, str) and bool(reason.strip())
    return replace(facts, has_next_step=facts.has_next_step or has_reason)


def _known(session: Session, filled: FilledForm) -> FormDefinition | None:
    row = store.version(session, filled.form_id, filled.version)
    return None if row is None else _definition(row)


def _refusal(form: FormDefinition, problems: list[Any], language: str) -> FormRefused:
    texts = [words.problem_text(form, p, language) for p in problems]
    return FormRefused(
        form=words.said(form.title, language), fields="; ".join(texts),
        problems=[{"field": p.field, "code": p.code, "params": p.params} for p in problems],
    )  # fmt: skip


def _refuse_unasked(session: Session, visited: Visited) -> None:
    """Refuse a visit without its form, once every phone must have heard of the form."""
    for form in store.forms(session):
        is_asked = form.is_active and visited.facts.kind in form.kinds
        if is_asked and visited.closed_at > form.asked_since + GRACE:
            raise FormNeeded(form=form.id)


def _told_stock(stock: Any) -> list[Shelf]:
    """Stock that a phone told without a form."""
    rows = stock.items() if isinstance(stock, dict) else ()
    return [Shelf(product, there, None) for product, there in rows if isinstance(there, bool)]


def _keep_shelves(session: Session, visited: Visited, shelves: Iterable[Shelf]) -> None:
    v = visited
    rows = [
        ShelfCheck(
            visit_id=v.visit_id, product_id=s.product_id, client_id=v.client_id, rep_id=v.rep_id,
            team_id=v.team_id, day=v.day, is_there=s.is_there, price=s.price,
        )
        for s in shelves
    ]  # fmt: skip
    session.flush()
    store.replace_shelves(session, v.visit_id, rows)


@dataclass(frozen=True)
class Reader:
    """Reads answers of many visits into words; forms and products are loaded once."""

    forms: Mapping[tuple[str, int], FormDefinition]
    products: Mapping[str, str]
    language: str

    def title(self, details: Mapping[str, Any]) -> str:
        """The form's title and version; empty without a form."""
        form = details.get("form")
        if not form:
            return ""
        known = self.forms.get((form["form_id"], form["version"]))
        return words.said(known.title, self.language) if known else form["form_id"]

    def is_known(self, details: Mapping[str, Any]) -> bool:
        """Whether the version a visit was answered by is here."""
        form = details.get("form")
        return not form or (form["form_id"], form["version"]) in self.forms

    def rows(self, details: Mapping[str, Any]) -> list[words.AnswerRow]:
        """A visit's answers in words, in the form's order."""
        form = details.get("form")
        rows = self._answers(form) if form else []
        if reason := details.get("no_next_step"):
            rows.append(words.no_step_row(reason, self.language))
        return rows

    def _answers(self, form: Mapping[str, Any]) -> list[words.AnswerRow]:
        known = self.forms.get((form["form_id"], form["version"]))
        if known is None:
            return words.raw_rows(form["answers"])
        return words.answer_rows(known, form["answers"], self.products, self.language)


def reader(all_details: Iterable[Mapping[str, Any]], language: str) -> Reader:
    """A reader for the answers of these visits, which the caller was allowed to see."""
    filled = [d["form"] for d in all_details if d.get("form")]
    keys = {(f["form_id"], f["version"]) for f in filled}
    with reading() as session:
        known = {(v.form_id, v.version): _definition(v) for v in store.of_keys(session, keys)}
        products = {p.id: p.name for p in store.products(session)} if keys else {}
    return Reader(known, products, language)


# ---- shelves ----


def list_shelves(
    actor: Actor, first: date, last: date, *, product_ids: Collection[str] = (),
    absent_only: bool = False, client_id: str | None = None,
) -> list[ShelfRow]:  # fmt: skip
    """What visits found on shelves by client, day and product, the newest first."""
    own = actor.user_id if actor.role is Role.rep else None
    with reading() as session:
        return store.shelves(
            session, first, last, team_ids=people.visible_team_ids(actor), rep_id=own,
            product_ids=product_ids, absent_only=absent_only, client_id=client_id,
        )  # fmt: skip
