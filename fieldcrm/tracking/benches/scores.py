"""What a reading of a track is worth beside the truth. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldcrm.tracking.benches.recordings import Labelled
from fieldcrm.tracking.windows import Array, Mask, runs

CHANGE_S = 30.0


def precision_recall(truth: Mask, told: Mask) -> tuple[float, float]:
    """Shares of the told, and of the true, that are both; by fixes."""
    both = float((truth & told).sum())
    return both / max(1, int(told.sum())), both / max(1, int(truth.sum()))


def events_found(truth: Mask, told: Mask) -> tuple[float, float]:
    """The same by whole stops: one counts where it overlaps one of the others."""
    true_runs, told_runs = runs(truth), runs(told)
    right = sum(bool(truth[a : b + 1].any()) for a, b in told_runs)
    found = sum(bool(told[a : b + 1].any()) for a, b in true_runs)
    return right / max(1, len(told_runs)), found / max(1, len(true_runs))


def macro_f1(truth: Mask, told: Mask) -> float:
    """The mean of both classes' F1."""
    return float(np.mean([_f1(truth, told), _f1(~truth, ~told)]))


def _f1(truth: Mask, told: Mask) -> float:
    return 2 * float((truth & told).sum()) / max(1, int(truth.sum()) + int(told.sum()))


def mode_scores(traces: Sequence[Labelled], told: Sequence[Mask]) -> dict[str, float]:
    """Macro F1 over points; recall and precision of changes to the same mode within 30 s."""
    truth = np.concatenate([t.is_driving for t in traces])
    found = true = claimed = 0
    for trace, driving in zip(traces, told, strict=True):
        a, b = _changes(trace.way.t, trace.is_driving), _changes(trace.way.t, driving)
        found, true, claimed = found + _paired(a, b), true + len(a), claimed + len(b)
    return {
        "mode_f1": macro_f1(truth, np.concatenate(list(told))),
        "change_recall_30s": found / max(1, true), "change_precision_30s": found / max(1, claimed),
    }  # fmt: skip


def mode_doubt(traces: Sequence[Labelled], told: Sequence[Mask]) -> float:
    """Standard error of macro F1 when other traces of the same kind had been drawn (jackknife)."""
    truth, told_all = [t.is_driving for t in traces], list(told)
    without = [
        macro_f1(np.concatenate(_but(truth, i)), np.concatenate(_but(told_all, i)))
        for i in range(len(traces))
    ]
    count = len(traces)
    return float(np.sqrt((count - 1) * np.var(without)))


def _but(values: list[Mask], i: int) -> list[Mask]:
    return values[:i] + values[i + 1 :]


def _changes(t: Array, driving: Mask) -> list[tuple[float, bool]]:
    """When the mode changes, and whether to driving."""
    return [(float(t[i + 1]), bool(driving[i + 1])) for i in np.flatnonzero(np.diff(driving))]


def _paired(truth: list[tuple[float, bool]], told: list[tuple[float, bool]]) -> int:
    """How many true changes have one of the same kind near; each told one serves once."""
    left, count = list(told), 0
    for at, kind in truth:
        near = [c for c in left if c[1] == kind and abs(c[0] - at) <= CHANGE_S]
        if near:
            left.remove(min(near, key=lambda c: abs(c[0] - at)))
            count += 1
    return count
