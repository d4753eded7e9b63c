"""The job that works out a proposal; runs in a process of its own that may be killed at any time."""

from __future__ import annotations

import logging
import time

from fieldcrm.kit import clock, jobs
from fieldcrm.kit.errors import Refusal
from fieldcrm.planning import working
from fieldcrm.planning.tables import Proposal
from fieldcrm.regions.model import RegionMissing
from workers.optimiser.leases import lease
from workers.optimiser.reporting import Reporter
from workers.optimiser.solve import Limit, solve

SEED = 1
_log = logging.getLogger(__name__)


def run_proposal(proposal_id: str) -> None:
    """Work a proposal out, once: the job may be queued again after a worker died."""
    with lease(proposal_id) as is_mine:
        if not is_mine:
            return
        found = working.begin(proposal_id)
        if found is not None:
            _run(found)


def _run(found: Proposal) -> None:
    try:
        _work_out(found)
    except jobs.Cancelled:
        working.fail(found.id, "cancelled", status="cancelled")
    except Refusal as refusal:
        working.fail(found.id, refusal.code)
    except RegionMissing:
        working.fail(found.id, "no_region")
    except Exception as error:
        if _is_last_try(error):
            working.fail(found.id, "timeout" if _is_timeout(error) else "broken")
        raise


def _work_out(found: Proposal) -> None:
    if found.kind == "cycle":
        _work_out_cycle(found)
    else:
        _work_out_day(found)


def _work_out_cycle(found: Proposal) -> None:
    from workers.optimiser.cycle_jobs import work_out  # the compiled search is loaded where needed

    broken = work_out(found, Reporter(found.id, found.team_id).tell)
    if broken:
        _log.error("a cycle plan for %s breaks %s", found.id, [v.kind for v in broken])


def _work_out_day(found: Proposal) -> None:
    from fieldcrm.kit.settings import settings
    from fieldcrm.regions.roads import Roads

    started = time.perf_counter()
    reporter = Reporter(found.id, found.team_id)
    roads = Roads(settings().region_dir)
    problem, facts = working.load_problem(found, roads, clock.now())
    reporter.tell(0.1)
    limit = _limit(found, reporter)
    plan = solve(problem, limit, SEED, reporter.tell)
    solver = {
        "engine": plan.engine, "seed": SEED, "steps": limit.steps,
        "seconds": round(time.perf_counter() - started, 2),
        "is_search_done": plan.is_optimal_search_done,
    }  # fmt: skip
    broken = working.finish(found, problem, plan, facts, roads, solver)
    if broken:
        _log.error("a plan for %s breaks %s", found.id, [v.kind for v in broken])


def _limit(found: Proposal, reporter: Reporter) -> Limit:
    """One rep's re-plan is asked for by somebody who waits; a team's day may take longer."""
    is_small = len(found.rep_ids) < 3
    return Limit(None, 1.5 if is_small else 8.0, reporter.is_cancelled)


def _is_last_try(error: Exception) -> bool:
    from rq import get_current_job

    job = get_current_job()
    return _is_timeout(error) or job is None or not job.retries_left


def _is_timeout(error: Exception) -> bool:
    from rq.timeouts import JobTimeoutException

    return isinstance(error, JobTimeoutException)
