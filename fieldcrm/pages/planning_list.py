"""The planning page's list of clients: found, sorted, narrowed, as a file."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from urllib.parse import urlencode

import reflex as rx

from fieldcrm.components.section import SEARCH_MOST, Section
from fieldcrm.components.session import DISPATCHING, allows
from fieldcrm.pages.planning_rows import ClientRow
from fieldcrm.planning import cycle_board

ROWS = 60


class ClientList(Section, mixin=True):
    """Clients of the rep that is shown, with what each still lacks."""

    rows: list[ClientRow] = []
    search: str = ""
    sort: str = "-lacking"
    only_lacking: bool = False
    has_more: bool = False
    count_told: str = ""
    opened: str = ""
    _wanted: int = ROWS

    @rx.event
    @allows(DISPATCHING)
    async def narrow(self, name: str, value: str):
        """Look for a name."""
        if name == "search":
            self.search, self._wanted = str(value)[:SEARCH_MOST], ROWS
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def show_lacking(self, is_only: bool):
        """Only clients for whom visits lack, or everybody."""
        self.only_lacking, self._wanted = bool(is_only), ROWS
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def sort_by(self, name: str):
        """By a column; again turns it round."""
        if name in cycle_board.SORTS:
            self.sort = f"-{name}" if self.sort == name else name
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def clear(self):
        """Everybody."""
        self.search, self.only_lacking = "", False
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def more(self):
        """The next rows."""
        self._wanted += ROWS
        await self._show()

    @rx.var
    def export_asked(self) -> str:
        """The same list, for a file."""
        is_shown = self.is_after and self.status == "ready"
        asked = {
            "rep_id": self.rep, "first": self.first, "weeks": self.weeks, "sort": self.sort,
            "search": self.search, "language": self.language,
            "lacking": "true" if self.only_lacking else "",
            "proposal_id": self.proposal_id if is_shown else "",
        }  # fmt: skip
        return "?" + urlencode({k: v for k, v in asked.items() if v})
