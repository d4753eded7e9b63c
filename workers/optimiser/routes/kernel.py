"""Compiled ruin and recreate for routes with time windows, loads and optional clients.

SISR: Christiaens and Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing
Problems", Transportation Science 54 (2020). Routes are linked lists; each client knows its earliest
start in its route and the latest one that keeps the rest possible, so one place for one client is
judged in constant time. Only places beside near clients are looked at.

All numbers are integers; the caller gives triangle-respecting times. Deterministic for a seed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from workers.optimiser.chance import draw
from workers.optimiser.compiled import compiled
from workers.optimiser.routes.layout import (
    BEST,
    NOW,
    OUT,
    POOL_END,
    POOL_N,
    POOL_NODES,
    POOL_ROUTES,
    POOL_SLOTS,
    TOUCHED,
    USED,
    Facts,
    State,
    empty_state,
)

_ADRIFT = -2
"""In place of a client's route while a step is undone."""


def make_state(facts: Facts, seed: int) -> State:
    """Nobody served yet."""
    state = empty_state(facts, seed)
    load_routes(facts, state, np.zeros(0, np.uint32), np.zeros(1, np.int64))
    return state


@compiled
def load_routes(facts, state, nodes, ends):  # type: ignore[no-untyped-def]
    """Take given routes as the solution now and as the best one; the rest is out.

    `nodes` one route after another, `ends` where each ends ([0] is 0).
    """
    size = len(facts.dist)
    state.early[0], state.late[0] = facts.ready[0], facts.due[0]
    state.tally[USED], state.tally[OUT] = 0, 0
    state.tally[NOW] = 0
    for r in range(facts.fleet):
        state.first[r] = state.last[r] = 0
        state.load[r] = state.size[r] = 0
    for c in range(1, size):
        state.route[c] = -1
    for r in range(len(ends) - 1):
        _put_route(facts, state, r, nodes[ends[r] : ends[r + 1]])
    for c in range(1, size):
        if state.route[c] < 0:
            _leave_out(facts, state, c)
    state.tally[BEST] = state.tally[NOW]
    _remember_best(state)


@compiled
def _put_route(facts, state, r, nodes):  # type: ignore[no-untyped-def]
    """Write a whole route with its times, load and cost."""
    state.load[r] = 0
    state.size[r] = len(nodes)
    at = 0
    for c in nodes:
        if at == 0:
            state.first[r] = c
        else:
            state.nxt[at] = c
        state.prv[c] = at
        state.route[c] = r
        state.load[r] += facts.demand[c]
        state.come[c] = state.go[at] = facts.dist[at, c]
        state.tally[NOW] += facts.dist[at, c]
        at = c
    state.last[r] = at
    if at == 0:
        state.first[r] = 0
        return
    state.tally[NOW] += facts.dist[at, 0]
    state.go[at] = facts.dist[at, 0]
    state.nxt[at] = 0
    state.tally[USED] += 1
    _time_forward(facts, state, state.first[r], np.uint32(0))
    _time_backward(facts, state, state.last[r], np.uint32(0))


@compiled
def _time_forward(facts, state, c, sure):  # type: ignore[no-untyped-def]
    """Earliest starts from a client on; from `sure` on only until one stays as it was."""
    is_past = False
    while c != 0:
        is_past = is_past or c == sure
        u = state.prv[c]
        t = max(facts.ready[c], state.early[u] + facts.time[u, c])
        if is_past and t == state.early[c]:
            break
        state.early[c] = t
        c = state.nxt[c]


@compiled
def _time_backward(facts, state, c, sure):  # type: ignore[no-untyped-def]
    """Latest starts from a client back; from `sure` back only until one stays as it was."""
    is_past = False
    while c != 0:
        is_past = is_past or c == sure
        v = state.nxt[c]
        t = min(facts.due[c], state.late[v] - facts.time[c, v])
        if is_past and t == state.late[c]:
            break
        state.late[c] = t
        c = state.prv[c]


@compiled
def _leave_out(facts, state, c):  # type: ignore[no-untyped-def]
    state.out_at[c] = state.tally[OUT]
    state.out[state.tally[OUT]] = c
    state.tally[OUT] += 1
    state.tally[NOW] += facts.prize[c]
    state.route[c] = -1


@compiled
def _take_in(facts, state, c):  # type: ignore[no-untyped-def]
    state.tally[OUT] -= 1
    other = state.out[state.tally[OUT]]
    state.out[state.out_at[c]] = other
    state.out_at[other] = state.out_at[c]
    state.tally[NOW] -= facts.prize[c]


