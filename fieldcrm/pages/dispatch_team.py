"""The team on the live desk: everybody the reader sees, and the filters that narrow list and map."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.pages.dispatch_loads import Choice
from fieldcrm.pages.dispatch_loose import LooseRow
from fieldcrm.pages.dispatch_reps import STATES, RepRow

LISTED_MOST = 150
"""So many reps the list shows; the search finds the others."""


@dataclass
class RepFilter:
    """Which reps the map shows; empty is everybody."""

    team: str = ""
    state: str = ""
    text: str = ""


class Team(Desk, mixin=True):
    """Everybody the reader sees, and which of them are shown."""

    _everyone: list[RepRow] = []
    """Every rep the reader sees, those who need attention first."""
    teams: list[Choice] = []
    team: str = ""
    state_filter: str = ""
    text_filter: str = ""
    is_by_name: bool = False
    is_off_open: bool = False
    loose: list[LooseRow] = []
    is_loose_open: bool = False

    @rx.var
    def shown_reps(self) -> list[RepRow]:
        """Reps on shift that pass the filters."""
        return self._listed()[:LISTED_MOST]

    @rx.var
    def unlisted(self) -> str:
        """`350 more: search finds them`, where the list is cut."""
        more = len(self._listed()) - LISTED_MOST
        return self._t("dispatch.unlisted", n=more) if more > 0 else ""

    @rx.var
    def off_reps(self) -> list[RepRow]:
        """Reps off shift that pass the filters, folded away unless asked for."""
        return self._off()[:LISTED_MOST] if self.is_off_open else []

    @rx.var
    def off_count(self) -> int:
        """How many they are."""
        return len(self._off())

    @rx.var
    def counts(self) -> dict[str, int]:
        """How many reps are in each state, within team and search."""
        found: dict[str, int] = dict.fromkeys(STATES, 0)
        for rep in self._filtered(any_state=True):
            found[rep.state] += 1
        return found

    @rx.var
    def on_shift(self) -> str:
        """`6 on shift`."""
        working = sum(rep.state != "off_shift" for rep in self._everyone)
        return self._t("dispatch.on_shift", n=working)

    @rx.var
    def map_filter(self) -> RepFilter:
        """The list's filters, for the map."""
        return RepFilter(self.team, self.state_filter, self.text_filter.strip())

    def _listed(self) -> list[RepRow]:
        wanted = self.state_filter == "off_shift"
        kept = [rep for rep in self._filtered() if rep.state != "off_shift" or wanted]
        return sorted(kept, key=lambda rep: rep.name) if self.is_by_name else kept

    def _off(self) -> list[RepRow]:
        if self.state_filter == "off_shift":
            return []
        return [rep for rep in self._filtered() if rep.state == "off_shift"]

    def _filtered(self, any_state: bool = False) -> list[RepRow]:
        wanted = self.text_filter.casefold().strip()
        return [
            rep
            for rep in self._everyone
            if (not self.team or rep.team_id == self.team)
            and (any_state or not self.state_filter or rep.state == self.state_filter)
            and wanted in rep.name.casefold()
        ]

    # ── narrowing the list ──

    @rx.event
    @allows(DISPATCHING)
    def filter_state(self, state: str):
        """Show reps in one state only; the same again shows all."""
        self.state_filter = "" if state == self.state_filter or state not in STATES else state

    @rx.event
    @allows(DISPATCHING)
    def filter_team(self, team_id: str):
        """Show one team's reps only; empty is all."""
        self.team = team_id if any(team_id == team.value for team in self.teams) else ""

    @rx.event
    @allows(DISPATCHING)
    def filter_text(self, text: str):
        """Show reps by a part of their name."""
        self.text_filter = text[:60]

    @rx.event
    @allows(DISPATCHING)
    def clear_filters(self):
        """Show everybody again."""
        self.team = self.state_filter = self.text_filter = ""

    @rx.event
    @allows(DISPATCHING)
    def switch_order(self):
        """By need of attention, or by name."""
        self.is_by_name = not self.is_by_name

    @rx.event
    @allows(DISPATCHING)
    def fold_off_shift(self):
        """Open or fold away those off shift."""
        self.is_off_open = not self.is_off_open

    @rx.event
    @allows(DISPATCHING)
    def fold_loose(self):
        """Open or fold away the visits that want a rep."""
        self.is_loose_open = not self.is_loose_open
