"""Two who change one thing in the same moment: the second sees what the first did, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

from fieldcrm.clients import service
from fieldcrm.clients.duplicates import queue
from fieldcrm.clients.duplicates.model import PairFilters
from fieldcrm.clients.model import StaleClient
from fieldcrm.clients.standing import CHANNELS
from fieldcrm.kit import clock, ids
from fieldcrm.kit.errors import Refusal
from fieldcrm.people import service as people
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest, StaleVisit
from tests.clients.base import Base

WRITERS, ROUNDS, MEET_S = 4, 6, 60.0


def at_once(doing: Callable[[int], Any], writers: int = WRITERS) -> list[Any]:
    """What each got, or the refusal that it met."""
    every = Barrier(writers)

    def one(n: int) -> Any:
        every.wait(MEET_S)
        try:
            return doing(n)
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(one, range(writers)))


def test_of_those_who_saw_one_version_one_saves(base: Base) -> None:
    boss, client_id = base.actor("admin"), next(iter(base.clients.values()))
    for _ in range(ROUNDS):
        seen = service.get(boss, client_id)
        note = f"after {seen.version} "
        told = at_once(
            lambda n, v=seen.version, t=note: service.save(boss, {"note": t + str(n)}, client_id, v)
        )
        assert sum(isinstance(t, StaleClient) for t in told) == WRITERS - 1, told
        saved = service.get(boss, client_id)
        assert saved.version == seen.version + 1
        assert saved.note == next(t.note for t in told if not isinstance(t, Refusal))


def test_each_of_several_values_in_one_column_is_kept(base: Base) -> None:
    boss, client_id = base.actor("admin"), next(iter(base.clients.values()))
    told = at_once(
        lambda n: service.save(
            boss, {"consents": {CHANNELS[n]: {"state": "given", "on": "2026-01-05", "source": "form"}}},
            client_id,
        )
    )  # fmt: skip
    assert not [t for t in told if isinstance(t, Refusal)]
    assert set(service.get(boss, client_id).consents) == set(CHANNELS)


def test_two_administrators_cannot_let_each_other_go(base: Base) -> None:
    boss = base.actor("admin")
    for n in range(ROUNDS):
        other = people.save_user(
            boss, {"login": f"boss{n}", "name": "Boss", "role": "admin", "password": "kymmenen kissaa 1"}
        )  # fmt: skip
        pair = (boss.user_id, other.id)
        told = at_once(lambda k, p=pair: people.deactivate_user(boss, p[k]), 2)
        assert sum(isinstance(t, Refusal) for t in told) == 1, told
        for user_id in pair:
            people.activate_user(boss, user_id)
        people.deactivate_user(boss, other.id)


def test_a_pair_of_duplicates_is_merged_once(base: Base) -> None:
    boss = base.actor("admin")
    fields = {"kind": "pharmacy", "name": "Kaksoisapteekki", "address": "Katu 7", "city": "Turku",
              "phone": "+358401234987"}  # fmt: skip
    first, second = (service.save(boss, fields).id for _ in range(2))
    (pair,) = queue.every(boss, PairFilters())
    told = at_once(lambda n: queue.merge(boss, pair.pair.id, (first, second)[n % 2]))
    assert sum(isinstance(t, Refusal) for t in told) == WRITERS - 1, told
    living = [service.get(boss, i) for i in (first, second)]
    assert sum(c.archived_at is None for c in living) == 1


def test_of_those_who_saw_one_version_of_a_visit_one_moves_it(base: Base) -> None:
    desk, client_id = base.actor("dispatcher_north"), base.clients["Töölö Health Station"]
    day = clock.local(clock.now()).date() + timedelta(days=1)
    made = visits.move(
        desk,
        MoveRequest(visit_id=ids.new_id(), move="plan", at=clock.now(), client_id=client_id, day=day,
                    rep_id=base.company.users["rep_north"]),
    )  # fmt: skip

    def revise(n: int) -> Any:
        return visits.move(
            desk,
            MoveRequest(visit_id=made.id, move="cancel", at=clock.now(), reason=f"reason {n}",
                        base_version=made.version, only_version=made.version),
        )  # fmt: skip

    told = at_once(revise)
    assert sum(isinstance(t, StaleVisit) for t in told) == WRITERS - 1, told