@compiled
def _remember_best(state):  # type: ignore[no-untyped-def]
    for c in range(len(state.nxt)):
        state.best_nxt[c] = state.nxt[c]
    for r in range(len(state.first)):
        state.best_first[r] = state.first[r]


@compiled
def _keep(state, r, step):  # type: ignore[no-untyped-def]
    """Copy a route before this step first changes it."""
    if state.mark[r] == step:
        return
    state.mark[r] = step
    state.touched[state.tally[TOUCHED]] = r
    state.tally[TOUCHED] += 1
    c, n = state.first[r], 0
    while c != 0:
        state.kept[r, n] = c
        state.kept_early[r, n] = state.early[c]
        state.kept_late[r, n] = state.late[c]
        n += 1
        c = state.nxt[c]
    state.kept_size[r] = n


@compiled
def _remove(facts, state, c):  # type: ignore[no-untyped-def]
    r, u, v = state.route[c], state.prv[c], state.nxt[c]
    if u == 0:
        state.first[r] = v
    else:
        state.nxt[u] = v
    if v == 0:
        state.last[r] = u
    else:
        state.prv[v] = u
    state.load[r] -= facts.demand[c]
    state.size[r] -= 1
    state.tally[NOW] -= state.come[c] + state.go[c]
    if state.size[r] == 0:
        state.tally[USED] -= 1
    else:
        state.tally[NOW] += facts.dist[u, v]
        state.go[u] = state.come[v] = facts.dist[u, v]
    _leave_out(facts, state, c)


@compiled
def _insert(facts, state, c, u, r):  # type: ignore[no-untyped-def]
    """Put a client after `u` (0: at the start) of a route."""
    v = state.first[r] if u == 0 else state.nxt[u]
    if state.size[r] == 0:
        state.tally[USED] += 1
        v = 0
    else:
        state.tally[NOW] -= facts.dist[u, v]
    _take_in(facts, state, c)
    state.tally[NOW] += facts.dist[u, c] + facts.dist[c, v]
    state.go[u] = state.come[c] = facts.dist[u, c]
    state.go[c] = state.come[v] = facts.dist[c, v]
    state.prv[c], state.nxt[c], state.route[c] = u, v, r
    if u == 0:
        state.first[r] = c
    else:
        state.nxt[u] = c
    if v == 0:
        state.last[r] = c
    else:
        state.prv[v] = c
    state.load[r] += facts.demand[c]
    state.size[r] += 1
    _time_forward(facts, state, c, state.nxt[c])
    _time_backward(facts, state, c, state.prv[c])


@compiled
def _ruin(facts, state, step, strength, longest):  # type: ignore[no-untyped-def]
    """Take strings out of routes near a random client; how many clients wait in `state.list`."""
    size = len(facts.dist)
    waiting = 0
    used = max(1, state.tally[USED])
    mean = (size - 1 - state.tally[OUT]) / used
    limit = max(1.0, min(float(longest), mean))
    routes = int(draw(state.random) * (4.0 * strength / (1.0 + limit))) + 1
    if state.tally[OUT] > 0 and draw(state.random) < 0.15:
        seed = state.out[int(draw(state.random) * state.tally[OUT])]
    else:
        seed = 1 + int(draw(state.random) * (size - 1))
    done, looked = 0, 0
    for i in range(facts.near.shape[1]):
        c = facts.near[seed, i]
        r = state.route[c]
        if r < 0:
            if looked < 20 and state.listed[c] != step:
                if c == seed or draw(state.random) < 0.5:
                    state.list[waiting] = c
                    state.listed[c] = step
                    waiting += 1
                looked += 1
            continue
        if state.mark[r] == step:
            continue
        if done >= routes:
            break
        done += 1
        _keep(state, r, step)
        most = min(limit, float(state.size[r]))
        length = int(draw(state.random) * most) + 1
        hold = 0
        if length > 1 and length < state.size[r] and draw(state.random) < 0.5:
            hold = 1
            while length + hold < state.size[r] and draw(state.random) < 0.01:
                hold += 1
        waiting = _cut(facts, state, c, length, hold, waiting, step)
    return waiting


