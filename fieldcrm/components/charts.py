"""Charts of our own as Reflex components: bars by day (charts.tsx), a sparkline, a bullet bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file

_library = browser_file(__file__, "charts.tsx")
SPARK_WIDTH, SPARK_HEIGHT = 64, 22


class _DayChart(rx.Component):
    library = _library
    tag = "DayChart"
    bars: rx.Var[list[Any]]
    label: rx.Var[str]
    on_pick: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def day_chart(bars: Any, label: Any, on_pick: Any) -> rx.Component:
    """Visits by day, stacked by verdict, with the plan as a line; calls `on_pick(day)`."""
    return _DayChart.create(bars=bars, label=label, on_pick=on_pick)


def spark_path(values: Sequence[float | None]) -> tuple[str, str]:
    """A sparkline's path and that of its last point; empty when fewer than two values are known."""
    known = [(n, v) for n, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return "", ""
    low, high = min(v for _, v in known), max(v for _, v in known)
    step = (SPARK_WIDTH - 4) / max(len(values) - 1, 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(SPARK_HEIGHT - 4 - share * (SPARK_HEIGHT - 8), 1)

    points = [(round(2 + step * n, 1), y(v)) for n, v in known]
    x, y_last = points[-1]
    dot = f"M{x - 2.4:.1f} {y_last}a2.4 2.4 0 1 0 4.8 0a2.4 2.4 0 1 0-4.8 0"
    return "M" + "L".join(f"{x} {y}" for x, y in points), dot


def sparkline(path: Any, dot: Any) -> rx.Component:
    """The last weeks at a glance; decoration beside a number."""
    drawn = rx.el.svg(
        rx.el.path(
            d=path, fill="none", stroke="var(--accent)", stroke_width="1.5", stroke_linejoin="round"
        ),
        rx.el.path(d=dot, fill="var(--accent)"),
        class_name="spark", width=str(SPARK_WIDTH), height=str(SPARK_HEIGHT), aria_hidden="true",
    )  # fmt: skip
    return rx.cond(path != "", drawn, rx.fragment())


def bullet(percent: Any, tick: Any, pace: Any, is_reached: Any) -> rx.Component:
    """A bar towards a goal's tick, with the plan's own tick of where it should stand by now."""
    by_now = rx.cond(pace > 0, rx.el.em(style={"left": f"{pace}%"}), rx.fragment())
    return rx.el.div(
        rx.el.i(class_name=rx.cond(is_reached, "ok", ""), style={"width": f"{percent}%"}),
        by_now,
        rx.el.b(style={"left": f"{tick}%"}), class_name="bullet", aria_hidden="true",
    )  # fmt: skip


def plan_bar(percent: Any, tick: Any) -> rx.Component:
    """Actual as a bar, plan as a tick; percents of the table's longest."""
    mark = rx.cond(tick > 0, rx.el.b(style={"left": f"{tick}%"}), rx.fragment())
    return rx.el.div(
        rx.el.i(style={"width": f"{percent}%"}), mark, class_name="pa", aria_hidden="true"
    )


def verdict_bar(
    confirmed: Any, doubtful: Any, contradicted: Any, unjudged: Any, label: Any
) -> rx.Component:
    """Verdicts as a stacked bar: solid, hatched, solid, pale; a part that is there can be seen."""
    parts = (("c", confirmed), ("d", doubtful), ("x", contradicted), ("n", unjudged))
    made = [
        rx.cond(
            count > 0, rx.el.i(class_name=name, style={"flex": f"{count} 1 4px"}), rx.fragment()
        )
        for name, count in parts
    ]
    return rx.el.div(*made, class_name="vs", role="img", aria_label=label)
