"""Compiled ruin and recreate for working days: many reps, windows, pauses, appointments.

The same costs and times as `fieldcrm.planning.timing`, which stays the judge of every order found
here. SISR (Christiaens and Vanden Berghe, Transportation Science 54, 2020); each day keeps the times
up to each of its stops, so that one place for a visit is judged by walking the rest of that day.

All numbers are integers. Deterministic for a seed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fieldcrm.planning.timing import LATE_WEIGHT, SPAN_SHARE, UNPLACED
from workers.optimiser.chance import draw, seeded
from workers.optimiser.compiled import compiled

Array = NDArray[Any]
FAR = 1 << 28
"""A way that isn't there."""
IMPOSSIBLE = 1 << 50
LONGEST_DAY = 250
"""Stops that one day can hold."""
EVEN = 10 * 8 * 3600
"""Squares of seconds beside the mean working time that weigh as a second of travel (`balance`)."""
NEIGHBOURS = 40
"""A visit is tried in the days of so many visits near it, in empty days, else in all."""
NOW, BEST, OUT, TOUCHED, PLACED, USED, MEAN, WAITING, TRIES = range(9)
"""Indices of `State.tally`; MEAN: working time that all days are drawn to, -1 for none."""


class Facts(NamedTuple):
    """What never changes: J visits, S days, P places, M modes."""

    leg: Array
    """[M, P, P] seconds, FAR where there is no way."""
    back: Array
    """[M, P, P] the same with rows and columns changed."""
    place: Array
    service: Array
    window: Array
    """[J + 1] where each visit's starts begin in `start_from`."""
    start_from: Array
    start_last: Array
    fixed: Array
    """[J] the appointment, -1 for none."""
    penalty: Array
    home: Array
    """[J + 1] where each visit's possible days begin in `homes`."""
    homes: Array
    may: Array
    """[J, S] the same as a table."""
    near: Array
    """[J, k] visits by nearness, itself first."""
    shift: Array
    """[S, 8] start place, end place, start, end, mode, pause from, pause at the latest, its length
    (-1 for none)."""


class State(NamedTuple):
    """Orders now, the best ones, and what this step changed."""

    order: Array
    """[S, LONGEST_DAY]"""
    size: Array
    leg_in: Array
    """[S, LONGEST_DAY + 1] way to each stop, and home."""
    times: Array
    """[S, LONGEST_DAY + 1, 4] before each stop: time and lateness with the pause due, and taken."""
    latest: Array
    """[S, LONGEST_DAY + 1] latest start of each stop, and return, were there no pause to come."""
    cost: Array
    travel: Array
    where: Array
    """[J] the day of a visit, -1 while it is out."""
    out: Array
    out_at: Array
    best_order: Array
    best_size: Array
    mark: Array
    ruined: Array
    touched: Array
    kept_order: Array
    kept_size: Array
    tried: Array
    """[S] the try that last looked at a day."""
    listed: Array
    list: Array
    rank: Array
    random: Array
    tally: Array


def make_state(facts: Facts, seed: int, mean: int = -1) -> State:
    """Nobody visited yet."""
    jobs, shifts, i32, i64 = len(facts.place), len(facts.shift), np.int32, np.int64
    longest = max(1, min(jobs, LONGEST_DAY))
    state = State(
        order=np.zeros((shifts, longest), i32), size=np.zeros(shifts, i32),
        leg_in=np.zeros((shifts, longest + 1), i32), times=np.zeros((shifts, longest + 1, 4), i64),
        latest=np.zeros((shifts, longest + 1), i64), cost=np.zeros(shifts, i64), travel=np.zeros(shifts, i64), where=np.full(jobs, -1, i32),
        out=np.arange(jobs, dtype=i32), out_at=np.arange(jobs, dtype=i32),
        best_order=np.zeros((shifts, longest), i32), best_size=np.zeros(shifts, i32),
        mark=np.full(shifts, -1, i64), ruined=np.full(shifts, -1, i64), touched=np.zeros(shifts, i32),
        kept_order=np.zeros((shifts, longest), i32), kept_size=np.zeros(shifts, i32),
        tried=np.zeros(shifts, i64), listed=np.full(jobs, -1, i64), list=np.zeros(jobs, i32), rank=np.zeros(jobs, np.float64),
        random=seeded(seed), tally=np.zeros(9, i64),
    )  # fmt: skip
    load(facts, state, np.zeros(0, i32), np.zeros(shifts + 1, i64), mean)
    return state


