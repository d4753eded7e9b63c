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

from fieldcrm.tracking import modes, spells
from fieldcrm.tracking.benches.recordings import Labelled, labelled
from fieldcrm.tracking.windows import Array, Mask, runs

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
    """Traces of equally many places side by side: a row for each place (or step, or stretch) of
    each, with its shares of all knots, and what the labels say, [trace, place or step or i, j]."""

    places: Array
    steps: Array
    stretches: np.ndarray
    """In single precision: there are many."""
    is_driving: Array
    is_getting_in: Array
    is_getting_out: Array
    driving_spells: Array
    foot_spells: Array


def designs(traces: Sequence[Labelled]) -> list[Design]:
    """Features and labels of traces, by how many places they have."""
    parts = [part for trace in traces for part in _spans(trace)]
    lengths = sorted({len(part.way) for part in parts})
    return [design([part for part in parts if len(part.way) == length]) for length in lengths]


def _spans(trace: Labelled) -> list[Labelled]:
    """Pieces of a trace no longer than what is looked at together; a lone place tells nothing."""
    cuts = [slice(i, i + modes.SPAN) for i in range(0, len(trace.way) - 1, modes.SPAN)]
    return [Labelled(trace.name, trace.way.only(c), trace.is_driving[c]) for c in cuts]


def design(traces: Sequence[Labelled]) -> Design:
    """The same of traces of one length."""
    truth = np.array([t.is_driving for t in traces], float)
    t, x, y = (np.stack([getattr(trace.way, axis) for trace in traces]) for axis in "txy")
    return Design(
        np.vstack([_basis(modes.place_signals(trace.way)) for trace in traces]),
        np.vstack([_basis(modes.step_signals(trace.way)) for trace in traces]),
        _spell_basis(spells.measures(t, x, y, modes.SHORTEST_S), truth.shape[1]),
        truth, (1 - truth[:, :-1]) * truth[:, 1:], truth[:, :-1] * (1 - truth[:, 1:]),
        np.stack([_spells_of(trace.is_driving) for trace in traces]),
        np.stack([_spells_of(~trace.is_driving) for trace in traces]),
    )  # fmt: skip


def _spells_of(labels: Mask) -> Array:
    """1 at [i, j] where a spell goes from place i to place j."""
    found = np.zeros((len(labels), len(labels)))
    for first, last in runs(labels):
        found[first, last] = 1
    return found


def _basis(signals: Sequence[Array]) -> Array:
    """Each signal as its shares of the two knots around it, and a one for the bias."""
    hats = [_hats(s, modes.KNOTS_MPS) for s in signals]
    return np.hstack([*hats, np.ones((len(signals[0]), 1))])


def _hats(values: Array, knots: Sequence[float]) -> Array:
    return np.stack([np.interp(values, knots, unit) for unit in _IDENTITY], axis=-1)


def _spell_basis(measures: Sequence[Array], count: int) -> np.ndarray:
    whole = spells.is_whole(count)[:, None]
    hats = [
        (_hats(values, knots) * (whole if is_of_whole else 1)).astype(np.float32)
        for values, knots, is_of_whole in zip(measures, spells.KNOTS, spells.WHOLE, strict=True)
    ]
    return np.concatenate(hats, axis=-1).reshape(-1, len(hats) * len(_IDENTITY))


def loss(d: Design, w: Array, wrong: float = WRONG) -> tuple[float, Array]:
    """What learning makes small, without the prior, and its gradient.

    The labels' negative log likelihood alone (`wrong` 0) bends every curve for the few traces that
    were labelled wrong, because nothing bounds what they cost. So most of the loss is the number
    of places told wrong, log E[exp(SHARP * number)] / SHARP for each trace, which a trace can
    raise by no more than its places.
    """
    scores = _scores(d, w)
    truth = (
        d.is_driving, d.is_getting_in, d.is_getting_out, d.driving_spells, d.foot_spells
    )  # fmt: skip
    likely, expected = _expected(*scores)
    told = sum(float((y * score).sum()) for y, score in zip(truth, scores, strict=True))
    value = (1 - wrong) * (likely - told)
    slopes = [(1 - wrong) * (p - y) for p, y in zip(expected, truth, strict=True)]
    if wrong:
        tilted, worse = _expected(scores[0] + SHARP * (1 - 2 * d.is_driving), *scores[1:])
        value += wrong / SHARP * (tilted + SHARP * float(d.is_driving.sum()) - likely)
        slopes = [
            slope + wrong / SHARP * (q - p)
            for slope, q, p in zip(slopes, worse, expected, strict=True)
        ]
    first, last = spells.stretches(d.is_driving.shape[1])
    uphill = [d.places.T @ slopes[0].ravel(), *(d.steps.T @ slope.ravel() for slope in slopes[1:3])]
    whole = np.stack([slope[:, first, last].ravel() for slope in slopes[3:]], 1, dtype=np.float32)
    return value, np.concatenate([*uphill, (d.stretches.T @ whole).T.ravel().astype(float)])


