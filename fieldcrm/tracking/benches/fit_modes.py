"""Learn the weights of `tracking.modes` from labelled traces, and cross-validate them.

`python -m fieldcrm.tracking.benches.fit_modes ZIP [--folds N] [--write]`: first the weights under
which the labels are likeliest, then from there those that tell fewest places wrong (`loss`), both
with a Gaussian prior on small and smooth curves and by L-BFGS; no randomness, so that it repeats.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fieldcrm.tracking import modes
from fieldcrm.tracking.benches.recordings import Labelled, labelled
from fieldcrm.tracking.windows import Array

SMALL, SMOOTH = 0.3, 5.0
"""Inverse variances of the prior: of each value of a curve, and of each step between its knots."""
WRONG = 0.8
"""Share of the loss that counts places told wrong; the rest is the labels' likelihood."""
SHARP = 0.3
"""How much a trace with many places told wrong counts for more than its share of them."""
START_ROUNDS, ROUNDS = 100, 60
MEMORY = 10
_IDENTITY = np.eye(len(modes.KNOTS_MPS))


@dataclass(frozen=True)
class Design:
    """All traces side by side: a row for each place (or step), and where each trace lies.

    `rows` and `steps` are (trace, time) indices into them, -1 behind a trace's end.
    """

    places: Array
    steps: Array
    rows: np.ndarray
    step_rows: np.ndarray
    is_driving: Array
    is_getting_in: Array
    is_getting_out: Array


def design(traces: Sequence[Labelled]) -> Design:
    """Features and labels of the traces."""
    places = [_basis(modes.place_signals(t.way)) for t in traces]
    steps = [_basis(modes.step_signals(t.way)) for t in traces]
    truth = [t.is_driving.astype(float) for t in traces]
    return Design(
        np.vstack(places), np.vstack(steps), _layout([len(p) for p in places]),
        _layout([len(s) for s in steps]), np.concatenate(truth),
        np.concatenate([(1 - y[:-1]) * y[1:] for y in truth]),
        np.concatenate([y[:-1] * (1 - y[1:]) for y in truth]),
    )  # fmt: skip


def _basis(signals: Sequence[Array]) -> Array:
    """Each signal as its shares of the two knots around it, and a one for the bias."""
    hats = [
        np.stack([np.interp(s, modes.KNOTS_MPS, unit) for unit in _IDENTITY], axis=1)
        for s in signals
    ]
    return np.hstack([*hats, np.ones((len(signals[0]), 1))])


def _layout(lengths: Sequence[int]) -> np.ndarray:
    found = np.full((len(lengths), max(lengths)), -1)
    start = 0
    for trace, length in enumerate(lengths):
        found[trace, :length] = np.arange(start, start + length)
        start += length
    return found


def loss(d: Design, w: Array, wrong: float = WRONG) -> tuple[float, Array]:
    """What learning makes small, with the prior, and its gradient.

    The labels' negative log likelihood alone (`wrong` 0) bends every curve for the few traces that
    were labelled wrong, because nothing bounds what they cost. So most of the loss is the number
    of places told wrong, log E[exp(SHARP * number)] / SHARP for each trace, which a trace can
    raise by no more than its places.
    """
    k, e = d.places.shape[1], d.steps.shape[1]
    scores = d.places @ w[:k], d.steps @ w[k : k + e], d.steps @ w[k + e :]
    truth = d.is_driving, d.is_getting_in, d.is_getting_out
    likely = _expected(d, *scores)
    told = sum(float(y @ score) for y, score in zip(truth, scores, strict=True))
    value = (1 - wrong) * (likely[0] - told)
    slopes = [(1 - wrong) * (p - y) for p, y in zip(likely[1:], truth, strict=True)]
    if wrong:
        tilted = _expected(d, scores[0] + SHARP * (1 - 2 * d.is_driving), *scores[1:])
        value += wrong / SHARP * (tilted[0] + SHARP * float(d.is_driving.sum()) - likely[0])
        slopes = [
            slope + wrong / SHARP * (q - p)
            for slope, q, p in zip(slopes, tilted[1:], likely[1:], strict=True)
        ]
    gradient = np.concatenate([d.places.T @ slopes[0], *(d.steps.T @ s for s in slopes[1:])])
    pull = np.concatenate([_pull(w[:k]), _pull(w[k : k + e]), _pull(w[k + e :])])
    return float(value + w @ pull / 2), gradient + pull


def _pull(w: Array) -> Array:
    """How the prior draws the curves (and their bias) to small and smooth ones."""
    curves = w[:-1].reshape(-1, len(_IDENTITY))
    bends = np.diff(curves, axis=1, prepend=curves[:, :1], append=curves[:, -1:])
    drawn = SMALL * curves - SMOOTH * np.diff(bends, axis=1)
    return np.append(drawn.ravel(), SMALL * w[-1])


