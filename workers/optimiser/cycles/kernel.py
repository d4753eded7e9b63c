"""Compiled ruin and recreate over all days of a cycle at once, with a choice of days per client.

SISR (Christiaens and Vanden Berghe, Transportation Science 54, 2020), carried to several days: a
string of one day's stops is taken out, each client in it with all its visits, and each client comes
back on that one of its patterns of days whose cheapest places cost least together. Clients may stay
out at a price. One place for one visit is judged in constant time, by the earliest start so far and
the latest one that keeps the rest of the tour possible.

All numbers are integers. Deterministic for a seed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fieldcrm.planning.cycle_model import CycleProblem
from workers.optimiser.chance import draw, seeded
from workers.optimiser.compiled import compiled

Array = NDArray[Any]
NOWHERE = 1 << 50
ROOM = 3.0
"""Longest string that is taken out to make room for a client on a day."""
TAILS_NEAR = 40
"""Clients near one whose tails its tour's head is tried with."""
TRAVEL, OUT_PRICE, OUT_TRUE, OUT, PLACED, USED, BEST, TOUCHED, CHANGED, OVER, WEIGHT = range(11)
"""Indices of `State.tally`: cost of the ways, price of clients out (as searched with, as it is),
clients out, visits placed, tours used, best cost, routes and clients changed by this step, load
over the capacity in all tours, and what a unit of it costs in the search (`NOWHERE`: not allowed)."""


class Facts(NamedTuple):
    """What never changes. T days, n + 1 nodes (0 is the depot), m tours a day."""

    cost: Array
    """[n + 1, n + 1]"""
    time: Array
    """[n + 1, n + 1] the visit at the first node and the way to the second."""
    cost_to: Array
    time_to: Array
    """Both with rows and columns changed."""
    ready: Array
    """[T, n + 1] earliest start; of the depot: earliest leave."""
    due: Array
    """[T, n + 1] latest start, below `ready` where closed; of the depot: latest return."""
    demand: Array
    capacity: Array
    """[T]"""
    begin: Array
    """[n + 2] where each client's patterns begin in `days`."""
    days: Array
    """[patterns, most visits] days of each pattern, -1 fills up."""
    visits: Array
    """[n + 1] visits of a client, the same in all its patterns."""
    may: Array
    """[n + 1, T] whether any pattern of a client has the day."""
    near: Array
    """[n + 1, n] clients by distance, itself first."""
    work: Array
    """[n + 1] what all visits of a client take of a day: load, or time."""
    tours: int


class State(NamedTuple):
    """The solution now, the best one, and what this step changed."""

    nxt: Array
    """[T, n + 1]"""
    prv: Array
    route: Array
    """[T, n + 1] tour number (day * m + tour), -1 where not visited that day."""
    early: Array
    late: Array
    first: Array
    """[T * m] 0 where a tour is empty."""
    last: Array
    load: Array
    size: Array
    choice: Array
    """[n + 1] pattern of a client, -1 while it is out."""
    out: Array
    out_at: Array
    price: Array
    """What leaving a client out costs in the search; the truth in `worth`."""
    worth: Array
    best_choice: Array
    best_nxt: Array
    best_first: Array
    mark: Array
    """[T * m] the step that last kept a copy of a tour."""
    ruined: Array
    """[T * m] the step that last took a string out of a tour."""
    listed: Array
    touched: Array
    kept: Array
    """[T * m, n + 1] tours touched by this step as they were."""
    kept_size: Array
    changed: Array
    was: Array
    """[n + 1] pattern before this step, of the clients changed."""
    list: Array
    rank: Array
    at_cost: Array
    """[T] cheapest place of the client in hand, by day."""
    at_after: Array
    at_route: Array
    random: Array
    tally: Array


