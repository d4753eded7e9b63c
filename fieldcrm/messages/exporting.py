"""The list of messages as CSV and XLSX files: with every moment, in the reader's language."""

from __future__ import annotations

from datetime import datetime

from fieldcrm.clients.export_forms import Sheet, sheet_at_once
from fieldcrm.kit import clock, i18n
from fieldcrm.messages import listing
from fieldcrm.messages.model import Filters, Kind, MessageView
from fieldcrm.people.model import Actor

HEADS = (
    "messages.written", "messages.by", "messages.rep", "messages.kind", "messages.text",
    "messages.due_at", "messages.where", "messages.state", "messages.state.arrived",
    "messages.state.seen", "messages.state.accepted", "messages.state.declined",
    "messages.state.done", "messages.state.withdrawn", "messages.comment",
)  # fmt: skip
WIDTHS = (17, 22, 22, 14, 60, 17, 32, 16, 17, 17, 17, 17, 17, 17, 40)


def sheet(actor: Actor, filters: Filters, sort: str, language: str) -> Sheet:
    """All of the list in its order: moments are moments of the company's zone."""
    rows = (_cells(message, language) for message in listing.every(actor, filters, sort))
    titles = [i18n.t(key, language) for key in HEADS]
    return Sheet(i18n.t("messages.nav", language), titles, WIDTHS, rows)


def export_csv(actor: Actor, filters: Filters, sort: str, language: str) -> bytes:
    """The list as CSV, while somebody waits; raises TooManyRows."""
    return sheet_at_once("csv", sheet(actor, filters, sort, language))


def export_xlsx(actor: Actor, filters: Filters, sort: str, language: str) -> bytes:
    """The same as a workbook."""
    return sheet_at_once("xlsx", sheet(actor, filters, sort, language))


def text_of(m: MessageView, language: str) -> str:
    """What was written; a changed plan is told by its day."""
    if m.kind is Kind.plan and m.day is not None:
        return i18n.t("messages.plan_of", language, day=i18n.day(m.day, language, "EEE d MMM"))
    return m.text


def _cells(m: MessageView, language: str) -> list[str | datetime | None]:
    moments = (m.arrived_at, m.seen_at, m.accepted_at, m.declined_at, m.done_at, m.withdrawn_at)
    return [
        _local(m.created_at), m.by, m.rep_name, i18n.t(f"messages.kind.{m.kind}", language),
        text_of(m, language), _local(m.due_at), m.place,
        i18n.t(f"messages.state.{m.state}", language), *map(_local, moments), m.comment,
    ]  # fmt: skip


def _local(at: datetime | None) -> datetime | None:
    """As the wall's clock shows it: a spreadsheet knows no zones."""
    return clock.local(at).replace(tzinfo=None) if at else None