def sizes() -> list[int]:
    """How many weights places, getting in and out, and spells of driving and on foot have."""
    knots = len(_IDENTITY)
    places, steps = 2 + 6 * len(modes.AROUND_S), 3 + 4 * len(modes.BESIDE_S)
    whole = len(spells.KNOTS) * knots
    return [places * knots + 1, steps * knots + 1, steps * knots + 1, whole, whole]


def _parts(w: Array) -> list[Array]:
    return np.split(w, np.cumsum(sizes())[:-1])


def _scores(d: Design, w: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Of places, getting in and out, and spells of driving and on foot, but for their places."""
    places, getting_in, getting_out, *curves = _parts(w)
    traces, count = d.is_driving.shape
    first, last = spells.stretches(count)
    driving, foot = np.zeros((2, traces, count, count))
    whole = d.stretches @ np.stack(curves, 1, dtype=np.float32)
    for found, part in zip((driving, foot), whole.T, strict=True):
        found[:, first, last] = part.reshape(traces, -1)
    return (
        (d.places @ places).reshape(traces, count), (d.steps @ getting_in).reshape(traces, -1),
        (d.steps @ getting_out).reshape(traces, -1), driving, foot,
    )  # fmt: skip


def pull(w: Array) -> Array:
    """How the prior draws all curves to small and smooth ones, and their biases to small ones."""
    places, getting_in, getting_out, driving, foot = _parts(w)
    biased = [
        np.append(_pull(part[:-1]), SMALL * part[-1]) for part in (places, getting_in, getting_out)
    ]
    return np.concatenate([*biased, _pull(driving), _pull(foot)])


def _pull(w: Array) -> Array:
    curves = w.reshape(-1, len(_IDENTITY))
    bends = np.diff(curves, axis=1, prepend=curves[:, :1], append=curves[:, -1:])
    return (SMALL * curves - SMOOTH * np.diff(bends, axis=1)).ravel()


def _expected(
    score: Array, getting_in: Array, getting_out: Array, driving: Array, foot: Array
) -> tuple[float, list[Array]]:
    """Log of the sum over all labellings, and how likely each driving place, change and spell is."""
    found = spells.weighed(score, driving, foot, getting_in, getting_out)
    begun = [chances.sum(axis=2)[:, 1:] for chances in (found.driving, found.foot)]
    places = spells.at_places(found.driving)
    return float(found.total.sum()), [places, *begun, found.driving, found.foot]


def minimised(f: Callable[[Array], tuple[float, Array]], w: Array, rounds: int) -> Array:
    """Where a smooth function is least near a start (L-BFGS, halving steps)."""
    value, slope = f(w)
    moves: list[tuple[Array, Array]] = []
    for _ in range(rounds):
        way = -_downhill(slope, moves)
        length = 1.0 if moves else 1 / float(np.abs(slope).sum())
        new = f(w + length * way)
        while not new[0] <= value + 1e-4 * length * float(slope @ way) and length > 1e-9:
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
    parts = designs(traces)

    def all_of(w: Array, wrong: float) -> tuple[float, Array]:
        found = [loss(d, w, wrong) for d in parts]
        drawn = pull(w)
        value = sum(value for value, _ in found) + float(w @ drawn) / 2
        return value, sum((slope for _, slope in found), drawn)

    w = minimised(lambda v: all_of(v, 0), np.zeros(sum(sizes())), START_ROUNDS)
    w = minimised(lambda v: all_of(v, WRONG), w, ROUNDS)
    places, getting_in, getting_out, driving, foot = _parts(w)
    return modes.Weights(
        *_curves(places), *_curves(getting_in), *_curves(getting_out), _rows(driving), _rows(foot)
    )


def _curves(w: Array) -> tuple[list[list[float]], float]:
    return _rows(w[:-1]), round(float(w[-1]), 3)


def _rows(w: Array) -> list[list[float]]:
    return [[round(float(v), 3) for v in row] for row in w.reshape(-1, len(_IDENTITY))]


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