def make_facts(problem: CycleProblem) -> Facts:
    """The problem laid out for the kernel."""
    size = len(problem.cost)
    lists = [list(days) for patterns in problem.patterns for days in patterns]
    begin = np.zeros(size + 1, np.int32)
    begin[1:] = np.cumsum([len(p) for p in problem.patterns])
    most = max((len(d) for d in lists), default=1)
    days = np.full((max(1, len(lists)), most), -1, np.int32)
    for row, each in enumerate(lists):
        days[row, : len(each)] = each
    may = np.zeros((size, problem.days), np.bool_)
    visits = np.zeros(size, np.int32)
    for client, patterns in enumerate(problem.patterns):
        for each in patterns:
            may[client, list(each)] = True
            visits[client] = len(each)
    last = problem.due - (problem.service[None, :] if problem.must_end_in_window else 0)
    last = np.where(problem.demand[None, :] > problem.capacity[:, None], -1, last)
    last[:, 0] = problem.due[:, 0]
    work = visits * np.where(problem.demand > 0, problem.demand, problem.service)
    cost = problem.cost.astype(np.int32)
    time = (problem.time + problem.service[:, None]).astype(np.int32)
    return Facts(
        cost, time, np.ascontiguousarray(cost.T), np.ascontiguousarray(time.T),
        problem.ready.astype(np.int32), last.astype(np.int32),
        problem.demand.astype(np.int64), problem.capacity.astype(np.int64),
        begin, days, visits, may, _near(problem.cost), work.astype(np.int64), problem.tours,
    )  # fmt: skip


def _near(cost: Array) -> Array:
    away = (cost + cost.T)[:, 1:].astype(np.int64)
    size = len(cost)
    away[np.arange(1, size), np.arange(size - 1)] = -1
    return (np.argsort(away, axis=1, kind="stable") + 1).astype(np.int32)


def make_state(facts: Facts, worth: Array, seed: int) -> State:
    """Nobody visited yet; `worth` [n + 1] is what leaving each client out costs."""
    days, size = facts.ready.shape
    tours, i32 = days * facts.tours, np.int32
    state = State(
        nxt=np.zeros((days, size), i32), prv=np.zeros((days, size), i32),
        route=np.full((days, size), -1, i32), early=facts.ready.copy(), late=facts.due.copy(),
        first=np.zeros(tours, i32), last=np.zeros(tours, i32), load=np.zeros(tours, np.int64),
        size=np.zeros(tours, i32), choice=np.full(size, -1, i32), out=np.zeros(size, i32),
        out_at=np.zeros(size, i32), price=worth.astype(np.int64), worth=worth.astype(np.int64),
        best_choice=np.full(size, -1, i32), best_nxt=np.zeros((days, size), i32),
        best_first=np.zeros(tours, i32), mark=np.full(tours, -1, np.int64),
        ruined=np.full(tours, -1, np.int64), listed=np.full(size, -1, np.int64),
        touched=np.zeros(tours, i32), kept=np.zeros((tours, size), i32),
        kept_size=np.zeros(tours, i32), changed=np.zeros(size, i32), was=np.full(size, -1, i32),
        list=np.zeros(size, i32), rank=np.zeros(size, np.float64),
        at_cost=np.zeros(days, np.int64), at_after=np.zeros(days, i32), at_route=np.zeros(days, i32),
        random=seeded(seed), tally=np.zeros(11, np.int64),
    )  # fmt: skip
    for client in range(1, size):
        _note_out(state, client)
    state.tally[BEST] = NOWHERE
    return state


@compiled
def _note_out(state, c):  # type: ignore[no-untyped-def]
    n = state.tally[OUT]
    state.out_at[c] = n
    state.out[n] = c
    state.tally[OUT] = n + 1
    state.tally[OUT_PRICE] += state.price[c]
    state.tally[OUT_TRUE] += state.worth[c]
    state.choice[c] = -1


@compiled
def _note_in(state, c, pattern):  # type: ignore[no-untyped-def]
    state.tally[OUT] -= 1
    other = state.out[state.tally[OUT]]
    state.out[state.out_at[c]] = other
    state.out_at[other] = state.out_at[c]
    state.tally[OUT_PRICE] -= state.price[c]
    state.tally[OUT_TRUE] -= state.worth[c]
    state.choice[c] = pattern


@compiled
def _keep(facts, state, r, step):  # type: ignore[no-untyped-def]
    """Copy a tour before this step first changes it."""
    if state.mark[r] == step:
        return
    state.mark[r] = step
    state.touched[state.tally[TOUCHED]] = r
    state.tally[TOUCHED] += 1
    d = r // facts.tours
    c, n = state.first[r], 0
    while c != 0:
        state.kept[r, n] = c
        n += 1
        c = state.nxt[d, c]
    state.kept_size[r] = n


