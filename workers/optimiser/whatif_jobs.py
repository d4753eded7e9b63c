"""The job that works out a scenario of a what-if; runs in a process of its own that may be killed."""

from __future__ import annotations

import logging

from fieldcrm.kit import jobs
from fieldcrm.kit.errors import Refusal
from fieldcrm.planning import whatif_working
from fieldcrm.planning.cycle_model import CycleProblem, Tours
from fieldcrm.planning.cycle_ways import ways_here
from fieldcrm.planning.tables import WhatIf, WhatIfScenario
from fieldcrm.planning.whatif_working import Broken
from workers.optimiser.leases import lease
from workers.optimiser.reporting import Reporter

SEED = 1
_log = logging.getLogger(__name__)


def run_scenario(scenario_id: str) -> None:
    """Work a scenario out, once: the job may be queued again after a worker died."""
    with lease(scenario_id) as is_mine:
        if not is_mine:
            return
        found = whatif_working.begin(scenario_id)
        if found is not None:
            _run(*found)


def _run(asked: WhatIf, scenario: WhatIfScenario) -> None:
    from rq.timeouts import JobTimeoutException

    try:
        _work_out(asked, scenario)
    except jobs.Cancelled:
        whatif_working.fail(scenario.id, "cancelled", status="cancelled")
    except Refusal as refusal:
        whatif_working.fail(scenario.id, refusal.code)
    except Broken as broken:
        _log.error("a scenario for %s breaks %s", scenario.id, broken)
        whatif_working.fail(scenario.id, "plan_broken")
    except JobTimeoutException:
        whatif_working.fail(scenario.id, "timeout")
        raise
    except Exception:  # told at once: whoever asked sits before it and can ask again
        whatif_working.fail(scenario.id, "broken")
        raise


def _work_out(asked: WhatIf, scenario: WhatIfScenario) -> None:
    ways = ways_here()
    work = whatif_working.load(asked, scenario)
    tell = Reporter(scenario.id, asked.team_id).tell
    tell(0.02)
    whatif_working.work_out(work, ways, _search, tell, ways.is_estimate)


def _search(problem: CycleProblem, steps: int) -> Tours:
    from workers.optimiser.cycles.solve import solve  # the compiled search, loaded where needed
    from workers.optimiser.routes.solve import Stop

    return solve(problem, Stop(steps), SEED).plan
