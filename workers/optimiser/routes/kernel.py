"""Compiled ruin and recreate for routes with time windows, loads and optional clients.

SISR: Christiaens and Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing
Problems", Transportation Science 54 (2020). Routes are linked lists; each client knows its earliest
start in its route and the latest one that keeps the rest possible, so one place for one client is
judged in constant time. Only places beside near clients are looked at.

All numbers are integers; the caller gives triangle-respecting times. Deterministic for a seed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from workers.optimiser.chance import draw, seeded
from workers.optimiser.routes.instances import Instance

Array = NDArray[Any]
REQUIRED = 1 << 40
"""The price of leaving out a client that must be served."""
POOL_ROUTES, POOL_NODES, POOL_SLOTS = 60_000, 1_500_000, 1 << 18

NOW, BEST, USED, OUT, POOL_N, POOL_END, TOUCHED = range(7)
"""Indices of `State.tally`: cost now, best cost, routes used, clients out, and bookkeeping."""


class Facts(NamedTuple):
    """What never changes; [n + 1] each unless said, node 0 is the depot."""

    dist: Array
    time: Array
    """Service at the first node and the way to the second."""
    ready: Array
    due: Array
    demand: Array
    prize: Array
    near: Array
    """[n + 1, k] the nearest clients by distance, itself first."""
    before: Array
    """[n + 1, k] clients good to come right before; 0 fills up."""
    after: Array
    key: Array
    """A random 64-bit number for each client: routes of the same clients have the same sum."""
    capacity: int
    fleet: int


class State(NamedTuple):
    """The solution now, the best one, the one before the step, and the routes met on the way."""

    nxt: Array
    prv: Array
    route: Array
    """[n + 1] the route of a client, -1 while it is out."""
    early: Array
    late: Array
    first: Array
    """[fleet] 0 where a route is empty."""
    last: Array
    load: Array
    size: Array
    out: Array
    out_at: Array
    """The clients out, and where each stands among them."""
    best_nxt: Array
    best_first: Array
    mark: Array
    """[fleet] the step that last touched a route."""
    listed: Array
    """[n + 1] the step that last had a client wait for a place."""
    touched: Array
    kept: Array
    """[fleet + 1, n] routes touched by this step as they were."""
    kept_size: Array
    list: Array
    rank: Array
    random: Array
    tally: Array
    pool_slot: Array
    pool_key: Array
    pool_cost: Array
    pool_score: Array
    pool_at: Array
    pool_nodes: Array
    hits: Array


def make_facts(instance: Instance, near: int = 30, seed: int = 0) -> Facts:
    """The instance laid out for the kernel."""
    dist = instance.distance.astype(np.int32)
    time = (instance.distance + instance.service[:, None]).astype(np.int32)
    size = len(dist)
    prize = np.where(instance.prize > 0, instance.prize, REQUIRED)
    before = _fitting(instance, time, min(near, size - 1))
    away = dist[:, 1:].copy()
    away[np.arange(1, size), np.arange(size - 1)] = -1
    order = np.argsort(away, axis=1, kind="stable")[:, : min(size - 1, 300)] + 1
    keys = np.random.default_rng(seed).integers(1, 1 << 62, size).astype(np.uint64)
    return Facts(
        dist, time, instance.ready, instance.due, instance.demand, prize,
        order.astype(np.int32), before[0], before[1], keys,
        instance.capacity, min(instance.vehicles, size - 1),
    )  # fmt: skip


def _fitting(instance: Instance, time: Array, near: int) -> tuple[Array, Array]:
    """The best predecessors and successors of each client: near, and with little waiting."""
    leave_first = instance.ready[:, None] + time
    leave_last = instance.due[:, None] + time
    wait = np.maximum(0, instance.ready[None, :] - leave_last)
    cost = (instance.distance + 0.2 * wait).astype(float)
    cost[leave_first > instance.due[None, :]] = np.inf
    np.fill_diagonal(cost, np.inf)
    cost[0, :] = cost[:, 0] = np.inf
    return _nearest(cost.T, near), _nearest(cost, near)


def _nearest(cost: Array, near: int) -> Array:
    order = np.argsort(cost, axis=1, kind="stable")[:, :near]
    picked = np.where(np.isinf(np.take_along_axis(cost, order, axis=1)), 0, order)
    return np.ascontiguousarray(picked.astype(np.int32))


def make_state(facts: Facts, seed: int) -> State:
    """Nobody served yet."""
    size, fleet = len(facts.dist), facts.fleet
    i32 = np.int32
    state = State(
        nxt=np.zeros(size, i32), prv=np.zeros(size, i32), route=np.full(size, -1, i32),
        early=np.zeros(size, np.int64), late=np.zeros(size, np.int64),
        first=np.zeros(fleet, i32), last=np.zeros(fleet, i32), load=np.zeros(fleet, np.int64),
        size=np.zeros(fleet, i32), out=np.arange(1, size + 1, dtype=i32),
        out_at=np.arange(-1, size - 1, dtype=i32), best_nxt=np.zeros(size, i32),
        best_first=np.zeros(fleet, i32), mark=np.full(fleet, -1, np.int64), listed=np.full(size, -1, np.int64),
        touched=np.zeros(fleet, i32), kept=np.zeros((fleet, size), i32),
        kept_size=np.zeros(fleet, i32), list=np.zeros(size, i32), rank=np.zeros(size, np.float64),
        random=seeded(seed), tally=np.zeros(8, np.int64),
        pool_slot=np.full(POOL_SLOTS, -1, i32), pool_key=np.zeros(POOL_ROUTES, np.uint64),
        pool_cost=np.zeros(POOL_ROUTES, np.int64), pool_score=np.zeros(POOL_ROUTES, np.int64),
        pool_at=np.zeros(POOL_ROUTES + 1, np.int64), pool_nodes=np.zeros(POOL_NODES, i32),
        hits=np.zeros(POOL_ROUTES, i32),
    )  # fmt: skip
    load_routes(facts, state, np.zeros(0, i32), np.zeros(1, np.int64))
    return state


@njit(cache=True)
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


@njit(cache=True)
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
        state.tally[NOW] += facts.dist[at, c]
        at = c
    state.last[r] = at
    if at == 0:
        state.first[r] = 0
        return
    state.tally[NOW] += facts.dist[at, 0]
    state.nxt[at] = 0
    state.tally[USED] += 1
    _time_forward(facts, state, state.first[r])
    _time_backward(facts, state, at)


@njit(cache=True)
def _time_forward(facts, state, c):  # type: ignore[no-untyped-def]
    """Earliest starts from a client on."""
    while c != 0:
        u = state.prv[c]
        state.early[c] = max(facts.ready[c], state.early[u] + facts.time[u, c])
        c = state.nxt[c]


@njit(cache=True)
def _time_backward(facts, state, c):  # type: ignore[no-untyped-def]
    """Latest starts from a client back."""
    while c != 0:
        v = state.nxt[c]
        state.late[c] = min(facts.due[c], state.late[v] - facts.time[c, v])
        c = state.prv[c]


@njit(cache=True)
def _leave_out(facts, state, c):  # type: ignore[no-untyped-def]
    state.out_at[c] = state.tally[OUT]
    state.out[state.tally[OUT]] = c
    state.tally[OUT] += 1
    state.tally[NOW] += facts.prize[c]
    state.route[c] = -1


@njit(cache=True)
def _take_in(facts, state, c):  # type: ignore[no-untyped-def]
    state.tally[OUT] -= 1
    other = state.out[state.tally[OUT]]
    state.out[state.out_at[c]] = other
    state.out_at[other] = state.out_at[c]
    state.tally[NOW] -= facts.prize[c]


@njit(cache=True)
def _remember_best(state):  # type: ignore[no-untyped-def]
    state.best_nxt[:] = state.nxt
    state.best_first[:] = state.first


@njit(cache=True)
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
        n += 1
        c = state.nxt[c]
    state.kept_size[r] = n


@njit(cache=True)
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
    state.tally[NOW] -= facts.dist[u, c] + facts.dist[c, v]
    if state.size[r] == 0:
        state.tally[USED] -= 1
    else:
        state.tally[NOW] += facts.dist[u, v]
    _leave_out(facts, state, c)


@njit(cache=True)
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
    x = c
    while x != 0:
        p = state.prv[x]
        t = max(facts.ready[x], state.early[p] + facts.time[p, x])
        if x != c and t == state.early[x]:
            break
        state.early[x] = t
        x = state.nxt[x]
    x = c
    while x != 0:
        n = state.nxt[x]
        t = min(facts.due[x], state.late[n] - facts.time[x, n])
        if x != c and t == state.late[x]:
            break
        state.late[x] = t
        x = state.prv[x]


@njit(cache=True)
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


@njit(cache=True)
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
    _time_forward(facts, state, state.first[r] if u == 0 else state.nxt[u])
    _time_backward(facts, state, state.last[r] if x == 0 else state.prv[x])
    return waiting


@njit(cache=True)
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


@njit(cache=True)
def _place(facts, state, c, step, blink, warmth):  # type: ignore[no-untyped-def]
    """Put a client at its cheapest known place, or leave it out where that is dearer."""
    best = np.int64(1) << np.int64(50)
    best_after, best_route = 0, -1
    ready, due, demand = facts.ready[c], facts.due[c], facts.demand[c]
    for i in range(facts.before.shape[1]):
        for side in range(2):
            if side == 0:
                u = facts.before[c, i]
                if u == 0:
                    continue
                r = state.route[u]
                if r < 0:
                    continue
                v = state.nxt[u]
            else:
                v = facts.after[c, i]
                if v == 0:
                    continue
                r = state.route[v]
                if r < 0:
                    continue
                u = state.prv[v]
            if state.load[r] + demand > facts.capacity:
                continue
            added = np.int64(facts.dist[u, c]) + facts.dist[c, v] - facts.dist[u, v]
            if added >= best:
                continue
            t = max(ready, state.early[u] + facts.time[u, c])
            if t > due or t + facts.time[c, v] > state.late[v]:
                continue
            if draw(state.random) < blink:
                continue
            best, best_after, best_route = added, u, r
    if state.tally[USED] < facts.fleet:
        added = np.int64(facts.dist[0, c]) + facts.dist[c, 0]
        if added < best or best_route < 0:
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


@njit(cache=True)
def _undo(facts, state, cost):  # type: ignore[no-untyped-def]
    """Write the touched routes back as they were."""
    for i in range(state.tally[TOUCHED]):
        r = state.touched[i]
        c = state.first[r]
        while c != 0:
            following = state.nxt[c]
            _leave_out(facts, state, c)
            c = following
        if state.size[r] > 0:
            state.tally[USED] -= 1
        state.first[r] = state.last[r] = 0
        state.size[r] = 0
        state.load[r] = 0
    for i in range(state.tally[TOUCHED]):
        r = state.touched[i]
        for n in range(state.kept_size[r]):
            _take_in(facts, state, state.kept[r, n])
        _put_route(facts, state, r, state.kept[r, : state.kept_size[r]])
    state.tally[NOW] = cost


@njit(cache=True)
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


@njit(cache=True)
def _write(state, r, at):  # type: ignore[no-untyped-def]
    c = state.first[r]
    while c != 0:
        state.pool_nodes[at] = c
        at += 1
        c = state.nxt[c]


@njit(cache=True)
def run(facts, state, begin, steps, hot, cold, strength, longest, blink, width):  # type: ignore[no-untyped-def]
    """So many steps with the temperature falling from `hot` to `cold` (tenths of cost).

    `width`: routes of solutions so little worse than the best (a share) enter the pool.
    """
    heat = hot
    fall = (cold / hot) ** (1.0 / steps)
    for step in range(begin, begin + steps):
        cost = state.tally[NOW]
        state.tally[TOUCHED] = 0
        waiting = _ruin(facts, state, step, strength, longest)
        _sequence(facts, state, waiting)
        for i in range(waiting):
            _place(facts, state, state.list[i], step, blink, heat)
        now = state.tally[NOW]
        if now < cost - heat * np.log(draw(state.random) + 1e-300):
            if now < state.tally[BEST]:
                state.tally[BEST] = now
                _remember_best(state)
            if now != cost and now <= state.tally[BEST] * (1.0 + width):
                for i in range(state.tally[TOUCHED]):
                    _pool(facts, state, state.touched[i])
        else:
            _undo(facts, state, cost)
        heat *= fall


@njit(cache=True)
def fill(facts, state):  # type: ignore[no-untyped-def]
    """A first solution: everybody who is out in turn, earliest end first, at the cheapest place."""
    waiting = state.tally[OUT]
    state.list[:waiting] = state.out[:waiting]
    order = np.argsort(facts.due[state.list[:waiting]], kind="mergesort")
    state.list[:waiting] = state.list[:waiting][order]
    for i in range(waiting):
        state.tally[TOUCHED] = 0
        _place(facts, state, state.list[i], -2, 0.0, 1.0)
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
