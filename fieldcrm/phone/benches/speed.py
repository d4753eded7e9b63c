"""How fast the rep's app is on a cheap phone: `fieldcrm bench phone`.

A real Chromium holds 5,000 clients and 10,000 visits of one rep. Each figure is taken with a processor
four times slower and a network of 1.6 Mbit/s with 150 ms, and beside it without either. Times run
from the press, or from the navigation, until the frame that shows the answer is made, by the page's
own clock. A check-in has answered when the visit is shown as under way and the screen says that it is
written down, which it says once the disk has it. Medians over the rounds. Prints one JSON object last.
Needs Playwright and a Chromium; Lighthouse is fetched by bun, where the network has it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fieldcrm.phone import build
from fieldcrm.phone.benches import first_sync
from fieldcrm.phone.benches import plant as plants

SLOWER = 4
BYTES_PER_S = 1_600_000 // 8
LATENCY_MS = 150
VIEW: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True,
    "has_touch": True, "locale": "en-GB", "permissions": ["geolocation"],
    "geolocation": {"latitude": 60.17, "longitude": 24.94, "accuracy": 12},
}  # fmt: skip
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-first-run", "--use-gl=angle", "--use-angle=swiftshader"]  # fmt: skip
TODAY_VISITS = 12
LIGHTHOUSE = "lighthouse@13.5.0"
ASKED = ("performance", "accessibility", "best-practices")
TYPED = "Клиент 0 47"
WAIT_MS = 120_000
LEFT_ALONE_MS = 2500
"""A page that is measured is not asked meanwhile: that takes its time."""
OPENED_BEFORE = 2
AT_REST_MS = 6000

SHOWN = """
(() => {
  const made = (done) => {  // called in a frame: once that frame is made
    const { port1, port2 } = new MessageChannel(); port1.onmessage = done; port2.postMessage(0);
  };
  const shown = globalThis.shown = { keys: [] };
  const awaited = [];
  const look = () => {
    for (const each of awaited.filter((w) => document.querySelector(w.selector))) {
      awaited.splice(awaited.indexOf(each), 1);
      requestAnimationFrame(() => made(() => { shown[each.name] = performance.now() - each.since; }));
    }
  };
  const watch = (name, selector, since) => awaited.push({ name, selector, since });
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
  addEventListener('click', (e) => {
    if (!e.target.closest('section.sheet button')) return;
    watch('under_way', '.timer', e.timeStamp);
    watch('check_in', 'body:has(.timer) nav.truth > a.ok:first-child', e.timeStamp);
  }, true);
  addEventListener('input', (e) => {
    const began = e.timeStamp;
    requestAnimationFrame(() => made(() => shown.keys.push(performance.now() - began)));
  }, true);
  watch('sign_in', 'input[name=login]', 0);
  watch('whole', 'html[data-opened]', 0);
  watch('today', 'section.next', 0);
})();
"""
"""In each page: when what was asked for stood on the screen, in ms."""


@dataclass(frozen=True)
class Load:
    """What a phone is: how many times slower, and whether its network is poor."""

    name: str
    slower: int
    is_poor: bool


LOADS = (Load("phone", SLOWER, True), Load("unthrottled", 1, False))


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench phone", description=__doc__)
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--visits", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-lighthouse", action="store_true")
    chosen = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and nothing is left running
    with tempfile.TemporaryDirectory(
        prefix="fieldcrm-bench-", ignore_cleanup_errors=True
    ) as folder:
        found = _run(Path(folder), chosen)
    print(json.dumps(found))


def _run(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    began = time.perf_counter()
    home = folder / "home"
    home.mkdir()
    plants.settle_in(home)
    cookie = populate(chosen.clients, chosen.visits)
    built = built_for(home / "pages")
    plant = plants.Plant(home, (plants.VALKEY, plants.WEB, plants.GATEWAY), is_watched=False)
    try:
        plant.start()
        base = f"http://localhost:{plant.port}"
        _copy(folder / "profile", base, cookie, chosen)
        _tell(f"the phone holds everything after {time.perf_counter() - began:.0f} s")
        figures = {load.name: _measure(folder, base, load, chosen.rounds) for load in LOADS}
        scores = {} if chosen.no_lighthouse else lighthouse(folder, f"{base}/rep/")
    finally:
        plant.stop()
    return {
        "clients": chosen.clients, "visits": chosen.visits, "js_gzip_bytes": built.script_gzip,
        **figures["phone"], "unthrottled": figures["unthrottled"], "lighthouse": scores,
    }  # fmt: skip


def built_for(folder: Path) -> build.BuildReport:
    """The app as it is shipped: with every text packed beside itself, as the whole build does."""
    built = build.build(folder)
    for path in (folder / "rep").rglob("*"):
        if path.suffix in (".js", ".css", ".json", ".html", ".webmanifest"):
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            path.with_name(path.name + ".gz").write_bytes(packed)
    return built


def populate(clients: int, visits: int) -> str:
    """One rep with his clients and a diary whose other days are full; his session's cookie."""
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import engine, transaction
    from fieldcrm.phone.benches.staff import Staff

    today = clock.local(clock.now()).date()
    with transaction() as session:
        staff = Staff(session, today)
        team = staff.team()
        rep_id, home, cookie = staff.rep(team, "Rep")
        cards = first_sync._cards(session, home, clients, 0)
        _diary(session, rep_id, team, cards, visits)
        staff.cycle(team, rep_id, cards[:200])
    engine().dispose()
    return cookie


