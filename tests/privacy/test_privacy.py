"""A person's data: counted, put in a file for who asked, erased after two steps."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.api.app import make_api
from fieldcrm.evidence import service as evidence
from fieldcrm.kit import bus, clock, feed, files, ids, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.standing import FileStatus
from fieldcrm.messages import listing
from fieldcrm.messages import service as messages
from fieldcrm.messages.model import Answer, Draft, Kind
from fieldcrm.messages.tables import Message, PushDelivery, PushSubscription
from fieldcrm.people import registry
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor, OutOfScope, RoleForbids
from fieldcrm.privacy import archive, service
from fieldcrm.privacy.model import (
    FileNotReady,
    FileUnderWay,
    NoSuchFile,
    NotCounted,
    WrongConfirmation,
)
from fieldcrm.privacy.tables import PersonFile
from fieldcrm.tracking import keeping, live_index, policy, unreadable
from fieldcrm.tracking.model import Fix
from fieldcrm.visits import keeping as photos
from fieldcrm.visits.tables import Attachment, Visit
from tests.clients.base import Base, lay_out
from tests.servers import Valkey
from tests.working import work_off

PHOTOS = [b"\xff\xd8\xff\xe0 first", b"\xff\xd8\xff\xe0 second"]


@pytest.fixture
def base(any_db: str, valkey: Valkey) -> Base:
    base = lay_out()
    rep, other = (base.company.users[name] for name in ("rep_north", "rep_south"))
    with transaction() as session:
        keeping.append(session, [fix(rep, n) for n in range(40)] + [fix(other, 1)])
    for number, photo in enumerate(PHOTOS):
        visit_with(base, "rep_north", photo, days_ago=100 * number)
    visit_with(base, "rep_south", PHOTOS[0], days_ago=0)
    live_index.hold(bus.connection(), [fix(rep, 60)])
    unreadable.put([fix(rep, 90), fix(other, 90)])
    return base


def fix(rep_id: str, minutes_ago: float) -> Fix:
    at = clock.now_ms() - round(minutes_ago * 60_000)
    return Fix(rep_id, f"of-{rep_id}", None, at, at, at, 60.17, 24.94)


def visit_with(base: Base, rep: str, photo: bytes, days_ago: int) -> str:
    visit = Visit(
        id=ids.new_id(), rep_id=base.company.users[rep], client_id=next(iter(base.clients.values())),
        team_id=base.company.teams[rep.rsplit("_", 1)[1]], created_at=clock.now(), state="closed",
        day=clock.local(clock.now()).date() - timedelta(days=days_ago), updated_at=clock.now(),
    )  # fmt: skip
    sha256 = hashlib.sha256(photo).hexdigest()
    with transaction() as session:
        session.add(visit)
        session.flush()
        session.add(Attachment(id=ids.new_id(), visit_id=visit.id, sha256=sha256, size=len(photo),
                               stored_at=clock.now(), lat=60.1, lng=24.9))  # fmt: skip
    files.store(sha256, photo)
    return visit.id


ENDPOINT = "https://fcm.googleapis.com/fcm/send/"
PHONE_KEY = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SHARED = "BTBZMqHH6r4Tts7J_aSIgg"


def written_to(base: Base, rep: str, text: str) -> str:
    """A task for a rep whose phone can be woken, on its way there and declined with a word."""
    actor, team = base.actor(rep), rep.rsplit("_", 1)[1]
    phone = registry.register_device(actor, ids.new_id(), "phone", "1").id
    messages.subscribe(actor, phone, ENDPOINT + rep, PHONE_KEY, SHARED, "ro")
    draft = Draft(Kind.task, text, frozenset({actor.user_id}))
    (task,) = messages.write(base.actor(f"dispatcher_{team}"), draft)
    now = clock.now()
    with transaction() as session:
        messages.answer_in(session, actor, task, Answer.declined, f"no: {text}", now)
        kept = session.exec(
            select(PushSubscription).where(PushSubscription.device_id == phone)
        ).one()
        session.add(PushDelivery(id=ids.new_id(), message_id=task, subscription_id=kept.id,
                                 why="new", due_at=now, expires_at=now))  # fmt: skip
    return task


def boss(base: Base) -> Actor:
    return base.actor("admin")


def rep_of(base: Base) -> str:
    return base.company.users["rep_north"]


def logged(kind: str) -> list[dict[str, Any]]:
    return [e.data for e in people.event_log(SYSTEM, kind)]


def test_what_is_kept_is_counted_for_administrators_alone(base: Base) -> None:
    found = service.footprint(boss(base), rep_of(base))
    assert (found.fixes, found.waiting, found.aside, found.photos, found.visits) == (40, 1, 1, 2, 2)
    assert found.photo_bytes == sum(map(len, PHOTOS))
    assert found.first_at is not None
    assert found.last_at is not None
    assert found.last_at - found.first_at == pytest.approx(
        timedelta(minutes=39), abs=timedelta(seconds=20)
    )
    with pytest.raises(RoleForbids):
        service.footprint(base.actor("manager_north"), rep_of(base))
    with pytest.raises(OutOfScope):
        service.footprint(boss(base), base.company.users["manager_north"])


def test_a_file_holds_all_of_a_person_and_nothing_of_others(base: Base) -> None:
    asked = service.ask_file(boss(base), rep_of(base))
    assert asked.status is FileStatus.queued
    with pytest.raises(FileNotReady):
        service.fetch_file(boss(base), asked.id)
    with pytest.raises(FileUnderWay):
        service.ask_file(boss(base), rep_of(base))
    work_off()
    (made,) = service.files(boss(base))
    assert (made.status, made.progress) == (FileStatus.ready, 1.0)
    path, name = service.fetch_file(boss(base), asked.id)
    assert name.startswith("rep_north-")
    assert path.stat().st_size == made.size
    assert path.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(path) as found:
        lines = {n: found.read(n).splitlines() for n in found.namelist() if n.endswith(".jsonl")}
        manifest = json.loads(found.read("manifest.json"))
        for entry in manifest["entries"]:
            assert hashlib.sha256(found.read(entry["name"])).hexdigest() == entry["sha256"]
        pictures = {found.read(n) for n in found.namelist() if n.startswith("files/")}
        everything = b"".join(found.read(n) for n in found.namelist())
    counted = {n: len(rows) for n, rows in lines.items()}
    assert (counted["track.jsonl"], counted["waiting.jsonl"], counted["visits.jsonl"]) == (40, 2, 2)
    assert manifest["counts"]["fixes"] == 40
    assert pictures == set(PHOTOS)
    assert json.loads(lines["person.jsonl"][0])["team"] == "north"
    assert base.company.users["rep_south"].encode() not in everything
    assert b"password_hash" not in everything
    assert b"argon2" not in everything
    kinds = [e.kind for e in people.event_log(SYSTEM, "person.")]
    assert kinds == ["person.file_fetched", "person.file_made", "person.file_asked"]


def test_a_file_holds_what_the_office_wrote_and_no_way_to_wake_his_phone(base: Base) -> None:
    task = written_to(base, "rep_north", "leaflets to Töölö")
    written_to(base, "rep_south", "somebody else's errand")
    target = service.path_of(ids.new_id())
    counts = archive.write(target, rep_of(base), "ro", lambda share, what: None)
    assert (counts["messages"], counts["push_subscriptions"]) == (1, 1)
    with zipfile.ZipFile(target) as found:
        told = json.loads(found.read("messages.jsonl"))
        phone = json.loads(found.read("push_subscriptions.jsonl"))
        everything = b"".join(found.read(n) for n in found.namelist()).decode(errors="replace")
    assert (told["id"], told["text"]) == (task, "leaflets to Töölö")
    assert told["comment"] == "no: leaflets to Töölö"
    assert told["declined_at"] is not None
    assert phone["language"] == "ro"
    assert {"endpoint", "p256dh", "auth"}.isdisjoint(phone)
    for secret in (ENDPOINT, PHONE_KEY, SHARED, "somebody else"):
        assert secret not in everything


def test_only_its_maker_gets_a_file_and_only_for_a_while(base: Base) -> None:
    other = people.save_user(boss(base), {"login": "second", "name": "Second", "role": "admin",
                                          "password": "another long one"})  # fmt: skip
    asked = service.ask_file(boss(base), rep_of(base))
    work_off()
    stranger = people.actor_of(other.id)
    for refused in (service.fetch_file, service.cancel_file):
        with pytest.raises(NoSuchFile):
            refused(stranger, asked.id)
    assert service.files(stranger) == []
    with pytest.raises(RoleForbids):
        service.fetch_file(base.actor("manager_north"), asked.id)
    path, _ = service.fetch_file(boss(base), asked.id)
    assert service.erase_expired(clock.now() + timedelta(hours=71)) == 0
    assert service.erase_expired(clock.now() + timedelta(hours=73)) == 1
    assert not path.exists()
    with pytest.raises(FileNotReady):
        service.fetch_file(boss(base), asked.id)
    service.cancel_file(boss(base), asked.id)
    assert service.files(boss(base))[0].status is FileStatus.expired


def test_a_cancelled_file_is_never_made(base: Base) -> None:
    queued = service.ask_file(boss(base), rep_of(base))
    service.cancel_file(boss(base), queued.id)
    work_off()
    assert service.files(boss(base))[0].status is FileStatus.cancelled
    assert not service.path_of(queued.id).exists()


def test_one_that_is_cancelled_midway_leaves_nothing_behind(base: Base) -> None:
    asked = service.ask_file(boss(base), rep_of(base))

    def cancel_at_the_track(share: float, what: str) -> None:
        if what == "privacy.step.track":
            service.cancel_file(boss(base), asked.id)
        jobs.report(asked.id, share, what)

    with pytest.raises(jobs.Cancelled):
        archive.write(service.path_of(asked.id), rep_of(base), "ru", cancel_at_the_track)
    assert list(service.path_of(asked.id).parent.iterdir()) == []
    service.make_file(asked.id)
    assert not service.path_of(asked.id).exists()
    (shown,) = service.files(boss(base))
    assert shown.status is FileStatus.cancelled


def test_a_file_whose_job_died_is_called_failed(base: Base) -> None:
    asked = service.ask_file(boss(base), rep_of(base))
    with transaction() as session:
        row = session.get(PersonFile, asked.id)
        assert row is not None
        row.status = FileStatus.running
    bus.connection().flushall()  # a store that lost its jobs
    assert service.files(boss(base))[0].status is FileStatus.failed
    assert service.ask_file(boss(base), rep_of(base)).status is FileStatus.queued


def test_erasure_takes_two_steps(base: Base) -> None:
    rep, admin = rep_of(base), boss(base)
    with pytest.raises(NotCounted):
        service.erase(admin, rep, "rep_north", "guessed")
    counted = service.count_erasure(admin, rep)
    assert counted.footprint.fixes == 40
    with pytest.raises(WrongConfirmation):
        service.erase(admin, rep, "rep_south", counted.seal)
    with pytest.raises(RoleForbids):
        service.erase(base.actor("manager_north"), rep, "rep_north", counted.seal)
    other_rep = base.company.users["rep_south"]
    with pytest.raises(NotCounted):
        service.erase(admin, other_rep, "rep_south", counted.seal)
    made = service.ask_file(admin, rep)
    work_off()
    done = service.erase(admin, rep, " Rep_North ", counted.seal)
    assert (done.fixes, done.photos) == (41, 0)
    with pytest.raises(NotCounted):
        service.erase(admin, rep, "rep_north", counted.seal)
    left = service.footprint(admin, rep)
    assert (left.fixes, left.waiting, left.aside, left.photos, left.visits) == (0, 0, 0, 2, 2)
    assert service.footprint(admin, other_rep).fixes == 1
    assert service.footprint(admin, other_rep).aside == 1
    assert not service.path_of(made.id).exists()
    assert logged("track.erased") == [{"fixes": 41, "alerts": 0}]


def test_what_the_office_wrote_goes_with_the_track_and_others_keep_theirs(base: Base) -> None:
    written_to(base, "rep_north", "leaflets")
    kept = written_to(base, "rep_south", "samples")
    rep, admin = rep_of(base), boss(base)
    counted = service.count_erasure(admin, rep)
    assert counted.footprint.messages == 1
    with reading() as session:
        before = feed.newest(session)
    assert service.erase(admin, rep, "rep_north", counted.seal).messages == 1
    assert service.footprint(admin, rep).messages == 0
    with reading() as session:
        assert [m.id for m in session.exec(select(Message))] == [kept]
        south = base.company.users["rep_south"]
        assert [p.rep_id for p in session.exec(select(PushSubscription))] == [south]
        assert [d.message_id for d in session.exec(select(PushDelivery))] == [kept]
        assert rep in feed.reps_since(session, before), "his phone hears that they are gone"
        assert south not in feed.reps_since(session, before)
    assert logged("person.messages_erased") == [{"messages": 1}]
    assert [m.id for m in listing.sent(base.actor("dispatcher_south"))] == [kept]
    assert listing.sent(base.actor("dispatcher_north")) == []


def test_photos_go_on_wish_unless_another_visit_shows_them(base: Base) -> None:
    rep, admin = rep_of(base), boss(base)
    seal = service.count_erasure(admin, rep).seal
    assert service.erase(admin, rep, "rep_north", seal, with_photos=True).photos == 2
    hashes = [hashlib.sha256(photo).hexdigest() for photo in PHOTOS]
    assert [files.has(h) for h in hashes] == [True, False]
    assert logged("person.photos_erased") == [{"photos": 2}]


def test_old_photos_go_by_policy_and_the_visit_says_so(base: Base) -> None:
    admin = boss(base)
    assert policy.overdue(admin, photo_days=30).photos == 1
    policy.set_policy(admin, photo_days=30)
    policy.sweep(clock.now())
    hashes = [hashlib.sha256(photo).hexdigest() for photo in PHOTOS]
    assert [files.has(h) for h in hashes] == [True, False]
    with transaction() as session:
        assert photos.count_in(session, rep_id=rep_of(base)) == (1, len(PHOTOS[0]))
        old = session.exec(  # the row of what is gone
            select(Attachment).where(Attachment.sha256 == hashes[1])
        ).one()
    shown = evidence.explain(admin, old.visit_id, "en").photos[0]
    assert (shown.url, shown.is_erased, old.lat) == (None, True, None)


def test_over_http_the_file_is_a_download_that_nobody_keeps(base: Base) -> None:
    from tests.api.test_matrix import _signed_in

    client = _signed_in(make_api(), "admin")
    asked = client.post(f"/api/v1/people/{rep_of(base)}/files")
    assert asked.status_code == 202
    assert client.post(f"/api/v1/people/{rep_of(base)}/files").status_code == 409
    work_off()
    (listed,) = client.get("/api/v1/person-files").json()
    answer = client.get(f"/api/v1/person-files/{listed['id']}/file")
    assert answer.headers["content-disposition"].startswith('attachment; filename="rep_north-')
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) == listed["size"]
    assert client.delete(f"/api/v1/person-files/{listed['id']}").status_code == 204
    assert client.get(f"/api/v1/person-files/{listed['id']}/file").status_code == 409
    path = f"/api/v1/people/{rep_of(base)}/erasure"
    counted = client.post(f"{path}/count").json()
    body = {"login": "rep_north", "seal": counted["seal"]}
    assert client.post(path, json=body).json() == {"fixes": 41, "photos": 0, "messages": 0}
    assert client.post(path, json=body).status_code == 409