def _expected(
    d: Design, score: Array, getting_in: Array, getting_out: Array
) -> tuple[float, Array, Array, Array]:
    """Log of the sum over all labellings, and how likely each driving place and change is."""
    has, has_step = d.rows >= 0, d.step_rows >= 0
    s = np.where(has, score[d.rows], 0)
    to_1, to_0 = (np.where(has_step, v[d.step_rows], 0) for v in (getting_in, getting_out))
    foot, car = np.zeros(s.shape), s.copy()
    for i in range(1, s.shape[1]):
        a, b, on = foot[:, i - 1], car[:, i - 1], has_step[:, i - 1]
        foot[:, i] = np.where(on, np.logaddexp(a, b + to_0[:, i - 1]), a)
        car[:, i] = np.where(on, np.logaddexp(b, a + to_1[:, i - 1]) + s[:, i], b)
    after_foot, after_car = np.zeros(s.shape), np.zeros(s.shape)
    for i in range(s.shape[1] - 2, -1, -1):
        on = has_step[:, i]
        a, b = after_foot[:, i + 1], after_car[:, i + 1] + s[:, i + 1]
        after_foot[:, i] = np.where(on, np.logaddexp(a, b + to_1[:, i]), 0)
        after_car[:, i] = np.where(on, np.logaddexp(b, a + to_0[:, i]), 0)
    total = np.logaddexp(foot[:, -1], car[:, -1])[:, None]
    p = np.exp(car + after_car - total)
    p_in = np.exp(foot[:, :-1] + to_1 + s[:, 1:] + after_car[:, 1:] - total)
    p_out = np.exp(car[:, :-1] + to_0 + after_foot[:, 1:] - total)
    return float(total.sum()), p[has], p_in[has_step], p_out[has_step]


def minimised(f: Callable[[Array], tuple[float, Array]], w: Array, rounds: int) -> Array:
    """Where a smooth function is least near a start (L-BFGS, halving steps)."""
    value, slope = f(w)
    moves: list[tuple[Array, Array]] = []
    for _ in range(rounds):
        way = -_downhill(slope, moves)
        length = 1.0 if moves else 1 / float(np.abs(slope).sum())
        new = f(w + length * way)
        while new[0] > value + 1e-4 * length * float(slope @ way) and length > 1e-9:
            length /= 2
            new = f(w + length * way)
        moves = [*moves[1 - MEMORY :], (length * way, new[1] - slope)]
        w, is_done = w + length * way, value - new[0] < 1e-5 * abs(value)
        value, slope = new
        if is_done:
            break
    return w


def _downhill(slope: Array, moves: Sequence[tuple[Array, Array]]) -> Array:
    q, shares = slope.copy(), []
    for s, y in reversed(moves):
        shares.append(float(s @ q) / float(s @ y))
        q -= shares[-1] * y
    if moves:
        s, y = moves[-1]
        q *= float(s @ y) / float(y @ y)
    for (s, y), share in zip(moves, reversed(shares), strict=True):
        q += (share - float(y @ q) / float(s @ y)) * s
    return q


def fitted(traces: Sequence[Labelled]) -> modes.Weights:
    """The weights that explain the labels best."""
    d = design(traces)
    k, e = d.places.shape[1], d.steps.shape[1]
    w = minimised(lambda v: loss(d, v, 0), np.zeros(k + 2 * e), START_ROUNDS)
    w = minimised(lambda v: loss(d, v), w, ROUNDS)
    return modes.Weights(
        *_curves(w[:k]), *_curves(w[k : k + e]), *_curves(w[k + e :])
    )  # fmt: skip


def _curves(w: Array) -> tuple[list[list[float]], float]:
    told = [[round(float(v), 3) for v in row] for row in w[:-1].reshape(-1, len(_IDENTITY))]
    return told, round(float(w[-1]), 3)


def crossed(traces: Sequence[Labelled], folds: int) -> list[np.ndarray]:
    """Each trace's driving as told by weights that never saw it."""
    told: list[np.ndarray] = [np.zeros(0, bool)] * len(traces)
    for fold in range(folds):
        weights = fitted([t for i, t in enumerate(traces) if i % folds != fold])
        for i in range(fold, len(traces), folds):
            told[i] = modes.is_driving(traces[i].way, weights)
    return told


def main() -> None:
    """Cross-validate; with --write learn from all traces and keep the weights."""
    from fieldcrm.tracking.benches.scores import mode_scores

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    traces = labelled(options.archive)
    if options.folds > 1:
        print(
            json.dumps(
                {"folds": options.folds, **mode_scores(traces, crossed(traces, options.folds))}
            )
        )
    if options.write:
        import msgspec

        file = Path(modes.__file__).with_name("modes.json")
        file.write_bytes(msgspec.json.format(msgspec.json.encode(fitted(traces)), indent=0) + b"\n")


if __name__ == "__main__":
    main()