def _diary(session: Any, rep_id: str, team: str, cards: list[str], count: int) -> None:
    """A day of a rep today, and the rest spread over the fortnight that a phone holds."""
    from sqlalchemy import insert

    from fieldcrm.kit import clock
    from fieldcrm.kit import ids as made
    from fieldcrm.visits.tables import Visit

    now, today = clock.now(), clock.local(clock.now()).date()
    days = [0] * TODAY_VISITS
    others = [d for d in range(-6, 14) if d]
    days += [others[n % len(others)] for n in range(count - TODAY_VISITS)]
    rows = []
    for n, day in enumerate(days):
        at = now + timedelta(days=day, minutes=n % TODAY_VISITS)
        done = at if day < 0 else None
        rows.append({
            "id": made.new_id(), "rep_id": rep_id, "team_id": team, "lat": 60.17, "lng": 24.94,
            "client_id": cards[n % len(cards)], "day": today + timedelta(days=day), "position": n + 1,
            "state": "closed" if done else "planned", "planned_at": at, "expected_at": at,
            "planned_minutes": 15, "travel_s": 600, "travel_m": 2500, "travel_mode": "foot",
            "priority": 1, "pause_min": 0, "is_locked": False, "is_unplanned": False, "details": {},
            "objective": "Новый препарат", "checked_in_at": done, "closed_at": done,
            "result": "met" if done else None, "verdict": "unjudged", "verdict_reasons": [],
            "comment": "Обсудили дозировку и цену" if done else None, "conflicts": [],
            "is_sample": False, "created_at": now, "updated_at": now, "version": 1,
        })  # fmt: skip
    session.execute(insert(Visit), rows)


# ---- the browser ----


