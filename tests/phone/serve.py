"""Serves the API, the region and a built phone app, as the web process does but without the pages.

What is served comes from FIELDCRM_*.
"""

from __future__ import annotations

import asyncio
import signal
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


def main(folder: str, oldest: str) -> None:
    """Until it is told to stop. `folder` holds `rep/`; `oldest` is the oldest protocol of a phone that is served."""
    protocol.OLDEST = int(oldest)
    asyncio.run(serve(Path(folder)))
