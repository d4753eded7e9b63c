"""The desk's pages and whose they are. A new page adds one line here to stand in the rail."""

from __future__ import annotations

from dataclasses import dataclass

from fieldcrm.components.session import ADMINISTERING, DISPATCHING, MANAGING
from fieldcrm.people.model import Role


@dataclass(frozen=True)
class Page:
    """A place in the rail: `label` is a catalogue key, `icon` a Lucide name."""

    path: str
    label: str
    icon: str
    roles: frozenset[Role]


PAGES = (
    Page("/dispatch", "desk.nav.live", "radio", DISPATCHING),
    Page("/planning", "cycle.nav", "calendar-range", DISPATCHING),
    Page("/replay", "replay.nav", "history", DISPATCHING),
    Page("/coverage", "coverage.nav", "layers", DISPATCHING),
    Page("/clients", "office.nav.clients", "contact", DISPATCHING),
    Page("/visits", "office.nav.visits", "clipboard-check", DISPATCHING),
    Page("/corrections", "correct.nav", "pencil", DISPATCHING),
    Page("/duplicates", "duplicates.nav", "git-merge", MANAGING),
    Page("/quality", "quality.nav", "scale", DISPATCHING),
    Page("/messages", "messages.nav", "message-square", DISPATCHING),
    Page("/manager", "desk.nav.reports", "chart-no-axes-column", MANAGING),
    Page("/admin", "desk.nav.admin", "settings-2", ADMINISTERING),
)


def pages_for(role: Role) -> list[Page]:
    """The pages this role may open, in the rail's order."""
    return [page for page in PAGES if role in page.roles]
