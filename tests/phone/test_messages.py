"""The office's messages on the phone: read, accepted and done; offline by time and place; woken when closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.kit import clock
from fieldcrm.messages import listing, sending, service
from fieldcrm.messages.model import Draft, Kind, MessageView, State
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from tests.install import settle
from tests.phone.field import LAT, LNG, LOGIN, Day, Server
from tests.phone.screens import all_safe, online, sign_in, violations

pytestmark = pytest.mark.browser


def _write(day: Day, kind: Kind, text: str, **more: Any) -> str:
    rep = frozenset({day.company.users[LOGIN]})
    return service.write(day.company.actor("dispatcher_north"), Draft(kind, text, rep, **more))[0]


def _state(day: Day, message_id: str) -> State:
    return _view(day, message_id).state


def _view(day: Day, message_id: str) -> MessageView:
    told = listing.sent(day.company.actor("dispatcher_north"))
    return next(m for m in told if m.id == message_id)


def _in_order(*wanted: Callable[[], bool]) -> None:
    for each in wanted:
        assert settle(each, seconds=60)


def test_a_task_is_read_accepted_and_done(server: Server, day: Day, phone: Any) -> None:
    task = _write(day, Kind.task, "Bring the leaflets", client_id=day.clients[0])
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.click("a.hint-row >> text=1 task from the office")
        page.wait_for_selector("article >> text=Bring the leaflets")
        page.wait_for_selector("article >> text=Elina Korhonen")
        assert violations(page) == []
        assert settle(lambda: _state(day, task) is State.seen, seconds=60)
        context.set_offline(True)
        page.click("article >> text=Accept")
        page.wait_for_selector("article >> text=Accepted")
        page.click("article >> text=Done")
        page.wait_for_selector(".list >> text=Bring the leaflets")
        assert _state(day, task) is State.seen
        online(page)
        all_safe(page)
        found = _view(day, task)
        assert found.state is State.done
        assert found.accepted_at is not None
        page.goto(f"{server.base}/rep/#/today")
        page.wait_for_selector("section.next")
        assert page.locator("a.hint-row >> text=office").count() == 0


def test_a_task_is_declined_with_a_reason(server: Server, day: Day, phone: Any) -> None:
    task = _write(day, Kind.task, "Drive to Turku")
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.goto(f"{server.base}/rep/#/tasks")
        page.click("article >> text=Can’t")
        page.fill("article textarea", "no car today")
        page.click("article >> text=Tell the office")
        page.wait_for_selector(".list >> text=Drive to Turku")
        assert settle(lambda: _state(day, task) is State.declined, seconds=60)
        assert _view(day, task).comment == "no car today"


def test_reminded_offline_by_time_and_by_place(server: Server, day: Day, phone: Any) -> None:
    """What the phone holds it reminds of by itself: a place when the rep gets there, a time when it comes."""
    _write(day, Kind.reminder, "Ask for the stamp", lat=LAT + 0.02, lng=LNG)
    _write(day, Kind.reminder, "Call the head nurse", due_at=clock.now() + timedelta(minutes=30))
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.wait_for_selector("a.hint-row >> text=2 tasks")
        page.goto(f"{server.base}/rep/#/shift")
        page.click(".btn.huge.p")
        page.wait_for_selector(".clock")
        context.set_offline(True)
        assert page.locator("[role=alert]").count() == 0
        context.set_geolocation({"latitude": LAT + 0.0195, "longitude": LNG, "accuracy": 10})
        page.wait_for_selector("[role=alert] >> text=Ask for the stamp", timeout=60_000)
        assert "You are here" in page.inner_text("[role=alert]")
        page.click("[role=alert] >> text=Got it")
        page.clock.install()
        page.clock.fast_forward(31 * 60_000)
        page.wait_for_selector("[role=alert] >> text=Call the head nurse", timeout=60_000)


def test_a_changed_plan_is_seen_and_accepted(server: Server, day: Day, phone: Any) -> None:
    sending.notice_plans(clock.now())
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        visits.move(
            day.company.actor("dispatcher_north"),
            MoveRequest(day.visits[3], "cancel", clock.now(), reason="client asked"),
        )
        assert sending.notice_plans(clock.now()) == 1
        [plan] = listing.sent(day.company.actor("dispatcher_north"), Kind.plan)
        online(page)
        page.click("a[href='#/plan-changed']")
        assert settle(lambda: _state(day, plan.id) is State.seen, seconds=60)
        page.click("footer .btn")
        assert settle(lambda: _state(day, plan.id) is State.accepted, seconds=60)


def test_a_closed_app_is_woken(server: Server, day: Day, phone: Any) -> None:
    """The service worker gets the message as a push service would hand it over, and shows what our
    server says of it; the office sees that it came."""
    with phone(permissions=["geolocation", "notifications"]) as context:
        page = context.new_page()
        sign_in(page, server.base)
        worker = _Worker(context, page, server.base)
        page.goto("about:blank")
        worker.is_alone()  # closed: no page of the app is open
        task = _write(day, Kind.task, "Bring the leaflets", client_id=day.clients[0])
        worker.hand_over({"t": "task", "id": task, "why": "new", "lang": "ru"})
        assert settle(lambda: _state(day, task) is State.arrived, seconds=60)
        [shown] = worker.shown(1)
        assert shown["title"] == "Задача из офиса"
        assert shown["body"] == "Bring the leaflets\nElina Korhonen"
        assert shown["data"] == {"hash": "#/tasks"}

        today = clock.local(clock.now()).date().isoformat()
        worker.hand_over({"t": "plan", "id": "none", "why": "new", "lang": "ro", "day": today})
        told = worker.shown(2)
        assert {n["title"] for n in told} == {"Задача из офиса", "Planul dvs. s-a schimbat"}
        worker.hand_over({"t": "plan", "id": "none", "why": "new", "lang": "ro", "day": today})
        assert len(worker.shown(2)) == 2, "a newer one of the same day takes the place"


LOOK_MS = 1500


class _Worker:
    """The app's service worker, reached through the browser's debugging protocol."""

    def __init__(self, context: Any, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.cdp = context.new_cdp_session(page)
        self.worker = context.service_workers[0]
        found: list[str] = []
        self.cdp.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: found.extend(
                r["registrationId"] for r in told["registrations"] if not r["isDeleted"]
            ),
        )
        self.cdp.send("ServiceWorker.enable")
        assert settle(lambda: page.wait_for_timeout(50) or found, seconds=60)
        self.registration = found[0]

    def is_alone(self) -> None:
        """Wait until no page of the app is open any more, as the worker sees it."""
        count = """async () => (await self.clients.matchAll(
            {type: "window", includeUncontrolled: true})).length"""
        settle(lambda: self.worker.evaluate(count) == 0, seconds=60)

    def hand_over(self, told: dict[str, Any]) -> None:
        self.cdp.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self.base, "registrationId": self.registration, "data": json.dumps(told)},
        )

    def shown(self, count: int) -> list[dict[str, Any]]:
        """The notifications that stand on the screen, once there are so many.

        Looked for seldom: Chromium forgets one that is asked for between being noted and being shown.
        """
        read = """async () => (await self.registration.getNotifications())
            .map((n) => ({title: n.title, body: n.body, data: n.data}))"""

        def enough() -> list[dict[str, Any]] | None:
            self.page.wait_for_timeout(LOOK_MS)
            found = self.worker.evaluate(read)
            return found if len(found) >= count else None

        return settle(enough, seconds=60)