@njit(cache=True, inline="always")
def _time_forward(ready, time, early, prv, nxt, begin, is_sure):  # type: ignore[no-untyped-def]
    """Earliest starts of one day from a client on; the first `is_sure` of them in any case."""
    c, n = begin, 0
    while c != 0:
        u = prv[c]
        t = max(ready[c], early[u] + time[u, c])
        if n >= is_sure and t == early[c]:
            break
        early[c] = t
        c = nxt[c]
        n += 1


@njit(cache=True, inline="always")
def _time_backward(due, time, late, prv, nxt, begin, is_sure):  # type: ignore[no-untyped-def]
    """Latest starts of one day from a client back."""
    c, n = begin, 0
    while c != 0:
        v = nxt[c]
        t = min(due[c], late[v] - time[c, v])
        if n >= is_sure and t == late[c]:
            break
        late[c] = t
        c = prv[c]
        n += 1


@compiled
def _time(ready, due, time, early, late, prv, nxt, on, back, is_sure):  # type: ignore[no-untyped-def]
    """Times of one day from a client on and from another back."""
    _time_forward(ready, time, early, prv, nxt, on, is_sure)
    _time_backward(due, time, late, prv, nxt, back, is_sure)


@compiled
def _unlink(facts, state, d, c):  # type: ignore[no-untyped-def]
    """Take one visit out of its tour."""
    r, u, v = state.route[d, c], state.prv[d, c], state.nxt[d, c]
    if u == 0:
        state.first[r] = v
    else:
        state.nxt[d, u] = v
    if v == 0:
        state.last[r] = u
    else:
        state.prv[d, v] = u
    state.tally[OVER] -= min(facts.demand[c], max(0, state.load[r] - facts.capacity[d]))
    state.load[r] -= facts.demand[c]
    state.size[r] -= 1
    state.route[d, c] = -1
    state.tally[PLACED] -= 1
    state.tally[TRAVEL] -= facts.cost[u, c] + facts.cost[c, v]
    if state.size[r] == 0:
        state.tally[USED] -= 1
        return
    state.tally[TRAVEL] += facts.cost[u, v]
    _time(
        facts.ready[d], facts.due[d], facts.time, state.early[d], state.late[d], state.prv[d],
        state.nxt[d], v, u, 0,
    )  # fmt: skip


@compiled
def _link(facts, state, d, c, u, r):  # type: ignore[no-untyped-def]
    """Put one visit after `u` (0: at the start) of a tour."""
    v = state.first[r] if u == 0 else state.nxt[d, u]
    if state.size[r] == 0:
        state.tally[USED] += 1
        v = 0
    else:
        state.tally[TRAVEL] -= facts.cost[u, v]
    state.tally[TRAVEL] += facts.cost[u, c] + facts.cost[c, v]
    state.prv[d, c], state.nxt[d, c], state.route[d, c] = u, v, r
    if u == 0:
        state.first[r] = c
    else:
        state.nxt[d, u] = c
    if v == 0:
        state.last[r] = c
    else:
        state.prv[d, v] = c
    state.load[r] += facts.demand[c]
    state.tally[OVER] += min(facts.demand[c], max(0, state.load[r] - facts.capacity[d]))
    state.size[r] += 1
    state.tally[PLACED] += 1
    _time(
        facts.ready[d], facts.due[d], facts.time, state.early[d], state.late[d], state.prv[d],
        state.nxt[d], c, c, 1,
    )  # fmt: skip


@compiled
def _remove(facts, state, c, step):  # type: ignore[no-untyped-def]
    """Take a client out with all its visits."""
    p = state.choice[c]
    state.was[c] = p
    state.changed[state.tally[CHANGED]] = c
    state.tally[CHANGED] += 1
    for k in range(facts.visits[c]):
        d = facts.days[p, k]
        _keep(facts, state, state.route[d, c], step)
        _unlink(facts, state, d, c)
    _note_out(state, c)