@njit(cache=True, inline="always")
def _first_start(window, start_from, start_last, j, arrive):  # type: ignore[no-untyped-def]
    found = np.int64(UNPLACED)
    for w in range(window[j], window[j + 1]):
        if arrive <= start_last[w]:
            found = max(arrive, start_from[w])
            break
    return found


@njit(cache=True, inline="always")
def _paused(shift, now, leg):  # type: ignore[no-untyped-def]
    """When the way is made and the pause over, begun after arriving or else before leaving."""
    found = np.int64(UNPLACED)
    after, before = max(now + leg, shift[5]), max(now, shift[5])
    if after <= shift[6]:
        found = after + shift[7]
    elif before <= shift[6]:
        found = before + shift[7] + leg
    return found


@njit(cache=True, inline="always")
def _advance(facts, shift, due, due_late, taken, taken_late, leg, j):  # type: ignore[no-untyped-def]
    """From leaving one stop to leaving the next, with the pause still due and with it taken."""
    taken += leg
    if shift[7] >= 0 and due < UNPLACED:
        paused = _paused(shift, due, leg)
        if paused < taken:
            taken, taken_late = paused, due_late
    if due < UNPLACED:
        due = _first_start(facts.window, facts.start_from, facts.start_last, j, due + leg)
    if taken < UNPLACED:
        taken = _first_start(facts.window, facts.start_from, facts.start_last, j, taken)
    fixed = facts.fixed[j]
    if fixed >= 0:
        if due < UNPLACED:
            due_late += max(0, due - fixed)
        if taken < UNPLACED:
            taken_late += max(0, taken - fixed)
    return due + facts.service[j], due_late, taken + facts.service[j], taken_late


@compiled
def _end(facts, state, s, due, due_late, taken, taken_late, leg, travel):  # type: ignore[no-untyped-def]
    """Cost of a day that goes home from here, IMPOSSIBLE where it can't."""
    shift = facts.shift[s]
    has_pause = shift[7] >= 0
    now, late = due + leg, due_late
    if due >= UNPLACED or (has_pause and now > shift[6]) or now > shift[3]:
        now, late = taken + leg, taken_late
        if has_pause and due < UNPLACED:
            paused = _paused(shift, due, leg)
            if paused < now:
                now, late = paused, due_late
        if now > shift[3]:
            return np.int64(IMPOSSIBLE)
    worked = now - shift[2]
    return travel + worked // SPAN_SHARE + LATE_WEIGHT * late + _unevenness(state, worked)


@compiled
def _unevenness(state, worked):  # type: ignore[no-untyped-def]
    mean = state.tally[MEAN]
    return np.int64(0) if mean < 0 else (worked - mean) * (worked - mean) // EVEN


@compiled
def _place_of(facts, state, s, i):  # type: ignore[no-untyped-def]
    """Where a day's stop is; -1 is the start, its size the end."""
    if i < 0:
        return facts.shift[s, 0]
    if i >= state.size[s]:
        return facts.shift[s, 1]
    return facts.place[state.order[s, i]]


@compiled
def _recount(facts, state, s, since):  # type: ignore[no-untyped-def]
    """Times and cost of a day from one of its stops on; `tally` follows."""
    shift = facts.shift[s]
    state.tally[NOW] -= state.cost[s]
    size = state.size[s]
    if size == 0:
        state.travel[s] = 0
        state.leg_in[s, 0] = 0
        _set_times(state, s, 0, shift[2], 0, UNPLACED, 0)
        state.latest[s, 0] = shift[3]
        state.cost[s] = _unevenness(state, 0)
        state.tally[NOW] += state.cost[s]
        return
    _set_times(state, s, 0, shift[2], 0, UNPLACED, 0)
    t = state.times[s, since]
    due, due_late, taken, taken_late = t[0], t[1], t[2], t[3]
    at = _place_of(facts, state, s, since - 1)
    is_possible = True
    for i in range(since, size):
        j = state.order[s, i]
        leg = facts.leg[shift[4], at, facts.place[j]]
        state.leg_in[s, i] = leg
        due, due_late, taken, taken_late = _advance(
            facts, shift, due, due_late, taken, taken_late, leg, j
        )
        _set_times(state, s, i + 1, due, due_late, taken, taken_late)
        at = facts.place[j]
        is_possible = is_possible and leg < FAR and (due < UNPLACED or taken < UNPLACED)
    leg = facts.leg[shift[4], at, shift[1]]
    state.leg_in[s, size] = leg
    travel = np.int64(0)
    for i in range(size + 1):
        travel += state.leg_in[s, i]
    state.travel[s] = travel
    _time_back(facts, state, s)
    state.cost[s] = IMPOSSIBLE
    if is_possible and leg < FAR:
        state.cost[s] = _end(facts, state, s, due, due_late, taken, taken_late, leg, travel)
    state.tally[NOW] += state.cost[s]


