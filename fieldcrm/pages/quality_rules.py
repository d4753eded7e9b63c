"""What the administrator asks of cards, and which geocoder may be asked."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button, card
from fieldcrm.components.section import AdminSection, Choice, loaded
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import said
from fieldcrm.pages.quality_runs import Runs
from fieldcrm.quality import geocoding, settings
from fieldcrm.quality.model import ON_CARD, REQUIRABLE, Geocoder, Norms, Provider
from fieldcrm.quality.words import field_name

CATEGORIES = ("A", "B", "C", "")


@dataclass
class Asked:
    """A field and of which categories it is required."""

    name: str
    label: str
    a: bool = False
    b: bool = False
    c: bool = False
    none: bool = False


@dataclass
class Form:
    """The other choices as the forms show them."""

    stale_days: str = ""
    every_days: str = ""
    countries: str = ""
    consent_field: str = ""
    provider: str = "nominatim"
    url: str = ""
    contact: str = ""
    apply_exact: bool = False


class QualityRules(Runs, AdminSection, Desk):
    """The forms, and the last round of questions to the geocoder."""

    asked: list[Asked] = []
    consents: list[Choice] = []
    form: Form = Form()
    version: int = 0
    """Counts savings, so that the forms are drawn anew."""
    refused: str = ""
    saved: str = ""
    geocoder_refused: str = ""
    geocoder_saved: str = ""
    is_on: bool = False
    looked: str = ""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the tab."""
        await self._enter()
        self.refused, self.saved, self.geocoder_refused, self.geocoder_saved = "", "", "", ""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        actor = self._actor()
        norms = await asyncio.to_thread(settings.norms, actor)
        geocoder = await asyncio.to_thread(settings.geocoder, actor)
        fields = await asyncio.to_thread(ownfields.list_fields, actor)
        own = [(f.name, f.field) for f in fields if not f.is_reckoned]
        names = [*REQUIRABLE, *(PREFIX + name for name, _ in own)]
        self.asked = [_asked(name, norms, self.language) for name in names]
        self.consents = [Choice(name, name) for name, _ in own]
        self.form, self.version = _form(norms, geocoder), self.version + 1
        self.is_on = geocoder.is_on
        await self._look()

    @rx.event
    @allows(ADMINISTERING)
    async def save(self, data: dict):
        """Keep the norms; cards are judged by them from now on."""
        self.refused, self.saved = "", ""
        required = {
            category: [a.name for a in self.asked if data.get(f"{category or 'none'}:{a.name}")]
            for category in CATEGORIES
        }
        told: dict[str, Any] = {
            "required": required, "stale_days": _number(data.get("stale_days")),
            "every_days": _number(data.get("every_days")),
            "countries": re.findall(r"[^\s,;]+", str(data.get("countries", "")).upper()),
            "consent_field": str(data.get("consent_field", "")),
        }  # fmt: skip
        try:
            await asyncio.to_thread(settings.set_norms, self._actor(), told)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        await self._show()
        self.saved = self._t("quality.saved")

    @rx.event
    @allows(ADMINISTERING)
    async def save_geocoder(self, data: dict):
        """Choose the geocoder, or none."""
        self.geocoder_refused, self.geocoder_saved = "", ""
        try:
            await asyncio.to_thread(
                settings.set_geocoder, self._actor(), str(data.get("provider", "")), str(data.get("url", "")),
                str(data.get("contact", "")), bool(data.get("apply_exact")),
            )  # fmt: skip
        except Refusal as error:
            self.geocoder_refused = self._refusal(error)
            return
        await self._show()
        self.geocoder_saved = self._t("quality.geocoder.saved")

    def _asks(self) -> Any:
        return geocoding.ask

    def _say_refused(self, text: str) -> None:
        self.geocoder_refused = text

    @rx.event
    @allows(ADMINISTERING)
    async def watch(self):
        """How far the questions are."""
        await self._look()

    async def _look(self) -> None:
        found = await asyncio.to_thread(geocoding.latest, self._actor())
        self._keep_run(found)
        self.looked = ""
        if found is None:
            return
        numbers = ("done", "house", "street", "town", "nothing", "applied", "remembered")
        told = {name: int(found.report.get(name, 0)) for name in numbers}
        at = i18n.moment(found.asked_at, self.language)
        status = self._t(f"quality.status.{found.status}")
        self.looked = self._t("quality.geocoder.looked", at=at, status=status, **told)


def _number(told: Any) -> int:
    """A whole number as typed; what is none fails as one that can't be."""
    text = str(told).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1


def _asked(name: str, norms: Norms, language: str) -> Asked:
    of = [name in norms.required.get(category, ()) for category in CATEGORIES]
    return Asked(name, field_name(name, language), *of)


