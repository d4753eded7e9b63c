"""A tracker's self-test: what it sent is seen to arrive before the first shift, and by whom."""

from __future__ import annotations

import pytest

from fieldcrm.kit import clock, ids
from fieldcrm.people import registry
from fieldcrm.people.model import OutOfScope
from fieldcrm.tracking import shifts, trial
from fieldcrm.tracking.model import Fix
from tests.people.company import found


def _fix(rep_id: str, device_id: str, at_ms: int) -> Fix:
    return Fix(rep_id, device_id, None, at_ms, at_ms, at_ms + 400, 60.17, 24.94, 8.0, None, None,
               80.0, False, False, "osmand", 0)  # fmt: skip


def test_heard_before_the_first_shift_and_by_nobody_else(app_db: None, valkey: object) -> None:
    company = found()
    rep = company.actor("rep_north")
    device, *_ = registry.pair_device(rep, rep.user_id, "osmand")
    other, *_ = registry.pair_device(rep, rep.user_id, "gpslogger")
    assert trial.heard(rep, device.id) is None
    now = clock.now_ms()
    shifts.record([_fix(rep.user_id, device.id, now - 9000), _fix(rep.user_id, device.id, now)])
    heard = trial.heard(rep, device.id)
    assert heard is not None
    assert (heard.fix_at_ms, heard.accuracy_m, heard.source) == (now, 8.0, "osmand")
    assert not hasattr(heard, "lat"), "where he is before a shift is nobody's business"
    assert trial.heard(rep, other.id) is None
    assert trial.heard(company.actor("dispatcher_north"), device.id) == heard
    for login in ("second_north", "rep_south", "dispatcher_south"):
        with pytest.raises(OutOfScope):
            trial.heard(company.actor(login), device.id)
    with pytest.raises(OutOfScope):
        trial.heard(rep, ids.new_id())
