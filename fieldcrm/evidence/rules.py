"""Judges a closed visit by its track. Pure: facts and fixes in, a verdict with reasons out.

Every reason has a weight in log-odds; their sum, with a little trust to begin with, gives the
verdict. Some reasons forbid confirming whatever else speaks for the visit. Distances allow for
GPS error (median 8 m, 95 % 30 m, outliers to 150 m): see `track`. How long the rep stayed is read
from the track, never from what he pressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np

from fieldcrm.evidence import track as tracks
from fieldcrm.evidence.model import Claim, Judgement, Reason, Sibling, VerdictName, VisitFacts
from fieldcrm.evidence.track import Centre, Flanks, Stay, Texture, Track
from fieldcrm.kit.units import distance_m
from fieldcrm.tracking.model import Fix

VERSION = 2
"""Rises when the same evidence may get another verdict."""

PATIENCE_MS = 24 * 3_600_000
"""After this a visit is judged by what there is."""
PAST_CLOSING_MS = 20_000
"""The track has arrived when it reaches this far past the closing..."""
SHIFT_OVER_MS = 600_000
"""...or the shift ended after it and so long ago that nothing more will come."""

PRIOR = 0.3
CONFIRMED_FROM = 2.0
CONTRADICTED_TO = -1.0

NEAR_M = 100.0
"""A place's point is often its building's middle: so far from it is still there."""
AWAY_M = 150.0
"""Surely farther than this is somewhere else."""
SHORT_CLAIM_S = 120.0
"""No visit is made in less."""
BRIEF_S, SHORT_S, LONG_S = 90.0, 150.0, 240.0
"""Stays on the spot: walking past takes some 70 s of its 90 m."""
SLACK_S = 60.0
"""Between reaching the door and pressing the button, and what clocks leave."""
FLANK_M = 200.0
SPEED_MPS = {"foot": 1.3, "bicycle": 4.0, "car": 8.0}
FASTEST_MPS = 70.0
AROUND_S = 2400.0
CLOCK_WRONG_MS = 120_000
CLOCK_TURNED_MS = 90_000
SAME_SPOT_M = 80.0
PLACES_APART_M = 200.0
EXACT_FROM, EXACT_FIXES = 0.25, 6
"""Real phones, smoothing hard, reach 0.1 (95th of 100 tracks) of exact fixes."""
STEADY_FROM = 0.8
ONE_ACCURACY = 0.95


@dataclass(frozen=True)
class Sight:
    """What the track shows of one visit."""

    day: Track
    smooth: Track
    start: float
    end: float
    shift_s: float
    """By how much the told times were moved to fit the track."""
    inside: Track
    centre: Centre | None
    stay: Stay | None
    flanks: Flanks | None
    around: Texture
    whole_day: Texture

    @property
    def told_s(self) -> float:
        return self.end - self.start


def has_arrived(facts: VisitFacts, fixes: Sequence[Fix], now_ms: int) -> bool:
    """Whether the visit can be judged: its track reaches past the closing, or nothing will come."""
    if now_ms - facts.closed_ms >= PATIENCE_MS:
        return True
    if any(f.fix_at_ms >= facts.closed_ms + PAST_CLOSING_MS for f in fixes):
        return True
    ended = facts.shift_ended_ms
    return ended is not None and ended >= facts.closed_ms and now_ms - ended >= SHIFT_OVER_MS


def judge(facts: VisitFacts, fixes: Sequence[Fix], now_ms: int) -> Judgement | None:
    """The verdict on a closed visit from its rep's fixes of the day; None while it must wait."""
    if not has_arrived(facts, fixes, now_ms):
        return None
    if facts.lat is None or facts.lng is None:
        return _verdict([Reason("no_place", 0.0, forbids_confirming=True)], {})
    sight = look(facts, fixes)
    reasons = [
        *_place(sight), *_time(facts, sight), *_claims(facts), *_fakery(facts, sight),
        *_photos(facts), *_one_spot(facts), *_clock(facts, sight),
    ]  # fmt: skip
    return _verdict(reasons, figures(facts, sight))


def _verdict(reasons: Iterable[Reason], seen: dict[str, Any]) -> Judgement:
    ordered = tuple(sorted(reasons, key=lambda r: -abs(r.weight)))
    total = PRIOR + sum(r.weight for r in ordered)
    is_barred = any(r.forbids_confirming for r in ordered)
    if total <= CONTRADICTED_TO:
        name = VerdictName.contradicted
    elif total >= CONFIRMED_FROM and not is_barred:
        name = VerdictName.confirmed
    else:
        name = VerdictName.doubtful
    return Judgement(name, round(1 / (1 + exp(-total)), 3), ordered, seen)


