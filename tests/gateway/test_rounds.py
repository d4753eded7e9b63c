"""A beat's news reach every desk once, some at a time, and never after something newer."""

from __future__ import annotations

from workers.gateway.news import News
from workers.gateway.rounds import AT_ONCE, Round


class Desk:
    """Notes what it hears; a broken one can't."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.heard: list[News] = []
        self._is_broken = is_broken

    def hear(self, news: News) -> None:
        self.heard.append(news)
        if self._is_broken:
            raise ValueError("broken")


def test_all_hear_once_some_at_a_time() -> None:
    desks, news = [Desk() for _ in range(2 * AT_ONCE + 1)], News(0)
    going = Round(desks, news)
    told = []
    while not going.is_over:
        going.tell_some()
        told.append(sum(len(d.heard) for d in desks))
    assert told == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1]
    assert all(d.heard == [news] for d in desks)


def test_who_is_about_to_hear_something_newer_hears_this_first_and_not_again() -> None:
    desks, news = [Desk() for _ in range(AT_ONCE + 1)], News(0)
    going = Round(desks, news)
    going.tell_some()
    last = desks[-1]
    assert not last.heard
    going.tell(last)
    assert going.is_over
    going.tell_some()
    going.tell(last)
    assert last.heard == [news]


def test_a_stranger_hears_nothing() -> None:
    stranger = Desk()
    Round([Desk()], News(0)).tell(stranger)
    assert not stranger.heard


def test_a_broken_desk_harms_nobody() -> None:
    broken, sound = Desk(is_broken=True), Desk()
    going = Round([broken, sound], News(0))
    going.tell_some()
    assert going.is_over
    assert len(sound.heard) == 1