@compiled
def _cut(facts, state, c, length, hold, waiting, step):  # type: ignore[no-untyped-def]
    """Remove a string of `length` clients that has `c` in it, sparing `hold` in its middle."""
    r = state.route[c]
    span = length + hold
    ahead, x = 0, c
    while ahead < span - 1 and state.prv[x] != 0:
        x = state.prv[x]
        ahead += 1
    behind, y = 0, c
    while behind < span - 1 and state.nxt[y] != 0:
        y = state.nxt[y]
        behind += 1
    least = max(0, span - 1 - behind)
    back = least + int(draw(state.random) * (ahead - least + 1))
    start = c
    for _ in range(back):
        start = state.prv[start]
    spare_from = 1 + int(draw(state.random) * (length - 1)) if hold else span
    x = start
    u = state.prv[start]
    for n in range(span):
        following = state.nxt[x]
        if n < spare_from or n >= spare_from + hold:
            _remove(facts, state, x)
            state.list[waiting] = x
            state.listed[x] = step
            waiting += 1
        x = following
    # Times: earliest from the gap on, latest from the gap back.
    _time_forward(facts, state, state.first[r] if u == 0 else state.nxt[u], x)
    _time_backward(facts, state, state.last[r] if x == 0 else state.prv[x], u)
    return waiting


@compiled
def _sequence(facts, state, waiting):  # type: ignore[no-untyped-def]
    """Sort the waiting clients by one of several measures, drawn with the paper's weights."""
    chosen = draw(state.random) * 19.0
    for i in range(waiting):
        c = state.list[i]
        if chosen < 4:
            rank = draw(state.random)
        elif chosen < 8:
            rank = -float(facts.demand[c])
        elif chosen < 10:
            rank = -float(facts.dist[0, c])
        elif chosen < 11:
            rank = float(facts.dist[0, c])
        elif chosen < 13:
            rank = float(facts.due[c] - facts.ready[c])
        elif chosen < 15:
            rank = float(facts.ready[c])
        elif chosen < 17:
            rank = -float(facts.due[c])
        else:
            rank = -float(facts.prize[c])
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
def _place(facts, state, c, step, blink, warmth, is_opening):  # type: ignore[no-untyped-def]
    """Put a client at its cheapest known place, or leave it out where that is dearer.

    `is_opening`: in a route of its own, whatever that costs, if there is one to be had.
    """
    best = np.int64(1) << np.int64(50)
    best_after, best_route = 0, -1
    ready, due, demand = facts.ready[c], facts.due[c], facts.demand[c]
    for i in range(facts.before.shape[1]):
        u = facts.before[c, i]
        if state.route[u] >= 0:
            r = np.uint32(state.route[u])
            v = state.nxt[u]
            added = np.int64(facts.dist_to[c, u]) + facts.dist[c, v] - state.go[u]
            if added < best and state.load[r] + demand <= facts.capacity:
                t = max(ready, state.early[u] + facts.time_to[c, u])
                is_in_time = t <= due and t + facts.time[c, v] <= state.late[v]
                if is_in_time and draw(state.random) >= blink:
                    best, best_after, best_route = added, u, r
        v = facts.after[c, i]
        if state.route[v] >= 0:
            r = np.uint32(state.route[v])
            u = state.prv[v]
            added = np.int64(facts.dist_to[c, u]) + facts.dist[c, v] - state.come[v]
            if added < best and state.load[r] + demand <= facts.capacity:
                t = max(ready, state.early[u] + facts.time_to[c, u])
                is_in_time = t <= due and t + facts.time[c, v] <= state.late[v]
                if is_in_time and draw(state.random) >= blink:
                    best, best_after, best_route = added, u, r
    if state.tally[USED] < facts.fleet:
        added = np.int64(facts.dist[0, c]) + facts.dist[c, 0]
        if added < best or best_route < 0 or is_opening:
            for r in range(facts.fleet):
                if state.size[r] == 0:
                    best, best_after, best_route = added, 0, r
                    break
    if best_route < 0:
        return
    dear = best - facts.prize[c]
    if dear > 0 and dear > -warmth * np.log(draw(state.random) + 1e-12):
        return
    _keep(state, best_route, step)
    _insert(facts, state, c, best_after, best_route)


@compiled
def _place_all(facts, state, waiting, step, blink, warmth, is_opening, allowed):  # type: ignore[no-untyped-def]
    """Put the waiting clients in turn, until the routes alone cost more than is allowed."""
    owed = np.int64(0)
    for i in range(waiting):
        owed += facts.prize[state.list[i]]
    for i in range(waiting):
        if state.tally[NOW] - owed >= allowed:
            return
        owed -= facts.prize[state.list[i]]
        _place(facts, state, state.list[i], step, blink, warmth, is_opening and i == 0)


