"""How fast the rep's app is on a cheap phone: `fieldcrm bench phone`.

A real Chromium holds 5,000 clients and 10,000 visits of one rep. Each figure is taken with a processor
four times slower and a network of 1.6 Mbit/s with 150 ms, and beside it without either. Times run
from the press, or from the navigation, until the frame after the one that shows the answer, by the
page's own clock. Medians over the rounds. Prints one JSON object last. Needs Playwright and a Chromium;
Lighthouse is fetched by bun, where the network has it.
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

SHOWN = """
(() => {
  const painted = (done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(); port1.onmessage = done; port2.postMessage(0);
  });
  globalThis.shown = {};
  const watch = (name, selector, since) => {
    const look = () => {
      if (!document.querySelector(selector)) return requestAnimationFrame(look);
      painted(() => { globalThis.shown[name] = performance.now() - since; });
    };
    look();
  };
  globalThis.watchFor = watch;
  addEventListener('click', (e) => {
    if (e.target.closest('section.sheet button')) watch('check_in', '.timer', e.timeStamp);
  }, true);
  addEventListener('input', (e) => {
    const began = e.timeStamp;
    painted(() => { (globalThis.keys ??= []).push(performance.now() - began); });
  }, true);
  watch('sign_in', 'input[name=login]', 0);
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
        print("the phone holds everything", flush=True)
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
    """A signed-in phone with everything on it, whose app opens without a network."""
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
        page.wait_for_timeout(2000)  # and what comes after: the kept chunks


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
    seen: dict[str, list[float]] = {}
    keys: list[float] = []
    for n in range(rounds):
        first = _first_visit(folder / f"fresh-{load.name}-{n}", base, load)
        seen.setdefault("interactive_s", []).append(first / 1000)
        profile = folder / f"copy-{load.name}-{n}"
        shutil.copytree(folder / "profile", profile, symlinks=True)
        opened, pressed, typed = _day(profile, base, load)
        seen.setdefault("offline_open_s", []).append(opened / 1000)
        seen.setdefault("checkin_ms", []).append(pressed)
        keys += typed
        shutil.rmtree(profile, ignore_errors=True)
        print(f"{load.name} {n + 1}: first {first:.0f}, offline {opened:.0f}, check-in {pressed:.0f}, "
              f"keys {[round(k) for k in typed]} ms", flush=True)  # fmt: skip
    told = {k: round(statistics.median(v), 3 if k.endswith("_s") else 1) for k, v in seen.items()}
    return {
        **told,
        "search_ms": round(statistics.median(keys), 1),
        "search_worst_ms": round(max(keys), 1),
    }


def _first_visit(profile: Path, base: str, load: Load) -> float:
    """Until the sign-in takes what is typed, on a phone that was never here."""
    with _browser(profile) as context:
        page = context.new_page()
        _slow(page, load)
        page.goto(f"{base}/rep/", wait_until="commit")
        return float(_shown(page, "sign_in"))


def _day(profile: Path, base: str, load: Load) -> tuple[float, float, list[float]]:
    """The app opened cold without a network; a check-in; a name typed."""
    with _browser(profile) as context:
        page = context.new_page()
        _slow(page, load, offline=True)
        context.set_offline(True)
        page.goto(f"{base}/rep/", wait_until="commit")
        opened = _shown(page, "today")
        page.wait_for_timeout(3000)  # all clients are in memory, nothing else is under way
        page.goto(f"{base}/rep/#/clients")
        page.wait_for_selector("input[type=search]")
        page.wait_for_function("document.querySelectorAll('section.card .list > *').length >= 50")
        page.click("input[type=search]")
        page.keyboard.type(TYPED, delay=250)
        page.wait_for_timeout(1000)
        typed = page.evaluate("globalThis.keys")
        page.goto(f"{base}/rep/#/today")
        page.click("section.next a.btn.p")
        context.set_geolocation({"latitude": 60.17001, "longitude": 24.94, "accuracy": 11})
        button = page.locator("section.sheet button.btn", has_text="without")
        button.wait_for()
        page.wait_for_timeout(1500)
        button.tap()
        return opened, _shown(page, "check_in"), [float(k) for k in typed]


def _shown(page: Any, name: str) -> float:
    page.wait_for_function("(name) => globalThis.shown?.[name] !== undefined", arg=name)
    return float(page.evaluate("(name) => globalThis.shown[name]", name))


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
