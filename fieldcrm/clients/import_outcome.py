"""What an import does, or would do, added up row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from fieldcrm.clients import import_plan, import_rules, standing
from fieldcrm.clients.import_plan import CREATE, REJECT, SKIP, UNCHANGED, UPDATE, Step
from fieldcrm.clients.model import ImportRules, Trouble
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields.model import PREFIX

SHOWN_TROUBLES = 500
EXAMPLES = 20


class Outcome:
    """Counts, troubles, rejected rows and examples of one file; bounded but for the rejected."""

    def __init__(self, chosen: ImportRules, most: int = SHOWN_TROUBLES) -> None:
        self.chosen, self.most = chosen, most
        self.rejected: list[dict[str, Any]] = []
        """Every row that doesn't come in: {row, column, value, code, params}."""
        self.examples: list[dict[str, Any]] = []
        self._actions: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._grave: list[Trouble] = []
        self._light: list[Trouble] = []
        self._warnings = self._renamed = 0
        self._of_file: list[Trouble] = list(import_rules.missing_fields(chosen))
        self._others: list[dict[str, Any]] = []

    def add(self, steps: Iterable[Step]) -> None:
        """Take in what becomes of some rows."""
        for step in steps:
            self._actions[step.action] += 1
            self._take_troubles(step)
            self._show(step)
            if step.action == UPDATE:
                self._renamed += any(t.code == "other_name" for t in step.row.troubles)

    def _take_troubles(self, step: Step) -> None:
        if step.action in (REJECT, SKIP):
            self.rejected.append(_named(step))
        for trouble in step.row.troubles:
            self._codes[trouble.code] += 1
            self._warnings += not trouble.blocks
            kept = self._grave if trouble.blocks else self._light
            if len(kept) < self.most:
                kept.append(trouble)

    def _show(self, step: Step) -> None:
        """Rows that change something are shown before those that don't."""
        kept = self.examples if step.action in (CREATE, UPDATE) else self._others
        room = 2 * EXAMPLES if step.action == UPDATE else EXAMPLES
        if len(kept) < room:
            kept.append(_example(step))

    def close(self) -> None:
        """Judge the file as a whole, once every row is in."""
        self._of_file += import_plan.refuse_wholesale(self._renamed, self._actions[UPDATE])
        changed = sorted(self.examples, key=lambda e: e["action"] != UPDATE)[:EXAMPLES]
        shown = changed + self._others[: EXAMPLES - len(changed)]
        self.examples = sorted(shown, key=lambda e: e["row"])

    @property
    def counts(self) -> dict[str, int]:
        done = self._actions
        blocking = len(self._of_file) + (done[REJECT] if self.chosen.whole else 0)
        return {
            "rows": done.total(), "create": done[CREATE], "update": done[UPDATE],
            "unchanged": done[UNCHANGED], "skipped": done[SKIP], "rejected": done[REJECT],
            "blocking": blocking, "warnings": self._warnings,
        }  # fmt: skip

    @property
    def troubles(self) -> int:
        """How many there are, shown or not."""
        return len(self._of_file) + self._codes.total()

    @property
    def shown_troubles(self) -> list[Trouble]:
        """Troubles to show: those of the file, those that keep rows out, then warnings."""
        return [*self._of_file, *self._grave, *self._light][: self.most]

    @property
    def report(self) -> dict[str, Any]:
        """What is kept of a run."""
        return {
            "rules": asdict(self.chosen), "counts": self.counts,
            "troubles": [asdict(t) for t in self.shown_troubles],
            "trouble_counts": dict(self._codes),
        }  # fmt: skip


def _named(step: Step) -> dict[str, Any]:
    """A row that doesn't come in, with the first thing that keeps it out."""
    grave = [t for t in step.row.troubles if t.blocks] or step.row.troubles[-1:]
    first = grave[0]
    return {"row": step.row.number, "column": first.column, "value": first.value, "code": first.code,
            "params": dict(first.params)}  # fmt: skip


def _example(step: Step) -> dict[str, Any]:
    """A row as it would become; of a known client only what changes, with what it was before."""
    there = step.client or {}
    name = there.get("name") or step.row.fields.get("name")
    fields = step.changes if step.action in (CREATE, UPDATE) else step.row.fields
    shown = {k: v for k, v in fields.items() if k != "phone_e164"}
    before = {k: there[k] for k in shown} if step.action == UPDATE else {}
    for held in own_rules.IN_PARTS:
        if held in shown:
            was, now = own_rules.difference(before.pop(held, {}), shown.pop(held))
            shown |= {_column(held, name): _brief(value) for name, value in now.items()}
            if before or there:
                before |= {_column(held, name): _brief(value) for name, value in was.items()}
    return {"row": step.row.number, "action": step.action, "name": name, "fields": shown,
            "before": before, "territory": step.row.territory}  # fmt: skip


def _column(held: str, name: str) -> str:
    """What a file calls one value of a column that holds several."""
    return PREFIX + name if held == "own_fields" else standing.column_of(held, name)


def _brief(value: Any) -> Any:
    """A position, evidence or a consent as people write it; other values as they are."""
    if standing.is_told(value):
        return standing.written(value)
    if own_rules.is_point(value):
        return f"{value['lat']}, {value['lng']}"
    return value