@contextmanager
def _browser(profile: Path) -> Iterator[Any]:
    """A browser on a profile, as cold as a new process is."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("FIELDCRM_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=path, args=ARGUMENTS, **VIEW
        )
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(SHOWN)
        try:
            yield context
        finally:
            context.close()


def _slow(page: Any, load: Load, *, offline: bool = False) -> None:
    cdp = page.context.new_cdp_session(page)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": load.slower})
    cdp.send("Network.enable")
    rate = BYTES_PER_S if load.is_poor else -1
    cdp.send("Network.emulateNetworkConditions", {
        "offline": offline, "latency": LATENCY_MS if load.is_poor else 0,
        "downloadThroughput": rate, "uploadThroughput": rate,
    })  # fmt: skip


def _copy(profile: Path, base: str, cookie: str, chosen: argparse.Namespace) -> None:
    """A signed-in phone with everything on it, as one in use: its app was opened and closed before."""
    name, _, value = cookie.partition("=")
    with _browser(profile) as context:
        context.add_cookies([
            {"name": name, "value": value, "url": base, "httpOnly": True,
             "expires": 4_000_000_000, "sameSite": "Strict"}
        ])  # fmt: skip
        page = context.new_page()
        page.goto(f"{base}/rep/")
        page.wait_for_selector("section.next, footer.dock .btn.huge.p")
        page.wait_for_function(_HOLDS, arg=[chosen.clients, chosen.visits], polling=500)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.wait_for_function("navigator.serviceWorker.controller !== null")
        page.wait_for_selector("section.next")
    for _ in range(OPENED_BEFORE):
        with _browser(profile) as context:
            page = context.new_page()
            page.goto(f"{base}/rep/")
            page.wait_for_timeout(AT_REST_MS)  # what the app keeps for the next opening


_HOLDS = """async ([clients, visits]) => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const count = (s) => new Promise((ok) => {
    const q = db.transaction(s).objectStore(s).count(); q.onsuccess = () => ok(q.result);
  });
  const copied = await new Promise((ok) => {
    const q = db.transaction('meta').objectStore('meta').get('first_copy'); q.onsuccess = () => ok(q.result);
  });
  const found = [await count('clients'), await count('visits')]; db.close();
  return copied?.value === true && found[0] >= clients && found[1] >= visits;
}"""


def _measure(folder: Path, base: str, load: Load, rounds: int) -> dict[str, Any]:
    """Medians over the rounds, each on a copy of its own: a new phone, and one that holds everything."""
    seen: list[dict[str, float]] = []
    keys: list[float] = []
    for n in range(rounds):
        began = time.perf_counter()
        profile = folder / f"copy-{load.name}-{n}"
        shutil.copytree(folder / "profile", profile, symlinks=True)
        day, typed = _day(profile, base, load)
        seen.append(_first_visit(folder / f"fresh-{load.name}-{n}", base, load) | day)
        keys += typed
        shutil.rmtree(profile, ignore_errors=True)
        told = ", ".join(f"{k} {v:g}" for k, v in seen[-1].items())
        _tell(f"{load.name} {n + 1} of {rounds} in {time.perf_counter() - began:.0f} s: {told}, "
              f"keys {[round(k) for k in typed]}")  # fmt: skip
    middle = {k: round(statistics.median(each[k] for each in seen), 3) for k in seen[0]}
    return {
        **middle, "search_ms": round(statistics.median(keys), 1),
        "search_worst_ms": round(max(keys), 1),
    }  # fmt: skip


def _first_visit(profile: Path, base: str, load: Load) -> dict[str, float]:
    """A phone that was never here: until the sign-in takes what is typed, and until all code is there."""
    with _browser(profile) as context:
        page = context.new_page()
        _slow(page, load)
        page.goto(f"{base}/rep/", wait_until="commit")
        page.wait_for_timeout(LEFT_ALONE_MS)
        interactive = _shown(page, "sign_in")
        page.type("input[name=login]", "anna")
        whole = _shown(page, "whole")
        if page.input_value("input[name=login]") != "anna":
            raise RuntimeError("the sign-in took what was typed and lost it")
        seconds = {"interactive_s": interactive, "whole_app_s": whole}
        return {name: round(ms / 1000, 3) for name, ms in seconds.items()}


def _day(profile: Path, base: str, load: Load) -> tuple[dict[str, float], list[float]]:
    """The app opened cold without a network; a check-in; a name typed."""
    with _browser(profile) as context:
        page = context.new_page()
        _slow(page, load, offline=True)
        context.set_offline(True)
        page.goto(f"{base}/rep/", wait_until="commit")
        page.wait_for_timeout(LEFT_ALONE_MS)
        opened = _shown(page, "today")
        page.wait_for_timeout(3000)  # all clients are in memory, nothing else is under way
        typed = _search(page, base)
        under_way, answered = _check_in(page, base)
        return {
            "offline_open_s": round(opened / 1000, 3), "checkin_ms": round(answered, 1),
            "checkin_shown_ms": round(under_way, 1),
        }, typed  # fmt: skip


def _search(page: Any, base: str) -> list[float]:
    page.goto(f"{base}/rep/#/clients")
    page.wait_for_selector("input[type=search]")
    page.wait_for_function("document.querySelectorAll('section.card .list > *').length >= 50")
    page.click("input[type=search]")
    page.keyboard.type(TYPED, delay=250)
    page.wait_for_timeout(500)
    return [float(k) for k in page.evaluate("globalThis.shown.keys")]


def _check_in(page: Any, base: str) -> tuple[float, float]:
    """From the press until it is shown as under way, and until it also says that it is written down."""
    page.goto(f"{base}/rep/#/today")
    page.click("section.next a.btn.p")
    page.context.set_geolocation({"latitude": 60.17001, "longitude": 24.94, "accuracy": 11})
    button = page.locator("section.sheet button.btn", has_text="without")
    button.wait_for()
    page.wait_for_timeout(1500)
    box = button.bounding_box()  # a bare touch: the locator's own would watch each event for us
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(LEFT_ALONE_MS)
    answered = _shown(page, "check_in")
    return _shown(page, "under_way"), answered


def _shown(page: Any, name: str) -> float:
    """When a thing stood on the screen, in ms."""
    is_there = "(name) => globalThis.shown?.[name] !== undefined"
    page.wait_for_function(is_there, arg=name, polling=200)
    return float(page.evaluate("(name) => globalThis.shown[name]", name))


def _tell(what: str) -> None:
    """Progress, for whoever waits; the result alone goes to standard output last."""
    print(what, file=sys.stderr, flush=True)


# ---- Lighthouse ----


def lighthouse(folder: Path, url: str) -> dict[str, Any]:
    """Lighthouse's scores (0 to 100) on its mobile profile, or why there are none."""
    place = folder / "lighthouse"
    place.mkdir()
    (place / "package.json").write_text('{"name": "bench", "private": true}')
    try:
        build.bun("add", LIGHTHOUSE, cwd=place)
    except build.BuildFailed as error:
        return {"why_none": f"not installed: {str(error)[-200:]}"}
    report = place / "report.json"
    command = [
        "x", "--bun", "lighthouse", url, "--quiet", "--output=json", f"--output-path={report}",
        f"--only-categories={','.join(ASKED)}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    ]  # fmt: skip
    os.environ["CHROME_PATH"] = (
        os.environ.get("FIELDCRM_CHROMIUM") or shutil.which("chromium") or ""
    )
    try:
        build.bun(*command, cwd=place)
        told = json.loads(report.read_text())
    except (build.BuildFailed, OSError, ValueError, subprocess.SubprocessError) as error:
        return {"why_none": f"did not run: {str(error)[-300:]}"}
    scores = {k.replace("-", "_"): round(100 * c["score"]) for k, c in told["categories"].items()
              if c["score"] is not None}  # fmt: skip
    return scores | {"failing": sorted(_failing(told))}


def _failing(told: dict[str, Any]) -> Iterator[str]:
    """Audits of weight that keep a category from 100."""
    for category in told["categories"].values():
        for each in category["auditRefs"]:
            score = told["audits"][each["id"]]["score"]
            if each["weight"] > 0 and score is not None and score < 0.9:
                yield f"{each['id']} {score}"


if __name__ == "__main__":
    main()
