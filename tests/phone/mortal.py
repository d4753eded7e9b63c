"""A phone whose browser is killed without warning, and opened again with what its disk holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any

import psutil
from playwright.sync_api import Error, Playwright

from tests.browser import ARGUMENTS, executable
from tests.phone.conftest import PHONE

ITS_OWN_TIME = """() => {
  const stamped = (take) => (found) => take({ coords: found.coords, timestamp: Date.now() });
  for (const name of ["watchPosition", "getCurrentPosition"]) {
    const asked = Geolocation.prototype[name];
    Geolocation.prototype[name] = function (take, ...rest) { return asked.call(this, stamped(take), ...rest); };
  }
}"""
"""The receiver tells the time of the phone's clock, which is another week's here."""


class MortalPhone:
    """`hear` is told of each step that a page names by `told(...)`."""

    def __init__(
        self, playwright: Playwright, profile: Path, base: str, hear: Callable[[str], None]
    ) -> None:
        self._playwright, self._profile, self._base, self._hear = playwright, profile, base, hear
        self._context: Any = None
        self._page: Any = None
        self._processes: list[psutil.Process] = []
        self._clock = (datetime.min, 0.0)
        self._end: Timer | None = None
        self.is_offline = False
        self.deaths = 0
        self.is_dead = True

    def set_clock(self, now: datetime) -> None:
        """What the phone's clock shows from the next opening on."""
        self._clock = (now, monotonic())

    @property
    def page(self) -> Any:
        """The app, opened when it isn't."""
        if self.is_dead:
            self._open()
        return self._page

    def _open(self) -> None:
        self.close()
        context = self._playwright.chromium.launch_persistent_context(
            str(self._profile), executable_path=executable(), args=ARGUMENTS, **PHONE
        )
        self._context, self.is_dead, self._processes = context, False, self._family()
        shown, since = self._clock
        context.clock.install(time=shown + timedelta(seconds=monotonic() - since))
        context.add_init_script(f"({ITS_OWN_TIME})()")
        context.expose_binding("told", lambda _, step: self._hear(step))
        context.set_offline(self.is_offline)
        self._page = context.new_page()
        self._page.goto(f"{self._base}/rep/")

    def _family(self) -> list[psutil.Process]:
        mark = f"--user-data-dir={self._profile}"
        found: set[psutil.Process] = set()
        for process in psutil.process_iter(["cmdline"]):
            if mark in (process.info["cmdline"] or []):
                with suppress(psutil.NoSuchProcess):  # a browser's helpers come and go
                    found |= {process, *process.children(recursive=True)}
        return list(found)

    def kill(self) -> None:
        """The end, in the middle of whatever it does."""
        if self.is_dead:
            return
        self.is_dead = True
        self.deaths += 1
        for process in self._processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def kill_within(self, seconds: float) -> None:
        self._end = Timer(seconds, self.kill)
        self._end.start()

    def close(self) -> None:
        """Put it away; what died is cleared away."""
        if self._context is None:
            return
        if self._end is not None:
            self._end.join()
        with suppress(Error):
            self._context.close()
        _, left = psutil.wait_procs(self._processes, timeout=60)
        assert left == [], left
        self._context, self.is_dead = None, True

    def until_done(self, work: Callable[[Any], Any]) -> Any:
        """Do it on the app's screens; when the phone dies in the middle, open it and go on."""
        while True:
            try:
                return work(self.page)
            except Error:
                if not self.is_dead:
                    raise