# ---- looking ----


def look(facts: VisitFacts, fixes: Sequence[Fix]) -> Sight:
    """Find the visit in the track, moving its times within what its clock may be wrong."""
    day = tracks.plane(fixes, facts.lat or 0.0, facts.lng or 0.0)
    smooth = tracks.smoothed(day)
    sights = [_sight(facts, day, smooth, shift) for shift in _shifts(facts)]
    return max(sights, key=_fit)


def _shifts(facts: VisitFacts) -> list[float]:
    """Seconds to try; only a clock that was turned in between leaves more than one."""
    if facts.clock_doubt_ms < CLOCK_TURNED_MS:
        return [0.0]
    doubt = min(facts.clock_doubt_ms / 1000, 6 * 3600)
    steps = min(120, int(doubt // 30))
    return sorted(np.linspace(-doubt, doubt, 2 * steps + 1).tolist(), key=abs)


def _fit(sight: Sight) -> tuple[float, float]:
    """How well a shift fits: time at the place within the told times, then the smallest shift."""
    stay, at = sight.stay, sight.centre
    if stay is None or at is None or at.distance_m > NEAR_M:
        return 0.0, -abs(sight.shift_s)
    inside = min(stay.end, sight.end) - max(stay.start, sight.start)
    return round(inside / 30), -abs(sight.shift_s)


def _sight(facts: VisitFacts, day: Track, smooth: Track, shift_s: float) -> Sight:
    start, end = facts.checked_in_ms / 1000 + shift_s, facts.closed_ms / 1000 + shift_s
    inside = day.between(start - 20, end + 20)
    if len(inside) < 3:
        inside = day.between(start - SLACK_S, end + SLACK_S)
    at = tracks.centre(inside)
    spot = at if at is not None and len(inside) >= 3 else Centre(0.0, 0.0, 0.0, 0)
    return Sight(
        day=day, smooth=smooth, start=start, end=end, shift_s=shift_s, inside=inside, centre=at,
        stay=tracks.stay_around(smooth, spot, start - SLACK_S, end + SLACK_S),
        flanks=tracks.flanks(smooth, start, end),
        around=tracks.texture(day.between(start - AROUND_S, end + AROUND_S)),
        whole_day=tracks.texture(day),
    )  # fmt: skip


# ---- reasons ----


def _place(s: Sight) -> list[Reason]:
    """Was the rep where the visit should be?"""
    if len(s.day) == 0:
        return [Reason("no_track", -0.3, forbids_confirming=True)]
    if s.centre is None or s.centre.fixes < 3:
        return _unseen(s)
    d, error = s.centre.distance_m, s.centre.error_m
    told = {"distance_m": round(d), "n": s.centre.fixes}
    if d - error > AWAY_M:
        return [Reason("away", -4.5, told, forbids_confirming=True)]
    if d <= NEAR_M:
        return [Reason("at_place", 2.2, told)]
    return [Reason("beside_place", -0.8, told, forbids_confirming=d > AWAY_M)]


def _unseen(s: Sight) -> list[Reason]:
    """The track is silent during the visit: do its two ends leave room for it?"""
    seen = s.flanks
    if seen is None:
        return [Reason("track_ends", -0.3, forbids_confirming=True)]
    told = {"gap_min": round(seen.seconds / 60), "before_m": round(seen.before_m),
            "after_m": round(seen.after_m)}  # fmt: skip
    if s.stay is not None and s.stay.seconds >= SHORT_S:
        return [Reason("gap_on_the_spot", 1.8, told)]
    if max(seen.before_m, seen.after_m) <= FLANK_M and seen.seconds >= 0.6 * s.told_s:
        return [Reason("gap_close_by", 1.6, told)]
    if min(seen.before_m, seen.after_m) > FLANK_M and _had_no_time(s, seen):
        return [Reason("gap_too_short", -3.0, told, forbids_confirming=True)]
    return [Reason("gap", -0.3, told, forbids_confirming=True)]


def _had_no_time(s: Sight, seen: Flanks) -> bool:
    """Whether nobody can go there, stay a minute and be back within the silence."""
    return (seen.before_m + seen.after_m) / (2 * SPEED_MPS["car"]) + BRIEF_S > seen.seconds


def _time(facts: VisitFacts, s: Sight) -> list[Reason]:
    """How long the rep stayed, by the track; and how long he says.

    A long stay speaks for the visit only at its place: anywhere else it is a fact without weight.
    """
    reasons: list[Reason] = []
    if s.told_s < SHORT_CLAIM_S:
        told = {"told_s": round(s.told_s)}
        reasons.append(Reason("told_short", -3.0, told, forbids_confirming=True))
    if s.centre is None or s.centre.fixes < 3:
        return reasons + _roomy(facts, s)
    stayed = s.stay.seconds if s.stay else 0.0
    told = {"stayed_min": round(stayed / 60, 1), "told_min": round(s.told_s / 60, 1)}
    if stayed < BRIEF_S:
        reasons.append(Reason("passed_by", -3.5, told, forbids_confirming=True))
    elif stayed < SHORT_S:
        reasons.append(Reason("stayed_briefly", -2.0, told, forbids_confirming=True))
    elif stayed < 0.4 * s.told_s:
        reasons.append(Reason("left_early", -1.5, told, forbids_confirming=True))
    elif stayed >= LONG_S or stayed >= 0.8 * s.told_s:
        is_there = s.centre.distance_m <= NEAR_M
        reasons.append(
            Reason("stayed", 1.5, told) if is_there else Reason("stayed_elsewhere", 0.0, told)
        )
    return reasons


def _roomy(facts: VisitFacts, s: Sight) -> list[Reason]:
    """The silence left enough time to come, stay and go, at the rep's own pace."""
    seen = s.flanks
    if seen is None or max(seen.before_m, seen.after_m) > FLANK_M:
        return []
    road_s = 1.3 * (seen.before_m + seen.after_m) / SPEED_MPS.get(facts.mode, 4.0)
    stayed = seen.seconds - road_s
    if stayed < min(SHORT_S, 0.5 * s.told_s):
        return [Reason("gap_leaves_no_time", -1.5, {"room_min": round(max(0.0, stayed) / 60, 1)},
                       forbids_confirming=True)]  # fmt: skip
    return [Reason("gap_leaves_time", 0.6, {"room_min": round(stayed / 60, 1)})]


def _claims(facts: VisitFacts) -> list[Reason]:
    """What the phone itself said when the buttons were pressed; one fix, so little weight."""
    reasons: list[Reason] = []
    for code, claim in (("check_in", facts.check_in), ("check_out", facts.check_out)):
        d = claim_distance_m(facts, claim)
        if d is None:
            continue
        told = {"distance_m": round(d)}
        allowed = NEAR_M + min(claim.accuracy_m or 30.0, 100.0)
        if d <= allowed:
            reasons.append(Reason(f"{code}_near", 0.4, told))
        elif d > AWAY_M + 100:
            reasons.append(Reason(f"{code}_far", -1.0, told))
    if facts.check_in.lat is None:
        reasons.append(Reason("check_in_blind", 0.0))
    elif not facts.check_in.is_fresh:
        reasons.append(Reason("check_in_stale", -0.3))
    return reasons


def claim_distance_m(facts: VisitFacts, claim: Claim) -> float | None:
    """From where a button was pressed to the place, by that one position."""
    if claim.lat is None or claim.lng is None or facts.lat is None or facts.lng is None:
        return None
    return distance_m(facts.lat, facts.lng, claim.lat, claim.lng)


def _fakery(facts: VisitFacts, s: Sight) -> list[Reason]:
    """Positions that an app made up, whether it says so or not."""
    reasons: list[Reason] = []
    here = (
        int(s.inside.is_mock.sum()) + bool(facts.check_in.is_mock) + bool(facts.check_out.is_mock)
    )
    share = float(s.day.is_mock.mean()) if len(s.day) else 0.0
    if here:
        reasons.append(Reason("mock_here", -8.0, {"n": here}, forbids_confirming=True))
    elif int(s.day.is_mock.sum()) >= 3:
        told = {"share_pct": round(100 * share)}
        reasons.append(Reason("mock_today", -3.0, told, forbids_confirming=True))
    if tracks.has_teleport(s.smooth.between(s.start - 900, s.end + 900), FASTEST_MPS):
        reasons.append(Reason("teleport", -1.5, forbids_confirming=True))
    return reasons + _texture(s)


def _texture(s: Sight) -> list[Reason]:
    """Perfect lines at constant speed, no scatter while standing: no receiver does that."""
    t = s.around if s.around.moving >= 10 else s.whole_day
    told = {"exact_pct": round(100 * t.exact_share), "n": t.moving}
    if t.exact_share >= EXACT_FROM and t.exact_share * t.moving >= EXACT_FIXES:
        weight = -5.0 if t.one_accuracy_share >= ONE_ACCURACY else -3.5
        return [Reason("too_perfect", weight, told, forbids_confirming=True)]
    v = s.around if s.around.speeds >= 10 else s.whole_day
    is_steady = v.speeds >= 10 and v.steady_share >= STEADY_FROM
    if is_steady and v.one_accuracy_share >= ONE_ACCURACY:
        told = {"steady_pct": round(100 * v.steady_share), "n": v.speeds}
        return [Reason("too_steady", -5.0, told, forbids_confirming=True)]
    stands = s.around if s.around.standing >= 6 else s.whole_day
    is_frozen = stands.standing >= 6 and stands.frozen_share >= 0.9
    if is_frozen and stands.one_accuracy_share >= ONE_ACCURACY:
        return [Reason("too_still", -2.5, {"n": stands.standing}, forbids_confirming=True)]
    return []


def _photos(facts: VisitFacts) -> list[Reason]:
    repeated = [p for p in facts.photos if p.repeated_in]
    if repeated:
        told = {"n": len(repeated), "visit_id": repeated[0].repeated_in}
        return [Reason("photo_repeated", -2.5, told, forbids_confirming=True)]
    stored = sum(p.is_stored for p in facts.photos)
    reasons = [Reason("photo", 0.4, {"n": stored})] if stored else []
    if missing := len(facts.photos) - stored:
        reasons.append(Reason("photo_missing", 0.0, {"n": missing}))
    return reasons


def _one_spot(facts: VisitFacts) -> list[Reason]:
    """Several visits at places apart, all reported from one spot, and this place not there."""
    here = facts.check_in
    own = claim_distance_m(facts, here)
    if own is None or own <= AWAY_M:
        return []
    alike = [s for s in facts.siblings if _is_same_spot(here, s.claim) and _is_apart(facts, s)]
    if len(alike) < 2:
        return []
    return [Reason("one_spot", -2.0, {"n": len(alike) + 1}, forbids_confirming=True)]


def _is_same_spot(a: Claim, b: Claim) -> bool:
    if a.lat is None or a.lng is None or b.lat is None or b.lng is None:
        return False
    return distance_m(a.lat, a.lng, b.lat, b.lng) <= SAME_SPOT_M


def _is_apart(facts: VisitFacts, other: Sibling) -> bool:
    if other.lat is None or other.lng is None or facts.lat is None or facts.lng is None:
        return False
    return distance_m(facts.lat, facts.lng, other.lat, other.lng) > PLACES_APART_M


def _clock(facts: VisitFacts, s: Sight) -> list[Reason]:
    """A wrong clock is told, and corrected; only one that was turned in between weighs."""
    if s.shift_s:
        return [Reason("clock_turned", -0.3, {"minutes": round(abs(s.shift_s) / 60)})]
    if abs(facts.offset_ms) >= CLOCK_WRONG_MS:
        return [Reason("clock_wrong", 0.0, {"minutes": round(abs(facts.offset_ms) / 60_000)})]
    return []


# ---- figures ----


def figures(facts: VisitFacts, s: Sight) -> dict[str, Any]:
    """The numbers a person may want to see beside the verdict."""
    at, stay, claim = s.centre, s.stay, claim_distance_m(facts, facts.check_in)
    near = np.hypot(s.smooth.x, s.smooth.y)[
        (s.smooth.t >= s.start - SLACK_S) & (s.smooth.t <= s.end + SLACK_S)
    ]
    return {
        "distance_m": None if at is None else round(at.distance_m),
        "error_m": None if at is None else round(at.error_m),
        "nearest_m": round(float(near.min())) if len(near) else None,
        "check_in_m": None if claim is None else round(claim),
        "dwell_s": round(stay.seconds) if stay else 0, "told_s": round(s.told_s),
        "fixes": len(s.inside), "day_fixes": len(s.day),
        "gap_s": round(tracks.longest_silence(s.day, s.start, s.end)) if len(s.day) else None,
        "mock_share": round(float(s.day.is_mock.mean()), 3) if len(s.day) else 0.0,
        "exact_share": round(s.around.exact_share, 3),
        "clock_offset_s": round(facts.offset_ms / 1000), "clock_shift_s": round(s.shift_s),
    }  # fmt: skip


# ---- the naive rule, to compare with ----


def distance_rule(facts: VisitFacts, fixes: Sequence[Fix] = ()) -> VerdictName:
    """What most systems do: the check-in's own position within 100 m and its accuracy, no more."""
    d = claim_distance_m(facts, facts.check_in)
    if d is None:
        return VerdictName.doubtful
    allowed = NEAR_M + min(facts.check_in.accuracy_m or 0.0, 100.0)
    return VerdictName.confirmed if d <= allowed else VerdictName.contradicted