@compiled
def _write_back(facts, state, r):  # type: ignore[no-untyped-def]
    """A route as it was kept, with its times."""
    at, load, size = 0, 0, state.kept_size[r]
    for n in range(size):
        c = state.kept[r, n]
        if n == 0:
            state.first[r] = c
        else:
            state.nxt[at] = c
        state.prv[c] = at
        if state.route[c] == -1:
            _take_in(facts, state, c)
        state.route[c] = r
        state.early[c] = state.kept_early[r, n]
        state.late[c] = state.kept_late[r, n]
        load += facts.demand[c]
        state.come[c] = state.go[at] = facts.dist[at, c]
        at = c
    state.last[r], state.size[r], state.load[r] = at, size, load
    if size > 0:
        state.go[at] = facts.dist[at, 0]
        state.nxt[at] = 0
        state.tally[USED] += 1


@compiled
def _undo(facts, state, cost):  # type: ignore[no-untyped-def]
    """Write the touched routes back as they were; who was out and came in is out again."""
    n = 0
    for i in range(state.tally[TOUCHED]):
        r = state.touched[i]
        c = state.first[r]
        while c != 0:
            state.list[n] = c
            n += 1
            state.route[c] = _ADRIFT
            c = state.nxt[c]
        state.tally[USED] -= state.size[r] > 0
        state.first[r] = 0
    for i in range(state.tally[TOUCHED]):
        _write_back(facts, state, state.touched[i])
    for i in range(n):
        if state.route[state.list[i]] == _ADRIFT:
            _leave_out(facts, state, state.list[i])
    state.tally[NOW] = cost


@compiled
def _pool(facts, state, r):  # type: ignore[no-untyped-def]
    """Remember a route: by its clients, in its cheapest order, with the best solution it was in."""
    if state.size[r] == 0:
        return
    key, cost, at, c = np.uint64(0), np.int64(0), 0, state.first[r]
    while c != 0:
        key += facts.key[c]
        cost += facts.dist[at, c]
        at = c
        c = state.nxt[c]
    cost += facts.dist[at, 0]
    slot = np.int64(key >> np.uint64(20)) & (POOL_SLOTS - 1)
    while state.pool_slot[slot] >= 0:
        known = state.pool_slot[slot]
        if state.pool_key[known] == key:
            state.hits[known] += 1
            if state.tally[NOW] < state.pool_score[known]:
                state.pool_score[known] = state.tally[NOW]
            if cost < state.pool_cost[known]:
                state.pool_cost[known] = cost
                _write(state, r, state.pool_at[known])
            return
        slot = (slot + 1) & (POOL_SLOTS - 1)
    n = state.tally[POOL_N]
    end = state.tally[POOL_END]
    if n >= POOL_ROUTES - 1 or end + state.size[r] > POOL_NODES:
        return
    state.pool_slot[slot] = n
    state.pool_key[n], state.pool_cost[n], state.pool_score[n] = key, cost, state.tally[NOW]
    state.hits[n] = 1
    state.pool_at[n] = end
    _write(state, r, end)
    state.pool_at[n + 1] = end + state.size[r]
    state.tally[POOL_END] = end + state.size[r]
    state.tally[POOL_N] = n + 1


@compiled
def _write(state, r, at):  # type: ignore[no-untyped-def]
    c = state.first[r]
    while c != 0:
        state.pool_nodes[at] = c
        at += 1
        c = state.nxt[c]


@compiled
def run(facts, state, begin, steps, hot, cold, strength, longest, blink, width, opening, tails):  # type: ignore[no-untyped-def]
    """So many steps with the temperature falling from `hot` to `cold` (tenths of cost).

    `width`: routes of solutions so little worse than the best (a share) enter the pool. `tails`
    and `opening`: shares of the steps that exchange tails, and of the others that open a route.
    """
    heat = hot
    fall = (cold / hot) ** (1.0 / steps)
    for step in range(begin, begin + steps):
        cost = state.tally[NOW]
        state.tally[TOUCHED] = 0
        allowed = cost - heat * np.log(draw(state.random) + 1e-300)
        if draw(state.random) < tails:
            _swap_tails(facts, state, step, blink, allowed)
        else:
            waiting = _ruin(facts, state, step, strength, longest)
            _sequence(facts, state, waiting)
            is_opening = draw(state.random) < opening
            _place_all(facts, state, waiting, step, blink, heat, is_opening, allowed)
        now = state.tally[NOW]
        if now < allowed:
            if now < state.tally[BEST]:
                state.tally[BEST] = now
                _remember_best(state)
            if now != cost and now <= state.tally[BEST] * (1.0 + width):
                for i in range(state.tally[TOUCHED]):
                    _pool(facts, state, state.touched[i])
        else:
            _undo(facts, state, cost)
        heat *= fall