@compiled
def _set_times(state, s, i, due, due_late, taken, taken_late):  # type: ignore[no-untyped-def]
    t = state.times[s, i]
    t[0], t[1], t[2], t[3] = due, due_late, taken, taken_late


@compiled
def _time_back(facts, state, s):  # type: ignore[no-untyped-def]
    """Latest start of each stop that leaves the rest of the day possible, pauses aside."""
    latest = facts.shift[s, 3]
    state.latest[s, state.size[s]] = latest
    for i in range(state.size[s] - 1, -1, -1):
        j = state.order[s, i]
        bound = latest - state.leg_in[s, i + 1] - facts.service[j]
        latest = np.int64(-1)
        for w in range(facts.window[j + 1] - 1, facts.window[j] - 1, -1):
            if facts.start_from[w] <= bound:
                latest = min(bound, facts.start_last[w])
                break
        state.latest[s, i] = latest


@compiled
def _cost_with(facts, state, s, i, j, first, second):  # type: ignore[no-untyped-def]
    """What a day costs with a visit more before its stop `i`; the ways to it and on are given."""
    t = state.times[s, i]
    shift, order, leg_in = facts.shift[s], state.order[s], state.leg_in[s]
    due, due_late, taken, taken_late = _advance(facts, shift, t[0], t[1], t[2], t[3], first, j)
    leg, size = np.int64(second), state.size[s]
    for k in range(i, size):
        if due >= UNPLACED and taken >= UNPLACED:
            return np.int64(IMPOSSIBLE)
        due, due_late, taken, taken_late = _advance(
            facts, shift, due, due_late, taken, taken_late, leg, order[k]
        )
        leg = np.int64(leg_in[k + 1])
    if due >= UNPLACED and taken >= UNPLACED:
        return np.int64(IMPOSSIBLE)
    replaced = state.leg_in[s, i] if size > 0 else 0
    travel = state.travel[s] + first + second - replaced
    return _end(facts, state, s, due, due_late, taken, taken_late, leg, travel)


@compiled
def _note_out(facts, state, j):  # type: ignore[no-untyped-def]
    n = state.tally[OUT]
    state.out_at[j] = n
    state.out[n] = j
    state.tally[OUT] = n + 1
    state.tally[NOW] += facts.penalty[j]
    state.where[j] = -1


@compiled
def _note_in(facts, state, j, s):  # type: ignore[no-untyped-def]
    state.tally[OUT] -= 1
    other = state.out[state.tally[OUT]]
    state.out[state.out_at[j]] = other
    state.out_at[other] = state.out_at[j]
    state.tally[NOW] -= facts.penalty[j]
    state.where[j] = s


@compiled
def _keep(state, s, step):  # type: ignore[no-untyped-def]
    """Copy a day before this step first changes it."""
    if state.mark[s] == step:
        return
    state.mark[s] = step
    state.touched[state.tally[TOUCHED]] = s
    state.tally[TOUCHED] += 1
    size = state.size[s]
    for i in range(size):
        state.kept_order[s, i] = state.order[s, i]
    state.kept_size[s] = size


@compiled
def _insert(facts, state, s, i, j):  # type: ignore[no-untyped-def]
    size = state.size[s]
    for k in range(size, i, -1):
        state.order[s, k] = state.order[s, k - 1]
    state.order[s, i] = j
    state.size[s] = size + 1
    state.tally[USED] += size == 0
    state.tally[PLACED] += 1
    _note_in(facts, state, j, s)
    _recount(facts, state, s, i)


@compiled
def _await(state, j, step):  # type: ignore[no-untyped-def]
    """Have a visit wait for a place, once a step."""
    if state.listed[j] != step:
        state.listed[j] = step
        state.list[state.tally[WAITING]] = j
        state.tally[WAITING] += 1


