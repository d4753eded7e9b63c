"""A process with a helper that reads pages: says what both made of one, then waits for its end.

Arguments: the ids of a rep and of a manager. Prints one JSON object.
"""

import json
import os
import signal
import sys
import time
from queue import Empty
from typing import Any

from fieldcrm.kit import clock
from fieldcrm.kit.beside import Gone
from fieldcrm.kit.errors import Forbidden
from fieldcrm.people import service as people
from fieldcrm.sync import copying
from tests.field import NOW

rep, manager = (people.actor_of(user_id, "phone") for user_id in sys.argv[1:])
wanted = copying.Wanted(rep, "0", 500, True)
told: dict[str, Any] = {}


def refusal(ask: Any) -> str:
    try:
        ask()
    except (Empty, Gone, Forbidden) as error:
        return type(error).__name__
    return ""


with clock.held(NOW):
    here = copying.page(wanted)
    told["alone"] = refusal(lambda: copying.crowd.page(wanted))
    copying.cores = lambda: 2
    copying.crowd.gather()
    copying.crowd.gather()  # a second helper, which no fault of the first touches
    first, second = copying.crowd.pids[:2]
    told["same"] = copying.crowd.page(wanted) == copying.crowd.page(wanted) == here
    told["plain"] = copying.crowd.page(
        copying.Wanted(rep, "0", 500, False)
    ).content == copying._read(wanted)
    no_rep = copying.Wanted(manager, "0", 500, True)
    told["refused"] = [
        refusal(lambda: copying.crowd.page(no_rep)), refusal(lambda: copying.page(no_rep)),
    ]  # fmt: skip
    os.kill(first, signal.SIGKILL)
    told["after"] = all(copying.page(wanted) == here for _ in range(4))
    told["still"] = copying.crowd.page(wanted) == here
told["second"] = second
print(json.dumps(told), flush=True)
time.sleep(600)