@compiled
def _await(state, c, waiting, step):  # type: ignore[no-untyped-def]
    """Have a client wait for a place, once a step."""
    if state.listed[c] == step:
        return waiting
    state.listed[c] = step
    state.list[waiting] = c
    return waiting + 1


@compiled
def _pick_seed(facts, state, absent):  # type: ignore[no-untyped-def]
    """A client at random; with a chance one who is out."""
    if state.tally[OUT] > 0 and draw(state.random) < absent:
        return state.out[int(draw(state.random) * state.tally[OUT])]
    return 1 + int(draw(state.random) * (len(facts.cost) - 1))


@compiled
def _dearest_out(state, seed):  # type: ignore[no-untyped-def]
    """The dearest of the clients who are out, `seed` if nobody is dearer."""
    start = int(draw(state.random) * state.tally[OUT])
    for n in range(state.tally[OUT]):
        c = state.out[(start + n) % state.tally[OUT]]
        if state.price[c] > state.price[seed]:
            seed = c
    return seed


@compiled
def _make_room(facts, state, c, limit, step):  # type: ignore[no-untyped-def]
    """Take the cheaper clients near one out on all days of one of its patterns; how many wait.

    Where a day has no cheaper one, a string.
    """
    waiting = _await(state, c, 0, step)
    if state.choice[c] >= 0:
        _remove(facts, state, c, step)
    options = facts.begin[c + 1] - facts.begin[c]
    p = facts.begin[c] + int(draw(state.random) * options)
    for k in range(facts.visits[c] if options > 0 else 0):
        d = facts.days[p, k]
        wanted = 1 + int(draw(state.random) * limit)
        nearest = 0
        for i in range(1, facts.near.shape[1]):
            other = facts.near[c, i]
            if state.route[d, other] < 0 or wanted == 0:
                continue
            nearest = other if nearest == 0 else nearest
            if state.price[other] < state.price[c]:
                _remove(facts, state, other, step)
                waiting = _await(state, other, waiting, step)
                wanted -= 1
                nearest = -1
        if nearest > 0:
            waiting = _cut(facts, state, d, nearest, limit, waiting, step)
    return waiting


@compiled
def _ruin(facts, state, step, strength, longest, absent, looked_at, is_roomy):  # type: ignore[no-untyped-def]
    """Take strings out of tours near a random client; how many clients wait in `state.list`."""
    waiting = 0
    mean = float(state.tally[PLACED]) / max(1, state.tally[USED])
    limit = max(1.0, min(float(longest), mean))
    tours = int(draw(state.random) * (4.0 * strength / (1.0 + limit))) + 1
    seed = _pick_seed(facts, state, absent)
    if is_roomy:
        return _make_room(facts, state, _dearest_out(state, seed), min(limit, ROOM), step)
    done, looked = 0, 0
    for i in range(facts.near.shape[1]):
        c = facts.near[seed, i]
        p = state.choice[c]
        if p < 0:
            if state.listed[c] != step and looked < looked_at:
                if c == seed or draw(state.random) < 0.5:
                    waiting = _await(state, c, waiting, step)
                looked += 1
            continue
        if done >= tours:
            if looked >= looked_at or state.tally[OUT] == 0 or i > 100:
                break
            continue
        count = facts.visits[c]
        start = int(draw(state.random) * count)
        for k in range(count):
            d = facts.days[p, (start + k) % count]
            r = state.route[d, c]
            if state.ruined[r] != step:
                state.ruined[r] = step
                done += 1
                waiting = _cut(facts, state, d, c, limit, waiting, step)
                break
    return waiting


