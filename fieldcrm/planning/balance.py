"""Evens out how long reps work on a day they share, where that costs little. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from fieldcrm.planning.board import Board, Draft, inserted

SPREAD_SHARE = 10
"""So many seconds of spread are worth one of travel."""
FULL_DAY_S = 8 * 3600


def balanced(board: Board, draft: Draft, moves: int = 30) -> Draft:
    """The draft after the best single moves from the longest day, while they are worth it.

    Never leaves out a visit that the draft serves, and moves no locked one.
    """
    for _ in range(moves if len(board.tables) > 1 else 0):
        best = min(_lighter(board, draft), key=lambda d: price(board, d), default=draft)
        if price(board, best) >= price(board, draft):
            break
        draft = best
    return draft


def spread_s(board: Board, draft: Draft) -> float:
    """How uneven the working times are: squares about their mean, in seconds by a full day.

    Squares, since with several full days the longest alone says nothing.
    """
    worked = [_worked_s(board, draft, s) for s, table in enumerate(board.tables) if table.allowed]
    mean = sum(worked) / max(1, len(worked))
    return sum((w - mean) ** 2 for w in worked) / FULL_DAY_S


def price(board: Board, draft: Draft) -> float:
    """What a draft costs with the unevenness of its days."""
    return draft.cost + spread_s(board, draft) / SPREAD_SHARE


def _worked_s(board: Board, draft: Draft, shift: int) -> int:
    table, order = board.tables[shift], draft.orders[shift]
    timed = table.time(order) if order else None
    return timed.end_s - table.shift.start_s if timed else 0


def _lighter(board: Board, draft: Draft) -> Iterable[Draft]:
    """Every draft in which one stop of the longest day goes to somebody else."""
    longest = max(range(len(board.tables)), key=lambda s: _worked_s(board, draft, s))
    order = draft.orders[longest]
    for index, job in enumerate(order):
        rest = (*order[:index], *order[index + 1 :])
        if board.problem.jobs[job].is_locked or board.order_cost(longest, rest) is None:
            continue
        without = (*draft.orders[:longest], rest, *draft.orders[longest + 1 :])
        for shift in board.homes[job]:
            place = None if shift == longest else board.best_place(shift, without[shift], job)
            if place is not None:
                yield board.draft(inserted(without, shift, place[1], job))