@compiled
def _ruin(facts, state, step, strength, longest):  # type: ignore[no-untyped-def]
    """Take strings out of days near a random visit; False where a day can't do without its part."""
    jobs = len(facts.place)
    limit = max(1.0, min(longest, state.tally[PLACED] / max(1, state.tally[USED])))
    wanted = int(draw(state.random) * (4.0 * strength / (1.0 + limit))) + 1
    if state.tally[OUT] > 0 and draw(state.random) < 0.15:
        seed = state.out[int(draw(state.random) * state.tally[OUT])]
    else:
        seed = int(draw(state.random) * jobs)
    done, looked = 0, 0
    for n in range(facts.near.shape[1]):
        j = facts.near[seed, n]
        s = state.where[j]
        if s < 0:
            if looked < 10 and state.listed[j] != step:
                _await(state, j, step)
                looked += 1
        elif done < wanted and state.ruined[s] != step:
            state.ruined[s] = step
            done += 1
            _keep(state, s, step)
            _cut(facts, state, s, j, limit, step)
            if state.cost[s] >= IMPOSSIBLE:
                return False
        elif done >= wanted and (looked >= 10 or n > 60 or looked >= state.tally[OUT]):
            break
    return True


@compiled
def _cut(facts, state, s, j, limit, step):  # type: ignore[no-untyped-def]
    """Take a string with visit `j` in it out of a day, sparing one in its middle now and then."""
    size = state.size[s]
    at = 0
    while state.order[s, at] != j:
        at += 1
    length = int(draw(state.random) * min(limit, size)) + 1
    hold = 1 if 1 < length < size and draw(state.random) < 0.5 else 0
    span = length + hold
    low, high = max(0, at - span + 1), min(at, size - span)
    begin = low + int(draw(state.random) * (high - low + 1))
    spared = begin + 1 + int(draw(state.random) * (length - 1)) if hold else -1
    kept = begin
    for i in range(begin, size):
        gone = state.order[s, i]
        if i < begin + span and i != spared:
            _note_out(facts, state, gone)
            _await(state, gone, step)
        else:
            state.order[s, kept] = gone
            kept += 1
    state.size[s] = kept
    state.tally[PLACED] -= size - kept
    state.tally[USED] -= kept == 0
    _recount(facts, state, s, begin)


@compiled
def _sequence(facts, state):  # type: ignore[no-untyped-def]
    """Sort the waiting visits by one of several measures."""
    chosen = draw(state.random) * 12.0
    waiting = state.tally[WAITING]
    for n in range(waiting):
        j = state.list[n]
        luck = draw(state.random)
        w = facts.window[j]
        last = facts.window[j + 1] - 1
        if chosen < 4:
            rank = luck
        elif chosen < 6:
            rank = -float(facts.penalty[j]) * (1.0 + 0.2 * luck)
        elif chosen < 8:
            rank = float(facts.start_last[last] - facts.start_from[w])
        elif chosen < 9:
            rank = float(facts.start_from[w])
        elif chosen < 10:
            rank = -float(facts.start_last[last])
        elif chosen < 11:
            rank = -float(facts.service[j])
        else:
            rank = float(facts.home[j + 1] - facts.home[j]) + luck
        state.rank[n] = rank
    for n in range(1, waiting):
        j, k = state.list[n], state.rank[n]
        m = n - 1
        while m >= 0 and state.rank[m] > k:
            state.rank[m + 1], state.list[m + 1] = state.rank[m], state.list[m]
            m -= 1
        state.rank[m + 1], state.list[m + 1] = k, j


@compiled
def _place(facts, state, j, step, blink):  # type: ignore[no-untyped-def]
    """Put a visit where it costs least, or leave it out where that is dearer."""
    state.tally[TRIES] += 1
    stamp = state.tally[TRIES]
    best, best_shift, best_at = facts.penalty[j], -1, 0
    for n in range(min(NEIGHBOURS, facts.near.shape[1])):
        s = state.where[facts.near[j, n]]
        if s >= 0 and state.tried[s] != stamp and facts.may[j, s]:
            state.tried[s] = stamp
            added, at = _best_in_day(facts, state, j, s, best, blink)
            if added < best:
                best, best_shift, best_at = added, s, at
    is_found = best_shift >= 0
    for h in range(facts.home[j], facts.home[j + 1]):
        s = facts.homes[h]
        if state.tried[s] != stamp and (not is_found or state.size[s] == 0):
            added, at = _best_in_day(facts, state, j, s, best, blink)
            if added < best:
                best, best_shift, best_at = added, s, at
    if best_shift >= 0:
        _keep(state, best_shift, step)
        _insert(facts, state, best_shift, best_at, j)


