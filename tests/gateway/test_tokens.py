"""Many phones' tokens are looked up together, and each hears of its own."""

from __future__ import annotations

import asyncio

from fieldcrm.people import registry
from fieldcrm.people.model import SYSTEM, DeviceIdentity, UnknownDevice
from tests.gateway.town import Town
from workers.gateway.identity import Tokens


def test_tokens_asked_at_once_are_answered_each(town: Town) -> None:
    paired = [registry.pair_device(SYSTEM, town.reps[i % 2], "osmand")[:2] for i in range(6)]
    registry.revoke_device(SYSTEM, paired[5][0].id)
    tokens = [token for _, token in paired]
    asked = [*tokens, "nobody", "", tokens[0], "x" * 10_000]

    async def ask() -> list[object]:
        known = Tokens()
        looked_up = (known.look_up(token) for token in asked)
        found: list[object] = await asyncio.gather(*looked_up, return_exceptions=True)
        assert known.cached(tokens[0]) == found[0]
        assert known.cached("nobody") is None
        return found

    found = asyncio.run(ask())
    for i in range(5):
        identity = found[i]
        assert isinstance(identity, DeviceIdentity)
        assert (identity.device_id, identity.rep_id) == (paired[i][0].id, town.reps[i % 2])
    assert found[8] == found[0]
    assert all(isinstance(found[i], UnknownDevice) for i in (5, 6, 7, 9))
