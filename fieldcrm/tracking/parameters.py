"""Every number by which a track is read, in one place; why each: docs/decisions/0013.

They follow from how receivers err and how people and cars move, and are the same for all. Those of
stops were picked with a public diary in sight, and hold on made-up days too; the weights of
`modes.json` are learnt and cross-validated.
"""

from __future__ import annotations

# ---- what a track is ----

GAP_S = 300.0
"""After so long a silence nobody knows the way, unless the phone stood still."""
POOR_M = 150.0
"""A fix that claims no better accuracy than this says nothing about a street."""
OPEN_SKY_M = 8.0
"""A receiver's error where the phone tells none."""

# ---- cleaning ----

STAMP_S = 2.0
"""A fix's time may be off by so much: a phone's sources of position overtake each other."""
REVERSAL_DEG = 120.0
"""Two steps that turn back on each other by more than this are a reversal."""
REVERSAL_MPS2 = 3.0
"""A reversal that takes harder braking than this in common traffic did not happen."""
DASH_MPS = 2.0
"""Faster than a brisk walk: nobody on foot goes so and straight back again."""
PASSES = 50
"""An outlier may hide another; in practice three passes find all."""
SLOW_S, SLOW_M = 15.0, 30.0
"""Neighbours within both share one mean: a walker's steps are smaller than the error."""
STEP_M = 15.0
"""Steps below it are noise: about twice the error of a fix."""
BEND_DEG = 12.0
"""A curve is drawn as straight pieces that bend by no more than this."""
CURVE_PIECES = 12
"""At most so many pieces between two fixes."""

# ---- stops ----

STAY_S, STAY_M = 60.0, 11.0
"""Still within a circle of this radius after a minute: two errors of 8 m, and no stroll (0.4 m/s)."""
STAY_MOST_M = 25.0
"""The circle grows with the phone's own accuracy, up to where a walker would leave it."""
ROUND_S, ROUND_M, ROUND_SHARE = 150.0, 40.0, 0.25
"""On one's feet but going nowhere: so long within such a circle, a quarter of the way gained."""
PACE_MPS = 0.9
"""A slow walk; who goes at it is not yet or no longer there, and who is silent for a minute longer
than it takes at that pace stood still."""
PACE_FIXES = 2
"""At most so many fixes at each end of a stay lie on the way in or out."""
SAME_PLACE_S, SAME_PLACE_M = 300.0, 75.0
"""Two stays so near in time and place, and nowhere farther in between, are one: about a house."""
SAME_PLACE_SHARE = 0.95
"""So many of a stay's fixes lie within SAME_PLACE_M of its middle; the rest are outliers."""
SILENT_SAME_S, SILENT_SAME_M = 1800.0, 30.0
"""Silent for no longer, and at one place (95 % of errors) before and after: it stood still there."""
STOP_S = 70.0
"""A stay shorter than this is no stop: a minute, and a fix (10 s) that bears it out."""
TRAFFIC_S, TRAFFIC_MPS = 150.0, 4.0
"""Standing shorter than this between two drives is traffic: no light is red for longer."""

# ---- modes ----

LEAST_MODE_S = 10.0
"""A shorter change of mode is a fix out of place."""