@compiled
def _head_load(facts, state, c):  # type: ignore[no-untyped-def]
    """What a route carries up to a client, the client included."""
    load = np.int64(0)
    while c != 0:
        load += facts.demand[c]
        c = state.prv[c]
    return load


@compiled
def _swap_tails(facts, state, step, blink, allowed):  # type: ignore[no-untyped-def]
    """Join the head of a random client's route to another's tail and the other way round (2-opt*).

    The other tail may be nobody's: that opens a route. Left as it is where nothing is `allowed`.
    """
    u = np.uint32(1 + int(draw(state.random) * (len(facts.dist) - 1)))
    if state.route[u] < 0:
        return
    r, q = state.route[u], state.nxt[u]
    room = allowed - state.tally[NOW]
    best, best_v, other = np.int64(1) << np.int64(50), np.uint32(0), -1
    head = _head_load(facts, state, u)
    tail = state.load[r] - head
    if q != 0 and state.tally[USED] < facts.fleet:
        added = np.int64(facts.dist[u, 0]) + facts.dist[0, q] - state.go[u]
        if added < room and draw(state.random) >= blink:
            for k in range(facts.fleet):
                if state.size[k] == 0:
                    best, other = added, k
                    break
    for i in range(facts.after.shape[1]):
        v = facts.after[u, i]
        k = state.route[v]
        if k < 0 or k == r:
            continue
        p = state.prv[v]
        added = np.int64(facts.dist[u, v]) + facts.dist[p, q] - state.go[u] - state.come[v]
        if added >= best or added >= room:
            continue
        if state.early[u] + facts.time[u, v] > state.late[v]:
            continue
        if state.early[p] + facts.time[p, q] > state.late[q]:
            continue
        if state.load[r] + state.load[k] > facts.capacity:
            front = _head_load(facts, state, p)
            if head + state.load[k] - front > facts.capacity or front + tail > facts.capacity:
                continue
        if draw(state.random) >= blink:
            best, best_v, other = added, v, k
    if other < 0:
        return
    _keep(state, r, step)
    _keep(state, other, step)
    _exchange(facts, state, r, u, other, best_v, best)


@compiled
def _exchange(facts, state, r, u, other, v, added):  # type: ignore[no-untyped-def]
    """Route `r` up to `u` goes on from `v` of the other route, which goes on where `r` did."""
    n, total, c = 0, state.tally[NOW] + added, state.first[r]
    while c != 0:
        state.list[n] = c
        n += 1
        if c == u:
            break
        c = state.nxt[c]
    c = v
    while c != 0:
        state.list[n] = c
        n += 1
        c = state.nxt[c]
    end = n
    c = state.first[other] if v != 0 else np.uint32(0)
    while c != v:
        state.list[n] = c
        n += 1
        c = state.nxt[c]
    c = state.nxt[u]
    while c != 0:
        state.list[n] = c
        n += 1
        c = state.nxt[c]
    state.tally[USED] -= 1 + (state.size[other] > 0)
    _put_route(facts, state, r, state.list[:end])
    _put_route(facts, state, other, state.list[end:n])
    state.tally[NOW] = total


@njit(cache=True)
def fill(facts, state):  # type: ignore[no-untyped-def]
    """A first solution: everybody who is out in turn, earliest end first, at the cheapest place."""
    waiting = state.tally[OUT]
    state.list[:waiting] = state.out[:waiting]
    order = np.argsort(facts.due[state.list[:waiting]], kind="mergesort")
    state.list[:waiting] = state.list[:waiting][order]
    for i in range(waiting):
        state.tally[TOUCHED] = 0
        _place(facts, state, state.list[i], -2, 0.0, 1.0, False)
    state.tally[BEST] = state.tally[NOW]
    _remember_best(state)


def forget_pool(state: State) -> None:
    """Begin a new pool."""
    state.pool_slot[:] = -1
    state.tally[POOL_N] = state.tally[POOL_END] = 0


def best_routes(facts: Facts, state: State) -> list[list[int]]:
    found: list[list[int]] = []
    for first in state.best_first.tolist():
        route: list[int] = []
        while first:
            route.append(first)
            first = int(state.best_nxt[first])
        if route:
            found.append(route)
    return found
