"""A beat's news on their way round: to some desks at a time, so that no phone waits for all of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import islice
from typing import Protocol

from workers.gateway.news import News

AT_ONCE = 25
_log = logging.getLogger(__name__)


class Hearer(Protocol):
    """Who is told."""

    def hear(self, news: News) -> None: ...


class Round:
    """Desks that have yet to hear of one beat."""

    def __init__(self, desks: Iterable[Hearer], news: News) -> None:
        self._news = news
        self._left = dict.fromkeys(desks)

    @property
    def is_over(self) -> bool:
        """Whether everybody has heard."""
        return not self._left

    def tell_some(self) -> None:
        """Tell the next of them."""
        for desk in list(islice(self._left, AT_ONCE)):
            self.tell(desk)

    def tell(self, desk: Hearer) -> None:
        """Tell one of them now, unless he has heard; his failure is nobody else's."""
        if desk in self._left:
            del self._left[desk]
            try:
                desk.hear(self._news)
            except Exception:
                _log.exception("a desk")
