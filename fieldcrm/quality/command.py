"""The `fieldcrm quality` command: a look through the base in this process, and its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fieldcrm.kit import i18n
from fieldcrm.people.model import SYSTEM
from fieldcrm.quality import checking, words
from fieldcrm.quality.checking import Report


def check(progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Look through the base now; what the newest report says. Raises RunUnderWay."""
    run = checking.run_now(SYSTEM, lambda share: progress(share, "of the base looked through"))
    found = next(r for r in checking.reports(SYSTEM) if r.run.id == run.id)
    return _told(found)


def _told(found: Report) -> dict[str, Any]:
    return {
        "run_id": found.run.id, "status": found.run.status, "clients": found.clients,
        "score": found.score, "score_before": found.score_before, "pins": found.pins,
        "seconds": found.run.report.get("seconds"),
        "findings": {
            line.code.value: {"before": line.before, "now": line.now, "cleared": line.cleared,
                              "appeared": line.appeared}
            for line in found.lines
        },
    }  # fmt: skip


def lines(told: dict[str, Any]) -> Iterator[str]:
    """The report for people."""
    score = "—" if told["score"] is None else f"{told['score']:.1f}"
    before = "" if told["score_before"] is None else f" (was {told['score_before']:.1f})"
    yield f"{told['clients']} clients, mean score {score}{before}; {told['pins']} new pins proposed"
    for code, n in told["findings"].items():
        name = words.label(words.Code(code), i18n.DEFAULT)
        yield f"{n['now']:>8}  {name} (was {n['before']}, {n['cleared']} put right, {n['appeared']} new)"
