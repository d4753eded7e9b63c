"""A phone for tests: numbers its mutations, keeps an outbox, applies what it pulls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from fieldcrm.kit import ids
from fieldcrm.people.model import Actor
from fieldcrm.sync import service
from fieldcrm.wire import sync as wire
from tests.field import LAT, LNG, NOW


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@dataclass
class Phone:
    """One rep's phone app; `error` is how far its clock is from true time."""

    actor: Actor
    device_id: str
    error: timedelta = timedelta(0)
    seq: int = 0
    cursor: str = "0"
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def does(
        self, kind: str, subject_id: str, payload: dict[str, Any] | None = None,
        at: datetime = NOW, **fields: Any,
    ) -> wire.Mutation:  # fmt: skip
        """The next mutation of this phone."""
        self.seq += 1
        told = {
            "id": ids.new_id(), "seq": self.seq, "device_at_ms": ms(at + self.error),
            "offset_ms": -round(self.error.total_seconds() * 1000),
        }  # fmt: skip
        return wire.Mutation(kind=kind, subject_id=subject_id, payload=payload or {},
                             **{**told, **fields})  # fmt: skip

    def checks_in(self, visit_id: str, at: datetime = NOW) -> wire.Mutation:
        return self.does("visit.check_in", visit_id, {"position": self.position(at)}, at)

    def closes(self, visit_id: str, at: datetime = NOW, **payload: Any) -> wire.Mutation:
        return self.does("visit.close", visit_id, {"result": "met", **payload}, at)

    def position(self, at: datetime = NOW) -> dict[str, Any]:
        fix_at = ms(at + self.error - timedelta(seconds=3))
        return {"lat": LAT, "lng": LNG, "accuracy_m": 8, "fix_at_ms": fix_at}

    def push(
        self, *mutations: wire.Mutation, now: datetime | None = None
    ) -> list[wire.MutationResult]:
        device_now = ms(now + self.error) if now else None
        message = wire.Push(self.device_id, list(mutations), device_now_ms=device_now)
        return service.push(self.actor, message).results

    def pull(self, limit: int = 500) -> int:
        """Pull until there is no more; returns how many pages it took."""
        pages = 0
        while True:
            answer = service.pull(self.actor, self.cursor, limit)
            pages += 1
            if answer.reset:
                self.rows.clear()
            for change in answer.changes:
                key = (change.entity, change.id)
                if change.op == "put":
                    self.rows[key] = msgspec.to_builtins(change.doc)
                else:
                    self.rows.pop(key, None)
            self.cursor = answer.cursor
            if not answer.more:
                return pages

    def holds(self, entity: str) -> dict[str, dict[str, Any]]:
        return {key: doc for (kind, key), doc in self.rows.items() if kind == entity}