@compiled
def _cut(facts, state, d, c, limit, waiting, step):  # type: ignore[no-untyped-def]
    """Remove the clients of a string of one tour that has `c` in it, sparing some in its middle."""
    r = state.route[d, c]
    size = state.size[r]
    length = int(draw(state.random) * min(limit, float(size))) + 1
    hold = 0
    if length > 1 and length < size and draw(state.random) < 0.5:
        hold = 1
        while length + hold < size and draw(state.random) < 0.01:
            hold += 1
    span = length + hold
    ahead, x = 0, c
    while ahead < span - 1 and state.prv[d, x] != 0:
        x = state.prv[d, x]
        ahead += 1
    behind, y = 0, c
    while behind < span - 1 and state.nxt[d, y] != 0:
        y = state.nxt[d, y]
        behind += 1
    least = max(0, span - 1 - behind)
    back = least + int(draw(state.random) * (ahead - least + 1))
    x = c
    for _ in range(back):
        x = state.prv[d, x]
    spare_from = 1 + int(draw(state.random) * (length - 1)) if hold else span
    for n in range(span):
        following = state.nxt[d, x]
        if n < spare_from or n >= spare_from + hold:
            _remove(facts, state, x, step)
            waiting = _await(state, x, waiting, step)
        x = following
    return waiting


@compiled
def _sequence(facts, state, waiting, chosen):  # type: ignore[no-untyped-def]
    """Sort the waiting clients by one of several measures (`chosen` in 0 to 14), mostly price."""
    for i in range(waiting):
        c = state.list[i]
        luck = draw(state.random)
        if chosen < 3:
            rank = luck
        elif chosen < 6:
            rank = -float(facts.work[c]) * (0.9 + 0.2 * luck)
        elif chosen < 7:
            rank = -float(facts.cost[0, c])
        elif chosen < 8:
            rank = float(facts.cost[0, c])
        elif chosen < 10:
            rank = float(facts.begin[c + 1] - facts.begin[c]) + luck
        else:
            rank = -float(state.price[c]) * (1.0 + 0.1 * luck)
        state.rank[i] = rank
    for i in range(1, waiting):
        c, k = state.list[i], state.rank[i]
        j = i - 1
        while j >= 0 and state.rank[j] > k:
            state.rank[j + 1] = state.rank[j]
            state.list[j + 1] = state.list[j]
            j -= 1
        state.rank[j + 1] = k
        state.list[j + 1] = c


@compiled
def _overload(weight, over):  # type: ignore[no-untyped-def]
    """What so much load more over the capacity costs in the search."""
    if over > 0 and weight >= NOWHERE:
        return np.int64(NOWHERE)
    return np.int64(weight * over)


@compiled
def _find_places(facts, state, c, blink, opening):  # type: ignore[no-untyped-def]
    """The cheapest place for a client on each day, into `at_cost`, `at_after`, `at_route`.

    On the day `opening` (-1: none) a tour of its own, as if it cost nothing.
    """
    cost, cost_on, cost_to = facts.cost, facts.cost[c], facts.cost_to[c]
    time_on, time_to, random = facts.time[c], facts.time_to[c], state.random
    first, load, size, weight = state.first, state.load, state.size, state.tally[WEIGHT]
    for d in range(len(state.at_cost)):
        state.at_cost[d] = NOWHERE
        ready, due = facts.ready[d, c], facts.due[d, c]
        if not facts.may[c, d] or due < ready:
            continue
        room = facts.capacity[d] - facts.demand[c]
        nxt, early, late = state.nxt[d], state.early[d], state.late[d]
        best, best_after, best_route = np.int64(NOWHERE), 0, -1
        is_empty_tried = False
        for r in range(d * facts.tours, (d + 1) * facts.tours):
            if size[r] == 0 and is_empty_tried:
                continue
            over = _overload(weight, min(facts.demand[c], max(0, load[r] - room)))
            if over >= best:
                continue
            is_empty_tried = is_empty_tried or size[r] == 0
            if d == opening and size[r] == 0:
                t = max(ready, early[0] + time_to[0])
                if t <= due and t + time_on[0] <= late[0]:
                    best, best_after, best_route = np.int64(0), 0, r
                    break
            u, v = 0, first[r]
            while True:
                added = over + cost_to[u] + cost_on[v] - cost[u, v]
                if added < best:
                    t = max(ready, early[u] + time_to[u])
                    if t > due:
                        break  # later places are later still
                    if t + time_on[v] <= late[v] and draw(random) >= blink:
                        best, best_after, best_route = added, u, r
                if v == 0:
                    break
                u = v
                v = nxt[u]
        state.at_cost[d], state.at_after[d], state.at_route[d] = best, best_after, best_route


