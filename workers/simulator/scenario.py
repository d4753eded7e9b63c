"""How the sample's reps move, err and cheat: every number of the simulation in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tracker = Literal["websocket", "osmand", "osmand_json", "owntracks", "overland", "gpslogger"]
Conduct = Literal["honest", "padder", "fake_gps"]


@dataclass(frozen=True)
class RepTraits:
    """What is peculiar to one rep and the phone in his pocket."""

    tracker: Tracker
    conduct: Conduct = "honest"
    clock_error_s: int = 0
    """Phone's clock minus true time."""
    offline_from_min: int | None = None
    """Minutes after local midnight from which the phone has no network."""
    offline_to_min: int | None = None
    battery_drain_pct_h: float = 7.0


TRAITS: dict[str, RepTraits] = {
    "aino": RepTraits("websocket", clock_error_s=-40 * 60, battery_drain_pct_h=11.0),
    "mikko": RepTraits("osmand", conduct="padder", battery_drain_pct_h=6.0),
    "elena": RepTraits("owntracks", clock_error_s=4 * 60, battery_drain_pct_h=7.5),
    "sanna": RepTraits("gpslogger", battery_drain_pct_h=6.5),
    "oleg": RepTraits("overland", offline_from_min=10 * 60 + 45, offline_to_min=14 * 60 + 45,
                      battery_drain_pct_h=8.0),
    "ion": RepTraits("osmand_json", conduct="fake_gps", battery_drain_pct_h=5.0),
}  # fmt: skip
"""The six reps by login."""


@dataclass(frozen=True)
class Scenario:
    """The errors and habits of a simulated day; metres, seconds, minutes, shares of one."""

    # Receiver: radial error, correlated in time (first-order Gauss-Markov).
    error_median_m: float = 8.0
    error_p95_m: float = 30.0
    error_memory_s: float = 45.0
    outlier_share: float = 0.03
    outlier_max_m: float = 150.0
    lying_accuracy_share: float = 0.3
    """Outliers whose reported accuracy does not admit them."""
    gap_share: float = 0.10
    """Of the working day without any fix: tunnels, basements, killed trackers."""
    gap_min_s: float = 60.0
    gap_max_s: float = 360.0

    # Tracker: a fix this often.
    moving_every_s: int = 10
    standing_every_s: int = 20

    # Streets: metres per second, and what slows a person down.
    foot_mps: float = 4.8 / 3.6
    bicycle_mps: float = 15 / 3.6
    car_max_mps: float = 40 / 3.6
    speed_spread: float = 0.12
    light_every_m: float = 180.0
    light_stop_share: float = 0.4
    light_stop_max_s: float = 45.0

    # The day (fieldcrm's field numbers): a doctor takes 5-7 minutes and a wait before.
    doctor_talk_s: tuple[int, int] = (300, 420)
    wait_short_s: tuple[int, int] = (60, 1200)
    wait_long_s: tuple[int, int] = (1200, 2100)
    wait_long_share: float = 1 / 3
    pharmacy_s: tuple[int, int] = (300, 1800)
    settle_s: tuple[int, int] = (20, 70)
    """From the door to the check-in."""
    leave_s: tuple[int, int] = (30, 150)
    """From closing to being on the street."""
    start_late_s: tuple[int, int] = (-240, 780)
    """The shift's start against the timetable."""
    paperwork_s: tuple[int, int] = (900, 2700)
    early_s: int = 15 * 60
    """No visit starts earlier than this before its planned time."""
    overtime_s: int = 45 * 60
    """After the shift's end a rep starts no further visit beyond this."""
    not_met_share: float = 0.06
    reschedule_share: float = 0.03
    early_end_share: float = 0.0
    """Of the days that end soon after lunch, the rest of the plan undone."""
    photo_share: float = 0.3
    next_step_share: float = 0.25

    # The padder: visits reported of each dozen, most from one spot, the rest in passing.
    padded_of_dozen: int = 5
    padded_in_passing: int = 1
    padding_spot_min_m: float = 280.0
    passing_s: tuple[int, int] = (25, 45)
    padded_s: tuple[int, int] = (300, 900)

    # The fake-GPS app.
    fake_accuracy_m: float = 5.0
    fake_hidden_share: float = 0.5
    """Of its stretches of road and stays that carry no mock flag."""


SAMPLE_SEED = "sample"
"""Of the sample's days: the past and the running day share it, so that the one goes on in the other."""
HISTORY = Scenario(moving_every_s=20, standing_every_s=60, early_end_share=0.04)
"""Past weeks: the same habits, fewer fixes."""