def _form(norms: Norms, geocoder: Geocoder) -> Form:
    return Form(
        str(norms.stale_days), str(norms.every_days), ", ".join(norms.countries), norms.consent_field,
        geocoder.provider.value, geocoder.url, geocoder.contact, geocoder.apply_exact,
    )  # fmt: skip


# ── the tab ──────────────────────────────────────────────────────────────────────────────────────


def rules_tab(ticker: Any) -> rx.Component:
    """Both forms; `ticker(state handler)` watches a round of questions."""
    return loaded(QualityRules, rx.el.div(_norms(), _geocoder(ticker), class_name="qu-r"))


def _norms() -> rx.Component:
    f = QualityRules.form
    heads = [rx.el.th(words("quality.field"), scope="col")] + [
        rx.el.th(c if c else words("quality.no_category"), scope="col", class_name="qu-x")
        for c in CATEGORIES
    ]
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*heads)), rx.el.tbody(rx.foreach(QualityRules.asked, _line)),
        class_name="tbl tight", aria_label=words("quality.required"),
    )  # fmt: skip
    consents = rx.el.select(
        rx.el.option(words("quality.consent_none"), value=""),
        rx.el.option(words("quality.consent_card"), value=ON_CARD),
        rx.foreach(QualityRules.consents, lambda o: rx.el.option(o.text, value=o.value)),
        name="consent_field", default_value=f.consent_field, class_name="input",
    )  # fmt: skip
    form = rx.el.form(
        rx.el.div(table, class_name="scr", tab_index=0, role="region", aria_label=words("quality.required")),
        rx.el.div(
            _field("quality.stale_days", _input("stale_days", f.stale_days, "num")),
            _field("quality.every_days", _input("every_days", f.every_days, "num")),
            _field("quality.countries", _input("countries", f.countries)),
            _field("quality.consent", consents), class_name="qu-g",
        ),
        said(QualityRules.refused), said(QualityRules.saved, "ok"),
        rx.el.div(button(words("quality.save"), kind="primary", type="submit"), class_name="row"),
        on_submit=QualityRules.save, key=QualityRules.version, class_name="qu-f",
    )  # fmt: skip
    return card(words("quality.required"), form)


def _field(label: str, control: rx.Component) -> rx.Component:
    return rx.el.label(rx.el.span(words(label)), control, class_name="field")


def _input(name: str, value: Any, more: str = "") -> rx.Component:
    return rx.el.input(name=name, default_value=value, class_name=f"input {more}".strip())


def _line(a: Any) -> rx.Component:
    def box(category: str, is_on: Any) -> rx.Component:
        letter = category if category else words("quality.no_category")
        return rx.el.td(
            rx.el.input(type="checkbox", name=f"{category or 'none'}:{a.name}", default_checked=is_on,
                        custom_attrs={"aria-label": f"{a.label}, {letter}"}), class_name="qu-x",
        )  # fmt: skip

    return rx.el.tr(
        rx.el.th(a.label, scope="row"), box("A", a.a), box("B", a.b), box("C", a.c), box("", a.none)
    )


def _geocoder(ticker: Any) -> rx.Component:
    f = QualityRules.form
    providers = [rx.el.option(p.value.title(), value=p.value) for p in Provider]
    form = rx.el.form(
        rx.el.p(words("quality.geocoder.how"), class_name="muted t1"),
        rx.el.div(
            _field("quality.geocoder.provider", rx.el.select(*providers, name="provider", default_value=f.provider, class_name="input")),
            _field("quality.geocoder.url", _input("url", f.url)),
            _field("quality.geocoder.contact", _input("contact", f.contact)), class_name="qu-g",
        ),
        rx.el.label(
            rx.el.input(type="checkbox", name="apply_exact", default_checked=f.apply_exact),
            rx.el.span(words("quality.geocoder.exact")), class_name="row",
        ),
        said(QualityRules.geocoder_refused), said(QualityRules.geocoder_saved, "ok"),
        rx.el.div(button(words("quality.save"), kind="primary", type="submit"), class_name="row"),
        on_submit=QualityRules.save_geocoder, key=QualityRules.version, class_name="qu-f",
    )  # fmt: skip
    ask = button(icon("search", "s"), words("quality.geocoder.ask"), small=True, on_click=QualityRules.run)  # fmt: skip
    stop = rx.fragment(
        ticker(QualityRules.watch),
        button(icon("x", "s"), words("quality.stop"), small=True, on_click=QualityRules.stop),
    )
    state = rx.el.div(
        rx.el.span(QualityRules.looked, class_name="muted t1", role="status"), rx.el.span(class_name="sp"),
        rx.cond(QualityRules.is_running, stop, rx.cond(QualityRules.is_on, ask, rx.fragment())),
        class_name="row qu-f",
    )  # fmt: skip
    return card(words("quality.geocoder"), form, state)