@compiled
def _place(facts, state, c, step, blink, warmth, opening):  # type: ignore[no-untyped-def]
    """Put a client on its cheapest pattern of days, or leave it out where that is dearer."""
    _find_places(facts, state, c, blink, opening)
    best, best_pattern = np.int64(NOWHERE), -1
    for p in range(facts.begin[c], facts.begin[c + 1]):
        total = np.int64(0)
        for k in range(facts.visits[c]):
            total += state.at_cost[facts.days[p, k]]
        if total < best:
            best, best_pattern = total, p
    if best_pattern < 0:
        return
    dear = best - state.price[c]
    if dear > 0 and dear > -warmth * np.log(draw(state.random) + 1e-12):
        return
    if state.was[c] < 0:  # it was out before this step
        state.changed[state.tally[CHANGED]] = c
        state.tally[CHANGED] += 1
    for k in range(facts.visits[c]):
        d = facts.days[best_pattern, k]
        _keep(facts, state, state.at_route[d], step)
        _link(facts, state, d, c, state.at_after[d], state.at_route[d])
    _note_in(state, c, best_pattern)


@compiled
def _searched_cost(state):  # type: ignore[no-untyped-def]
    """Cost of the solution now, as searched with."""
    tally = state.tally
    return tally[TRAVEL] + tally[OUT_PRICE] + tally[WEIGHT] * tally[OVER]


@compiled
def _place_all(facts, state, waiting, step, blink, warmth, opening, allowed):  # type: ignore[no-untyped-def]
    """Put the waiting clients in turn, until what is done already costs more than is allowed."""
    owed = np.int64(0)
    for i in range(waiting):
        owed += state.price[state.list[i]]
    for i in range(waiting):
        if _searched_cost(state) - owed >= allowed:
            return
        owed -= state.price[state.list[i]]
        _place(facts, state, state.list[i], step, blink, warmth, opening if i == 0 else -1)


@compiled
def _write_tour(facts, state, r, nodes):  # type: ignore[no-untyped-def]
    """Write a whole tour with its times and load; `tally` is the caller's."""
    d = r // facts.tours
    state.load[r], state.size[r] = 0, len(nodes)
    state.first[r] = 0
    at = 0
    for c in nodes:
        if at == 0:
            state.first[r] = c
        else:
            state.nxt[d, at] = c
        state.prv[d, c] = at
        state.route[d, c] = r
        state.load[r] += facts.demand[c]
        at = c
    state.last[r] = at
    if at == 0:
        return
    state.nxt[d, at] = 0
    _time(
        facts.ready[d], facts.due[d], facts.time, state.early[d], state.late[d], state.prv[d],
        state.nxt[d], state.first[r], at, len(nodes),
    )  # fmt: skip


@compiled
def _undo(facts, state, travel, placed, used, over):  # type: ignore[no-untyped-def]
    """Write the touched tours and the changed clients back as they were."""
    for i in range(state.tally[TOUCHED]):
        r = state.touched[i]
        d = r // facts.tours
        c = state.first[r]
        while c != 0:
            state.route[d, c] = -1
            c = state.nxt[d, c]
    for i in range(state.tally[TOUCHED]):
        r = state.touched[i]
        _write_tour(facts, state, r, state.kept[r, : state.kept_size[r]])
    for i in range(state.tally[CHANGED]):
        c = state.changed[i]
        if state.choice[c] >= 0:
            _note_out(state, c)
        if state.was[c] >= 0:
            _note_in(state, c, state.was[c])
    state.tally[TRAVEL], state.tally[PLACED], state.tally[USED] = travel, placed, used
    state.tally[OVER] = over


@compiled
def _forget_step(state):  # type: ignore[no-untyped-def]
    for i in range(state.tally[CHANGED]):
        state.was[state.changed[i]] = -1
    state.tally[TOUCHED] = state.tally[CHANGED] = 0


@compiled
def _remember_best(state):  # type: ignore[no-untyped-def]
    cost = state.tally[TRAVEL] + state.tally[OUT_TRUE]
    if cost < state.tally[BEST] and state.tally[OVER] == 0:
        state.tally[BEST] = cost
        for c in range(len(state.choice)):
            state.best_choice[c] = state.choice[c]
        for d in range(len(state.nxt)):
            for c in range(len(state.choice)):
                state.best_nxt[d, c] = state.nxt[d, c]
        for r in range(len(state.first)):
            state.best_first[r] = state.first[r]


