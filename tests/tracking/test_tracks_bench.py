"""The bench of truth on recordings made up in the formats of the real ones."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from fieldcrm.tracking import modes
from fieldcrm.tracking.benches import fit_modes, tracks
from fieldcrm.tracking.benches.made_days import HEARTBEAT_S, TOLD_M, made_day
from fieldcrm.tracking.benches.recordings import Labelled, way_of
from fieldcrm.tracking.benches.scores import (
    events_found,
    macro_f1,
    mode_doubt,
    mode_scores,
    precision_recall,
)
from fieldcrm.tracking.cleaning import Way
from tests.tracking.ways import HELSINKI, Leg, blurred, travelled

KEYS = (
    "hof_median_error", "hof_p95_error", "stop_precision", "stop_recall", "mode_f1",
    "change_recall_30s",
)  # fmt: skip
WALK: list[Leg] = [(300, 0, 1.3), (0, 0, -600), (0, 300, 1.3), (0, 0, -400), (200, 0, 1.3)]


def moments(way: Way) -> list[str]:
    return [datetime.fromtimestamp(t, UTC).isoformat() for t in way.t]


def write_hof(folder: Path) -> None:
    true = travelled([(0, 1500, 11), (900, 0, 11)])
    seen = blurred(true, error_m=2)
    lat, lng = HELSINKI.degrees(seen.x, seen.y)
    rows = [f"7,{at},POINT ({b} {a})" for at, a, b in zip(moments(seen), lat, lng, strict=True)]
    (folder / "hof_points.csv").write_text("\n".join(["id,time,geometry", *rows]))
    corner_lat, corner_lng = HELSINKI.degrees(np.array([0, 0, 900.0]), np.array([0, 1500.0, 1500]))
    line = ",".join(f"{b} {a}" for a, b in zip(corner_lat, corner_lng, strict=True))
    (folder / "hof_routes.csv").write_text(f'id,WKT\n7,"MULTILINESTRING (({line}))"\n')


def write_diary(file: Path) -> None:
    way = blurred(travelled(WALK, 10), error_m=2)
    lat, lng = HELSINKI.degrees(way.x, way.y)
    since = way.t - way.t[0]
    stays = ((231, 831), (1061, 1461))
    labels = ["stop" if any(a <= s <= b for a, b in stays) else "trip" for s in since]
    rows = [
        f"{at},{b},{a},{label}"
        for at, a, b, label in zip(moments(way), lat, lng, labels, strict=True)
    ]
    file.write_text("\n".join(["ts,longitude,latitude,diary_label", *rows]))


def write_traces(file: Path) -> None:
    way = blurred(travelled([(0, 0, -60), (60, 0, 1.2), (0, 0, -40), (0, 900, 9)]), error_m=1)
    labels = ["Driving" if t - way.t[0] >= 145 else "OnFoot" for t in way.t]
    rows = [
        f"{at[:-6]},{x},{y},{label}"
        for at, x, y, label in zip(moments(way), way.x, way.y, labels, strict=True)
    ]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "\n".join(["timestamp,x,y,groundtruth", *rows]))
        archive.writestr("b.csv", "\n".join(["timestamp,x,y,groundtruth", *rows[:20]]))


def test_it_prints_each_figure_with_its_naive_twin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_hof(tmp_path)
    write_diary(tmp_path / "diary.csv")
    write_traces(tmp_path / "traces.zip")
    arguments = ["--hof", str(tmp_path), "--stops", str(tmp_path / "diary.csv")]
    tracks.main([*arguments, "--modes", str(tmp_path / "traces.zip")])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {*KEYS, *(f"naive_{key}" for key in KEYS)} <= set(told)
    assert told["hof_median_error"] < 0.01
    assert min(told["stop_precision"], told["stop_recall"], told["mode_f1"]) > 0.9
    assert told["change_recall_30s"] == 1
    assert told["mode_folds"] == 2
    assert len(told["mode_f1_by_fold"]) == len(told["naive_mode_f1_by_fold"]) == 2
    assert 0 <= told["mode_f1_crossed"] <= 1


def labels(text: str) -> np.ndarray:
    return np.array([c == "x" for c in text])


def test_scores() -> None:
    truth, told = labels("xxxx....xx"), labels(".xxxx.....")
    assert precision_recall(truth, told) == (3 / 4, 3 / 6)
    assert events_found(truth, told) == (1.0, 0.5)
    assert macro_f1(truth, told) == pytest.approx((2 * 3 / 10 + 2 * 3 / 10) / 2)


def test_a_change_counts_once_and_only_to_the_same_mode() -> None:
    t = np.linspace(0, 90, 10)
    trace = Labelled("a", Way(t, t, t), labels(".....xxxxx"))
    told = labels("...x.xxxx.")  # in, out, in, out
    found = mode_scores([trace], [told])
    assert found["change_recall_30s"] == 1
    assert found["change_precision_30s"] == 1 / 4
    late = mode_scores([trace], [labels(".........x")])
    assert late["change_recall_30s"] == 0


def test_the_doubt_of_a_score_grows_with_how_unlike_the_traces_are() -> None:
    t = np.linspace(0, 90, 10)
    traces = [Labelled("a", Way(t, t, t), labels(".....xxxxx")) for _ in range(8)]
    alike = [labels("....xxxxxx")] * 8
    unlike = [labels(".....xxxxx"), labels("...xxxxxxx")] * 4
    assert mode_doubt(traces, alike) == pytest.approx(0, abs=1e-9)
    assert mode_doubt(traces, unlike) > 0.01


def labelled_trace(seed: int) -> Labelled:
    way = blurred(travelled([(0, 0, -30), (40, 0, 1.2), (0, 0, -20), (0, 400, 9)]), 1 + seed)
    return Labelled(str(seed), way, way.t - way.t[0] >= 85)


@pytest.mark.parametrize("wrong", [0, 0.8, 1])
def test_the_slope_that_learning_follows_is_that_of_its_loss(wrong: float) -> None:
    design = fit_modes.design([labelled_trace(seed) for seed in range(2)])
    random = np.random.default_rng(5)
    count = sum(fit_modes.sizes())
    weights, way = random.normal(0, 0.1, count), random.normal(0, 1, count)
    above, below = (fit_modes.loss(design, weights + h * way, wrong)[0] for h in (1e-4, -1e-4))
    slope = float(fit_modes.loss(design, weights, wrong)[1] @ way)
    assert (above - below) / 2e-4 == pytest.approx(slope, rel=1e-3, abs=1e-2)


def test_one_trace_labelled_wrong_spoils_learning_no_more_than_its_places() -> None:
    """Sure weights and a wrong label: likelihood has no bound, places told wrong have one."""
    trace = labelled_trace(1)
    spoilt = fit_modes.design([Labelled("b", trace.way, ~trace.is_driving)])
    sure = np.zeros(sum(fit_modes.sizes()))
    sure[fit_modes.sizes()[0] - 1] = 1000.0
    assert fit_modes.loss(spoilt, sure, 1)[0] <= len(trace.way) + 1e-6
    assert fit_modes.loss(spoilt, sure, 0)[0] > 1000


def test_long_traces_are_learnt_from_in_spans() -> None:
    way = travelled([(0, 0, -600), (0, 3000, 10)])
    trace = Labelled("long", way, way.t - way.t[0] >= 600)
    lengths = [len(d.is_driving[0]) for d in fit_modes.designs([trace]) for _ in d.is_driving]
    assert sum(lengths) == len(way)
    assert max(lengths) == modes.SPAN


@pytest.mark.parametrize("is_sparing", [False, True])
def test_a_made_day_repeats_and_its_visits_are_found(is_sparing: bool) -> None:
    day, again = (made_day(3, 10, is_sparing) for _ in range(2))
    assert day.fixes == again.fixes
    precision, recall = precision_recall(day.is_stop, tracks.told_stops(day.fixes))
    assert min(precision, recall) > 0.9
    assert events_found(day.is_stop, tracks.told_stops(day.fixes))[1] > 0.9


def test_a_sparing_phone_tells_less_while_nothing_moves() -> None:
    all_told, few = made_day(3, 10, False), made_day(3, 10, True)
    assert few.is_stop.sum() < 0.8 * all_told.is_stop.sum()
    way = way_of(few.fixes)
    far = np.hypot(np.diff(way.x), np.diff(way.y)) > TOLD_M
    assert np.diff(way.t).max() <= HEARTBEAT_S + 10
    assert far[~few.is_stop[1:]].mean() > far[few.is_stop[1:]].mean()
