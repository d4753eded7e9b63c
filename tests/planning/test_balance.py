"""Shared days are evened out where it costs little, and only there."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from fieldcrm.planning import balance, search
from fieldcrm.planning.board import Board, Draft
from fieldcrm.planning.model import Problem
from tests.planning.problems import job, problem, problems, shift


def total(board: Board, draft: Draft) -> float:
    return draft.cost + balance.spread_s(board, draft) / balance.SPREAD_SHARE


def test_two_reps_of_one_place_share_the_work() -> None:
    found = problem([job(f"j{n}", 0, service_s=1800) for n in range(8)], [shift("a"), shift("b")])
    board = Board(found)
    draft = board.draft((tuple(range(8)), ()))
    even = balance.balanced(board, draft)
    assert sorted(len(order) for order in even.orders) == [4, 4]
    assert balance.spread_s(board, even) < 3600


def test_a_far_stop_is_not_given_away_for_balance() -> None:
    there = shift("there", start_place=9, end_place=9)
    found = problem([job("x", 9), job("y", 9), job("z", 9)], [shift("here"), there])
    board = Board(found)
    draft = board.draft(((), (0, 1, 2)))
    assert balance.balanced(board, draft) == draft


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems())
def test_balancing_drops_nothing_and_never_costs_more_than_it_is_worth(found: Problem) -> None:
    board = Board(found)
    draft = search.fill(board, board.empty())
    even = balance.balanced(board, draft)
    assert even.out == draft.out
    assert total(board, even) <= total(board, draft)