@compiled
def _head_load(facts, state, d, c):  # type: ignore[no-untyped-def]
    """What a tour carries up to a client, the client included."""
    load = np.int64(0)
    while c != 0:
        load += facts.demand[c]
        c = state.prv[d, c]
    return load


@compiled
def _swap_tails(facts, state, step, blink, room):  # type: ignore[no-untyped-def]
    """Join the head of one tour to the tail of another of its day and the other way round (2-opt*).

    The tour is that of a random visit; the other tail may be nobody's, which opens a tour. Nothing
    happens where everything would cost `room` or more.
    """
    u = 1 + int(draw(state.random) * (len(facts.cost) - 1))
    if state.choice[u] < 0:
        return
    d = facts.days[state.choice[u], int(draw(state.random) * facts.visits[u])]
    early, late, nxt, prv = state.early[d], state.late[d], state.nxt[d], state.prv[d]
    r, q, capacity = state.route[d, u], nxt[u], facts.capacity[d]
    weight, head = state.tally[WEIGHT], _head_load(facts, state, d, u)
    easing = weight * state.tally[OVER]
    gone = np.int64(facts.cost[u, q])
    best, best_v, other = np.int64(NOWHERE), np.int64(0), -1
    if q != 0:
        for k in range(d * facts.tours, (d + 1) * facts.tours):
            if state.size[k] == 0:
                added = np.int64(facts.cost[u, 0]) + facts.cost[0, q] - gone
                over = max(0, head - capacity) + max(0, state.load[r] - head - capacity)
                added += _overload(weight, over - max(0, state.load[r] - capacity))
                if added < room and draw(state.random) >= blink:
                    best, other = added, k
                break
    for i in range(1, min(TAILS_NEAR, facts.near.shape[1])):
        v = facts.near[u, i]
        k = state.route[d, v]
        if k < 0 or k == r:
            continue
        p = prv[v]
        added = np.int64(facts.cost[u, v]) + facts.cost[p, q] - gone - facts.cost[p, v]
        if added >= room + easing or added >= best + easing:
            continue
        if early[u] + facts.time[u, v] > late[v] or early[p] + facts.time[p, q] > late[q]:
            continue
        if state.load[r] + state.load[k] > capacity:
            front = _head_load(facts, state, d, p)
            over = max(0, head + state.load[k] - front - capacity)
            over += max(0, front + state.load[r] - head - capacity)
            over -= max(0, state.load[r] - capacity) + max(0, state.load[k] - capacity)
            added += _overload(weight, over)
        if added >= best or added >= room:
            continue
        if draw(state.random) >= blink:
            best, best_v, other = added, np.int64(v), k
    if other >= 0:
        _keep(facts, state, r, step)
        _keep(facts, state, other, step)
        before = max(0, state.load[r] - capacity) + max(0, state.load[other] - capacity)
        _exchange(facts, state, d, r, u, other, best_v)
        after = max(0, state.load[r] - capacity) + max(0, state.load[other] - capacity)
        state.tally[OVER] += after - before
        state.tally[TRAVEL] += best - weight * (after - before)


@compiled
def _exchange(facts, state, d, r, u, other, v):  # type: ignore[no-untyped-def]
    """Tour `r` up to `u` goes on from `v` of the other tour, which goes on where `r` did."""
    n = _listed(state, d, state.first[r], state.nxt[d, u], 0)
    end = _listed(state, d, v, 0, n)
    n = _listed(state, d, state.first[other] if v != 0 else 0, v, end)
    n = _listed(state, d, state.nxt[d, u], 0, n)
    state.tally[USED] += state.size[other] == 0
    state.tally[USED] -= n == end
    _write_tour(facts, state, r, state.list[:end])
    _write_tour(facts, state, other, state.list[end:n])


