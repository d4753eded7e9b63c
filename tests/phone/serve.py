"""Serves the API, the region and a built phone app, as the web process does but without the pages.

`python -m tests.phone.serve FOLDER [OLDEST]`: FOLDER holds `rep/`, OLDEST is the oldest protocol of a
phone that is served; everything else comes from FIELDCRM_*.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from fieldcrm.api.app import make_api
from fieldcrm.kit.settings import settings
from fieldcrm.ops.web import Web
from fieldcrm.wire import protocol


async def serve(folder: Path) -> None:
    s = settings()
    app = Web(make_api(), folder)
    server = Server(app, address=s.host, port=s.port, interface=Interfaces.ASGI, log_access=False)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    await server.serve()


if __name__ == "__main__":
    protocol.OLDEST = int(sys.argv[2]) if len(sys.argv) > 2 else protocol.OLDEST
    asyncio.run(serve(Path(sys.argv[1])))
