"""What the compiled route search works on: an instance laid out for it, and its state."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.optimiser.chance import seeded
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
    dist_to: Array
    """`dist` with rows and columns changed, as is `time_to`: places of one client are in a row."""
    time_to: Array
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
    come: Array
    """[n + 1] the way from the client (or depot) before."""
    go: Array
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
    kept_early: Array
    kept_late: Array
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
        order.astype(np.uint32), before[0], before[1], np.ascontiguousarray(dist.T),
        np.ascontiguousarray(time.T), keys,
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
    return np.ascontiguousarray(picked.astype(np.uint32))


def empty_state(facts: Facts, seed: int) -> State:
    """Room for a search; `kernel.load_routes` makes it one."""
    size, fleet = len(facts.dist), facts.fleet
    i32, u32 = np.int32, np.uint32
    return State(
        nxt=np.zeros(size, u32), prv=np.zeros(size, u32), route=np.full(size, -1, i32),
        early=np.zeros(size, np.int64), late=np.zeros(size, np.int64),
        come=np.zeros(size, i32), go=np.zeros(size, i32),
        first=np.zeros(fleet, u32), last=np.zeros(fleet, u32), load=np.zeros(fleet, np.int64),
        size=np.zeros(fleet, i32), out=np.arange(1, size + 1, dtype=u32),
        out_at=np.arange(-1, size - 1, dtype=i32), best_nxt=np.zeros(size, u32),
        best_first=np.zeros(fleet, u32), mark=np.full(fleet, -1, np.int64), listed=np.full(size, -1, np.int64),
        touched=np.zeros(fleet, u32), kept=np.zeros((fleet, size), u32),
        kept_early=np.zeros((fleet, size), np.int64), kept_late=np.zeros((fleet, size), np.int64),
        kept_size=np.zeros(fleet, i32), list=np.zeros(size, u32), rank=np.zeros(size, np.float64),
        random=seeded(seed), tally=np.zeros(8, np.int64),
        pool_slot=np.full(POOL_SLOTS, -1, i32), pool_key=np.zeros(POOL_ROUTES, np.uint64),
        pool_cost=np.zeros(POOL_ROUTES, np.int64), pool_score=np.zeros(POOL_ROUTES, np.int64),
        pool_at=np.zeros(POOL_ROUTES + 1, np.int64), pool_nodes=np.zeros(POOL_NODES, i32),
        hits=np.zeros(POOL_ROUTES, i32),
    )  # fmt: skip