@compiled
def _listed(state, d, c, stop, n):  # type: ignore[no-untyped-def]
    """Append the visits of a day from `c` on to before `stop` to `list`; how long that is now."""
    while c != stop:
        state.list[n] = c
        n += 1
        c = state.nxt[d, c]
    return n


@compiled
def run(
    facts, state, begin, steps, heat, strength, longest, blink, absent, looked_at, roomy, opening,
    tails,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """So many steps at one temperature.

    `roomy`, `tails`, `opening`: shares of the steps that make room for somebody who is out, that
    exchange tails of tours, and that open a tour.
    """
    for step in range(begin, begin + steps):
        _forget_step(state)
        travel, placed, used = state.tally[TRAVEL], state.tally[PLACED], state.tally[USED]
        over, now = state.tally[OVER], _searched_cost(state)
        allowed = now - heat * np.log(draw(state.random) + 1e-300)
        if draw(state.random) < tails:
            _swap_tails(facts, state, step, blink, allowed - now)
        else:
            is_roomy = draw(state.random) < roomy
            waiting = _ruin(facts, state, step, strength, longest, absent, looked_at, is_roomy)
            _sequence(facts, state, waiting, 14.0 if is_roomy else draw(state.random) * 14.0)
            day = -1
            if draw(state.random) < opening:
                day = int(draw(state.random) * len(facts.ready))
            _place_all(facts, state, waiting, step, blink, heat, day, allowed)
        if _searched_cost(state) < allowed:
            _remember_best(state)
        else:
            _undo(facts, state, travel, placed, used, over)


@njit(cache=True)
def fill(facts, state):  # type: ignore[no-untyped-def]
    """A first solution: everybody who is out, dearest first, where it costs least."""
    _forget_step(state)
    waiting = state.tally[OUT]
    for i in range(waiting):
        state.list[i] = state.out[i]
        state.rank[i] = -float(state.price[state.out[i]]) - 1e-6 * facts.work[state.out[i]]
    order = np.argsort(state.rank[:waiting], kind="mergesort")
    state.list[:waiting] = state.list[:waiting][order]
    for i in range(waiting):
        _forget_step(state)
        _place(facts, state, state.list[i], -2, 0.0, 1.0, -1)
    _forget_step(state)
    _remember_best(state)


@compiled
def reprice(state, prices):  # type: ignore[no-untyped-def]
    """Search with other prices of clients out from here on."""
    for c in range(len(prices)):
        state.price[c] = prices[c]
    state.tally[OUT_PRICE] = 0
    for i in range(state.tally[OUT]):
        state.tally[OUT_PRICE] += prices[state.out[i]]


@compiled
def load(facts, state, choice, nodes, ends):  # type: ignore[no-untyped-def]
    """Take a given solution as the one now.

    `choice` [n + 1] patterns, -1 is out; `nodes` the tours one after another, all T * m of them,
    `ends` [T * m + 1] where each ends ([0] is 0).
    """
    _forget_step(state)
    for i in range(11):
        if i != BEST and i != WEIGHT:
            state.tally[i] = 0
    state.route[:] = -1
    for c in range(1, len(choice)):
        _note_out(state, c)
        if choice[c] >= 0:
            _note_in(state, c, choice[c])
    for r in range(len(ends) - 1):
        tour = nodes[ends[r] : ends[r + 1]]
        _write_tour(facts, state, r, tour)
        state.tally[OVER] += max(0, state.load[r] - facts.capacity[r // facts.tours])
        at = 0
        for c in tour:
            state.tally[TRAVEL] += facts.cost[at, c]
            at = c
        state.tally[TRAVEL] += facts.cost[at, 0]
        state.tally[PLACED] += len(tour)
        state.tally[USED] += len(tour) > 0
    _remember_best(state)


def best_tours(facts: Facts, state: State) -> list[list[list[int]]]:
    """The best solution: for each day its tours that are not empty."""
    found: list[list[list[int]]] = []
    for day in range(len(facts.ready)):
        tours: list[list[int]] = []
        for client in state.best_first[day * facts.tours : (day + 1) * facts.tours].tolist():
            tour: list[int] = []
            while client:
                tour.append(client)
                client = int(state.best_nxt[day, client])
            if tour:
                tours.append(tour)
        found.append(tours)
    return found
