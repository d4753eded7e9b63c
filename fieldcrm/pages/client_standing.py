"""What speaks for a client's category and loyalty, and consents, in the desk's form of a client."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients import standing
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import clock
from fieldcrm.pages.admin import labelled


@dataclass
class ProofDraft:
    """Evidence as the form starts with it."""

    source: str = ""
    on: str = ""
    text: str = ""
    is_asked: bool = False
    """Whether the value is another than that which the kept evidence speaks for."""


@dataclass
class ConsentDraft:
    """Consent by a channel as the form starts with it."""

    state: str = standing.NONE
    on: str = ""
    source: str = "visit"
    text: str = ""


class Standing(Desk, mixin=True):
    """Part of the form's state: evidence follows the value that it speaks for."""

    letter: str = ""
    loyal: str = ""
    letter_proof: ProofDraft = ProofDraft()
    loyal_proof: ProofDraft = ProofDraft()
    by_visit: ConsentDraft = ConsentDraft()
    by_call: ConsentDraft = ConsentDraft()
    by_email: ConsentDraft = ConsentDraft()
    by_message: ConsentDraft = ConsentDraft()
    _stood: dict[str, Any] = {}
    """category, loyalty, evidence and consents of the client."""

    def _read_standing(self, client: Any | None) -> None:
        names = (*standing.FACETS, "evidence", "consents")
        self._stood = {n: getattr(client, n) for n in names} if client else {}
        self.letter, self.loyal = (self._stood.get(facet) or "" for facet in standing.FACETS)
        self._show_proofs()
        kept = self._stood.get("consents", {})
        for channel in standing.CHANNELS:
            told = kept.get(channel)
            setattr(self, f"by_{channel}", ConsentDraft(**told) if told else ConsentDraft())

    def _show_proofs(self) -> None:
        self.letter_proof = self._proof("category", self.letter)
        self.loyal_proof = self._proof("loyalty", self.loyal)

    def _proof(self, facet: str, value: str) -> ProofDraft:
        if value != (self._stood.get(facet) or ""):
            return ProofDraft(on=_today(), is_asked=True)
        return ProofDraft(**self._stood.get("evidence", {}).get(facet, {}))

    @rx.event
    @allows(DISPATCHING)
    def weigh(self, facet: str, value: str):
        """Another value asks for evidence of its own; the one that was there has its own."""
        value = str(value).strip()[:60]
        if facet == "category":
            self.letter = value
        elif facet == "loyalty":
            self.loyal = value
        self._show_proofs()

    def _told_standing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Evidence and consents of the form, which the service judges."""
        kept = self._stood.get("consents", {})
        return {
            "evidence": {f: self._proof_told(data, f) for f in standing.FACETS},
            "consents": {c: _consent(data, c, kept.get(c, {})) for c in standing.CHANNELS},
        }

    def _proof_told(self, data: Mapping[str, Any], facet: str) -> dict[str, str] | None:
        """What the form says for a value; what it said for the value before says nothing of another."""
        told = _of(data, facet, ("source", "on", "text"))
        is_other = str(data.get(facet) or "").strip() != (self._stood.get(facet) or "")
        return None if is_other and told == self._stood.get("evidence", {}).get(facet) else told


def _today() -> str:
    return clock.local(clock.now()).date().isoformat()


def _of(data: Mapping[str, Any], name: str, parts: tuple[str, ...]) -> dict[str, str]:
    return {part: str(data.get(f"{name}_{part}") or "").strip() for part in parts}


def _consent(data: Mapping[str, Any], channel: str, kept: Mapping[str, str]) -> dict[str, str]:
    """What the form says; another word is of today where nobody said of which day it is."""
    told = _of(data, f"consent_{channel}", ("state", "on", "source", "text"))
    if told["state"] != kept.get("state") and told["on"] == kept.get("on", ""):
        told["on"] = _today()
    return told


# ── parts of the form ────────────────────────────────────────────────────────────────────────────


def proof_inputs(facet: str, value: Any, proof: Any) -> rx.Component:
    """What speaks for a value, where there is one."""
    options = [rx.el.option(words(f"evidence.source.{s}"), value=s) for s in standing.SOURCES]
    source = rx.el.select(rx.el.option("—", value=""), *options, name=f"{facet}_source",
                          default_value=proof.source, class_name="input")  # fmt: skip
    asked = rx.cond(
        proof.is_asked, rx.el.p(words("standing.asked"), class_name="t1"), rx.fragment()
    )
    row = rx.el.fieldset(
        rx.el.legend(words(f"admin.field.{facet}_evidence")), asked,
        rx.el.div(
            labelled(words("standing.source"), source),
            labelled(words("standing.on"), _day(f"{facet}_on", proof.on)),
            labelled(words("standing.text"), _text(f"{facet}_text", proof.text)), class_name="cf-g",
        ),
        class_name="wide cf-e", key=f"{facet}:{value}",
    )  # fmt: skip
    return rx.cond(value != "", row, rx.fragment())


def consent_inputs(state: Any) -> rx.Component:
    """Who allowed what, channel by channel."""
    rows = [_channel(channel, getattr(state, f"by_{channel}")) for channel in standing.CHANNELS]
    hint = rx.el.p(words("consent.hint"), class_name="t1 muted")
    return rx.el.fieldset(rx.el.legend(words("consent.title")), hint, *rows, class_name="wide cf-e")


def _channel(channel: str, draft: Any) -> rx.Component:
    name = f"consent_{channel}"
    states = [
        rx.el.option(words(f"consent.state.{s}"), value=s)
        for s in (standing.NONE, *standing.STATES)
    ]
    sources = [
        rx.el.option(words(f"consent.source.{s}"), value=s) for s in standing.CONSENT_SOURCES
    ]
    return rx.el.div(
        labelled(words(f"consent.channel.{channel}"), rx.el.select(
            *states, name=f"{name}_state", default_value=draft.state, class_name="input")),
        labelled(words("standing.on"), _day(f"{name}_on", draft.on)),
        labelled(words("standing.source"), rx.el.select(
            *sources, name=f"{name}_source", default_value=draft.source, class_name="input")),
        labelled(words("standing.text"), _text(f"{name}_text", draft.text)),
        class_name="cf-g cf-c", role="group", aria_label=words(f"consent.channel.{channel}"),
    )  # fmt: skip


def _day(name: str, value: Any) -> rx.Component:
    return rx.el.input(name=name, type="date", default_value=value, class_name="input")


def _text(name: str, value: Any) -> rx.Component:
    return rx.el.input(
        name=name, default_value=value, max_length=standing.TEXT_MOST, auto_complete="off",
        class_name="input",
    )  # fmt: skip
