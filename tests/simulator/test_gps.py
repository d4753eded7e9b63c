"""The receiver's errors are what the scenario says, measured over a long run."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from statistics import mean, median

import pytest

from workers.simulator.gps import RadialLaw, Receiver, gaps, shifted
from workers.simulator.scenario import Scenario

S = Scenario()


def _errors(count: int, step_s: float) -> list[tuple[float, float, bool]]:
    receiver = Receiver(S, random.Random(7))
    return [receiver.error(i * step_s) for i in range(count)]


def test_median_p95_and_outliers_are_the_settings():
    found = _errors(120_000, 10.0)
    metres = sorted(math.hypot(e, n) for e, n, _ in found)
    assert median(metres) == pytest.approx(S.error_median_m, rel=0.06)
    assert metres[int(0.95 * len(metres))] == pytest.approx(S.error_p95_m, rel=0.08)
    assert mean(is_outlier for *_, is_outlier in found) == pytest.approx(0.03, abs=0.003)
    assert max(metres) <= S.outlier_max_m
    assert min(math.hypot(e, n) for e, n, out in found if out) >= S.error_p95_m


def test_errors_are_correlated_in_time():
    def correlation(step_s: float) -> float:
        east = [e for e, _, out in _errors(30_000, step_s) if not out]
        m = mean(east)
        top = sum((a - m) * (b - m) for a, b in pairwise(east))
        return top / sum((a - m) ** 2 for a in east)

    near, far = correlation(5.0), correlation(300.0)
    assert near > 0.75
    assert abs(far) < 0.05


def test_radial_law_meets_both_quantiles_exactly():
    law = RadialLaw.of(S)
    core = 1 - S.outlier_share

    def share_beyond(metres: float) -> float:
        return core * math.exp(-((metres / law.scale_m) ** law.shape)) + S.outlier_share

    assert share_beyond(S.error_median_m) == pytest.approx(0.5)
    assert share_beyond(S.error_p95_m) == pytest.approx(0.05)


def test_the_same_seed_gives_the_same_readings():
    def readings(seed: int) -> list:
        receiver = Receiver(S, random.Random(seed))
        return [receiver.read(t, 60.17, 24.94, 1.2, 90.0, 80) for t in range(0, 600, 10)]

    assert readings(3) == readings(3)
    assert readings(3) != readings(4)


def test_gaps_take_a_tenth_of_the_day_without_touching():
    found = gaps(S, 0.0, 8 * 3600.0, random.Random(1))
    assert sum(b - a for a, b in found) == pytest.approx(0.1 * 8 * 3600)
    assert all(a < b for a, b in found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))
    assert found[0][0] >= 0
    assert found[-1][1] <= 8 * 3600


def test_shifted_moves_by_metres():
    from fieldcrm.kit.units import distance_m

    lat, lng = shifted(60.17, 24.94, 30.0, 40.0)
    assert distance_m(60.17, 24.94, lat, lng) == pytest.approx(50.0, rel=0.01)
