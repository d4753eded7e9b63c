"""What is held over a cycle's calendar: a visit or client, its price on every day, why it is where it is."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

import reflex as rx

from fieldcrm.components.section import Section
from fieldcrm.components.session import EVERYBODY, allows
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.planning_rows import Pin
from fieldcrm.planning import cycle_hand
from fieldcrm.planning.cycle_cost import Break
from fieldcrm.planning.cycle_hand import Offer, Offers, Picked

ELSEWHERE = 12
"""Days that the panel names, the cheapest first."""


@dataclass
class OfferRow:
    """A day, or a colleague, that could have what is held."""

    key: str
    day: str
    rep_id: str
    label: str
    cost: str
    breaks: str
    tone: str
    """no (it can't be), warn (it breaks something) or empty."""


class Held(Section, mixin=True):
    """Picking up a visit and seeing what it costs elsewhere; a page says what follows a drop."""

    held_visit: str = ""
    held_client: str = ""
    held_name: str = ""
    held_why: list[str] = []
    is_held_locked: bool = False
    prices: dict[str, str] = {}
    """By ISO day or rep: what it costs there."""
    breaks: dict[str, str] = {}
    tones: dict[str, str] = {}
    elsewhere: list[OfferRow] = []
    pins: list[Pin] = []
    """Visits of the calendar that is shown, for the map."""

    def _span(self) -> tuple[str, date, date]:
        """(rep, first day, last day) of the calendar that is shown."""
        raise NotImplementedError

    @rx.event
    @allows(EVERYBODY)
    async def pick(self, visit_id: str, client_id: str):
        """Hold a visit, or a client without one: the price of each day is asked for."""
        await self._hold(visit_id, client_id)

    async def _hold(self, visit_id: str, client_id: str) -> None:
        """The same; again when another rep's days are shown meanwhile."""
        self._let_go()
        picked = Picked(str(visit_id)[:64], "" if visit_id else str(client_id)[:64])
        rep, first, last = self._span()
        try:
            told = await asyncio.to_thread(
                cycle_hand.offers, self._actor(), picked, rep, first, last
            )
        except Refusal:
            return  # it is gone: the page shows so when it is filled again
        self.held_visit, self.held_client = picked.visit_id, told.client_id
        self.held_name, self.is_held_locked = told.name, told.is_locked
        rows = [_row(o, told, self.language) for o in (*told.offers, *told.others)]
        self.prices = {r.day or r.rep_id: r.cost for r in rows}
        self.breaks = {r.day or r.rep_id: r.breaks for r in rows}
        self.tones = {r.day or r.rep_id: r.tone for r in rows}
        self.elsewhere = _cheapest(told, self.language)
        self.held_why = why(told, self.language)

    @rx.event
    @allows(EVERYBODY)
    def put_back(self):
        """Nothing is held any more."""
        self._let_go()

    def _let_go(self) -> None:
        self.held_visit = self.held_client = self.held_name = ""
        self.prices, self.breaks, self.tones = {}, {}, {}
        self.elsewhere, self.held_why, self.is_held_locked = [], [], False


def _cheapest(told: Offers, language: str) -> list[OfferRow]:
    """Where it could go, the cheapest first; what breaks something comes after."""
    able = [o for o in (*told.offers, *told.others) if o.price.is_possible]
    able.sort(key=lambda o: (len(o.price.breaks), o.drive_s, o.price.day, o.rep_name))
    return [_row(o, told, language) for o in able[:ELSEWHERE]]


def _row(offer: Offer, told: Offers, language: str) -> OfferRow:
    price = offer.price
    is_other = any(offer is o for o in told.others)
    day = i18n.day(price.day, language, "EEE d MMM")
    tone = "" if not price.breaks else "warn" if price.is_possible else "no"
    return OfferRow(
        f"{offer.rep_id}/{price.day}", "" if is_other else price.day.isoformat(),
        offer.rep_id if is_other else "", f"{offer.rep_name}, {day}" if is_other else day,
        cost(offer.drive_s, offer.drive_m, language),
        ", ".join(broken(b, language) for b in price.breaks), tone,
    )  # fmt: skip


def cost(drive_s: int, drive_m: int, language: str) -> str:
    """Way more or less, with its sign."""
    minutes, km = round(drive_s / 60), drive_m / 1000
    sign = "+" if minutes > 0 or (minutes == 0 and km >= 0) else "−"
    return i18n.t("hand.cost", language, sign=sign, minutes=abs(minutes),
                  km=i18n.number(abs(km), language, 1))  # fmt: skip


def broken(found: Break, language: str) -> str:
    """A rule that a move would break."""
    return i18n.t(f"hand.break.{found.code}", language, n=found.n)


def why(told: Offers, language: str) -> list[str]:
    """Why this day, why this order, what it would cost elsewhere: short sentences."""
    if told.day is None:
        return [_owed(told, language)] if told.wanted else []
    said = [i18n.t("hand.why.locked", language)] if told.is_locked else []
    said += [_owed(told, language)] if told.wanted else []
    earlier = max((d for d in told.seen if d < told.day), default=None)
    later = min((d for d in told.seen if d > told.day), default=None)
    said += [
        _gap(key, d, told, language) for key, d in (("after", earlier), ("before", later)) if d
    ]
    if told.place:
        here = told.place
        said.append(i18n.t("hand.why.order", language, position=here.position, stops=here.stops,
                           minutes=round(here.way_s / 60)))  # fmt: skip
        key = "hand.why.cheapest_place" if here.other_s >= 0 else "hand.why.cheaper_place"
        if here.stops > 1:
            said.append(i18n.t(key, language, minutes=abs(round(here.other_s / 60))))
    best = min(
        (o for o in told.offers if not o.price.breaks), key=lambda o: o.drive_s, default=None
    )
    if best is None:
        said.append(i18n.t("hand.why.no_other_day", language))
    else:
        said.append(i18n.t("hand.why.best_other_day", language, cost=cost(best.drive_s, best.drive_m, language),
                           day=i18n.day(best.price.day, language, "EEE d MMM")))  # fmt: skip
    return said


def _owed(told: Offers, language: str) -> str:
    return i18n.t("hand.why.owed", language, n=told.reached, wanted=told.wanted)


def _gap(key: str, other: date, told: Offers, language: str) -> str:
    assert told.day is not None
    days = abs((told.day - other).days)
    return i18n.t(f"hand.why.{key}", language, n=days, least=told.least_days)