@compiled
def _best_in_day(facts, state, j, s, best, blink):  # type: ignore[no-untyped-def]
    """(added cost, index) of the cheapest place in a day, if it is cheaper than `best`."""
    size, best_at = state.size[s], -1
    if size >= state.order.shape[1]:
        return best, best_at
    shift, order = facts.shift[s], state.order[s]
    leg_in, times, latest = state.leg_in[s], state.times[s], state.latest[s]
    here = facts.place[j]
    to, on = facts.back[shift[4], here], facts.leg[shift[4], here]
    last, service = facts.start_last[facts.window[j + 1] - 1], facts.service[j]
    opens = facts.start_from[facts.window[j]]
    u = shift[0]
    for i in range(size + 1):
        v = shift[1] if i == size else facts.place[order[i]]
        first, second = np.int64(to[u]), np.int64(on[v])
        u = v
        # More travel costs at least itself: days get no shorter by a visit more.
        replaced = np.int64(leg_in[i]) if size > 0 else np.int64(0)
        if first + second - replaced >= best or max(first, second) >= FAR:
            continue
        arrive = min(times[i, 0], times[i, 2]) + first
        if arrive > last:
            break  # later places are later still
        if max(arrive, opens) + service + second > latest[i] or draw(state.random) < blink:
            continue
        cost = _cost_with(facts, state, s, i, j, first, second) - state.cost[s]
        if cost < best:
            best, best_at = cost, i
    return best, best_at


@compiled
def _undo(facts, state):  # type: ignore[no-untyped-def]
    """Write the touched days back as they were."""
    for n in range(state.tally[TOUCHED]):
        s = state.touched[n]
        for i in range(state.size[s]):
            _note_out(facts, state, state.order[s, i])
        state.tally[PLACED] -= state.size[s]
        state.tally[USED] -= state.size[s] > 0
    for n in range(state.tally[TOUCHED]):
        s = state.touched[n]
        size = state.kept_size[s]
        for i in range(size):
            state.order[s, i] = state.kept_order[s, i]
        state.size[s] = size
        for i in range(size):
            _note_in(facts, state, state.order[s, i], s)
        state.tally[PLACED] += size
        state.tally[USED] += size > 0
        _recount(facts, state, s, 0)


@compiled
def _remember_best(state):  # type: ignore[no-untyped-def]
    state.tally[BEST] = state.tally[NOW]
    for s in range(len(state.size)):
        state.best_size[s] = state.size[s]
        for i in range(state.size[s]):
            state.best_order[s, i] = state.order[s, i]


@compiled
def run(facts, state, begin, steps, heat, strength, longest, blink):  # type: ignore[no-untyped-def]
    """So many steps at one temperature."""
    for step in range(begin, begin + steps):
        cost = state.tally[NOW]
        state.tally[TOUCHED] = state.tally[WAITING] = 0
        is_whole = _ruin(facts, state, step, strength, longest)
        if is_whole:
            _sequence(facts, state)
            for n in range(state.tally[WAITING]):
                _place(facts, state, state.list[n], step, blink)
        luck = np.log(draw(state.random) + 1e-300)
        if is_whole and state.tally[NOW] < cost - heat * luck:
            if state.tally[NOW] < state.tally[BEST]:
                _remember_best(state)
        else:
            _undo(facts, state)


@njit(cache=True)
def fill(facts, state):  # type: ignore[no-untyped-def]
    """Everybody who is out in turn, dearest first, where it costs least; kept if better."""
    waiting = state.tally[OUT]
    for n in range(waiting):
        state.list[n] = state.out[n]
        state.rank[n] = -float(facts.penalty[state.out[n]])
    order = np.argsort(state.rank[:waiting], kind="mergesort")
    state.list[:waiting] = state.list[:waiting][order]
    for n in range(waiting):
        state.tally[TOUCHED] = 0
        _place(facts, state, state.list[n], -2 - n, 0.0)
    if state.tally[NOW] < state.tally[BEST]:
        _remember_best(state)


@compiled
def load(facts, state, jobs, ends, mean):  # type: ignore[no-untyped-def]
    """Take given orders as the ones now and as the best ones.

    `jobs` one day after another, `ends` [S + 1] where each ends ([0] is 0); `mean` see MEAN.
    """
    state.tally[:] = 0
    state.tally[MEAN] = mean
    state.cost[:] = 0
    for j in range(len(facts.place)):
        _note_out(facts, state, j)
    for s in range(len(ends) - 1):
        size = ends[s + 1] - ends[s]
        for i in range(size):
            state.order[s, i] = jobs[ends[s] + i]
        state.size[s] = size
        for i in range(size):
            _note_in(facts, state, state.order[s, i], s)
        state.tally[PLACED] += size
        state.tally[USED] += size > 0
        _recount(facts, state, s, 0)
    _remember_best(state)


def best_orders(state: State) -> tuple[tuple[int, ...], ...]:
    """The best orders, one a day."""
    return tuple(
        tuple(order[:size].tolist())
        for order, size in zip(state.best_order, state.best_size, strict=True)
    )
