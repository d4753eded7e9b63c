"""Messages from the office to reps: written, woken for, answered, withdrawn; phones that listen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock, events, feed, ids
from fieldcrm.kit.database import transaction
from fieldcrm.messages import endpoints, keys, rules, store, webpush
from fieldcrm.messages.model import (
    REPS_MOST,
    Answer,
    BadMessage,
    Draft,
    Kind,
    MessageOver,
    NobodyToTell,
    Standing,
    UnknownMessage,
    Wake,
)
from fieldcrm.messages.tables import Message, PushSubscription
from fieldcrm.people import registry
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, OutOfScope, Role
from fieldcrm.people.tables import User

_DESK = Role.dispatcher, Role.manager, Role.admin
ENTITY = "message"
KEPT = timedelta(days=7)
"""How long a phone keeps what is finished."""
COMMENT_MOST = 1000

# ---- for the desk ----


def write(actor: Actor, draft: Draft) -> list[str]:
    """Write one message to each of the reps meant; the messages' ids.

    Raises BadMessage, NobodyToTell, and OutOfScope where one of them is not the actor's.
    """
    people.require(actor, *_DESK)
    now = clock.now()
    draft = rules.check_draft(draft, now)
    with transaction() as session:
        feed.take_turn(session)
        reps = _readers(session, actor, draft)
        place = _place(actor, draft)
        batch = ids.new_id()
        made = [_message(actor, draft, rep, place, batch, now) for rep in reps]
        session.add_all(made)
        session.flush()
        for each in made:
            tell(session, each)
            _log(session, actor, each, f"message.{draft.kind}")
        return [each.id for each in made]


def _readers(session: Session, actor: Actor, draft: Draft) -> list[User]:
    wanted = {rep_id: people.scope_rep_in(session, actor, rep_id) for rep_id in draft.rep_ids}
    if draft.team_id is not None:
        visible = people.visible_team_ids(actor)
        if visible is not None and draft.team_id not in visible:
            raise OutOfScope()
        wanted |= {rep.id: rep for rep in store.reps_of_team(session, draft.team_id)}
    active = [rep for rep in wanted.values() if rep.is_active and rep.team_id]
    if not active:
        raise NobodyToTell()
    if len(active) > REPS_MOST:
        raise BadMessage(field="rep_ids")
    return active


def _place(actor: Actor, draft: Draft) -> tuple[float | None, float | None]:
    """Where it is meant for: the point, or where the client is. Raises OutOfScope, BadMessage."""
    if draft.client_id is None:
        return draft.lat, draft.lng
    client = clients.get(actor, draft.client_id)
    if client.lat is None or client.lng is None:
        raise BadMessage(field="place")
    return client.lat, client.lng


def _message(
    actor: Actor, draft: Draft, rep: User, place: tuple[float | None, float | None], batch: str,
    now: datetime,
) -> Message:  # fmt: skip
    lat, lng = place
    return Message(
        id=ids.new_id(), batch_id=batch, rep_id=rep.id, team_id=rep.team_id or "",
        kind=draft.kind.value, text=draft.text, due_at=draft.due_at, client_id=draft.client_id,
        lat=lat, lng=lng, radius_m=draft.radius_m if lat is not None else None,
        created_by=actor.user_id or None, created_at=now,
        push_at=rules.first_push_at(draft.kind, draft.due_at, now),
    )  # fmt: skip


def standing_of(m: Message) -> Standing:
    return Standing(m.seen_at, m.accepted_at, m.declined_at, m.done_at)


def withdraw(actor: Actor, message_id: str) -> None:
    """Take a task or reminder back: it leaves the phone. Raises UnknownMessage, MessageOver."""
    people.require(actor, *_DESK)
    with transaction() as session:
        feed.take_turn(session)
        found = store.message(session, message_id)
        visible = people.visible_team_ids(actor)
        if found is None or (visible is not None and found.team_id not in visible):
            raise UnknownMessage()
        if found.kind == Kind.plan or found.done_at or found.declined_at:
            raise MessageOver()
        if found.withdrawn_at is None:
            take_back(session, found, clock.now())
            _log(session, actor, found, "message.withdrawn")


def take_back(session: Session, m: Message, now: datetime) -> None:
    """It leaves the phone, inside a transaction that has its turn in the feed."""
    m.withdrawn_at, m.push_at = now, None
    store.drop_deliveries(session, m.id)
    changed(session, m)


# ---- from the rep ----


def answer_in(
    session: Session, actor: Actor, message_id: str, answer: Answer, comment: str | None,
    at: datetime,
) -> Message:  # fmt: skip
    """Note what a rep says of his message; safe to repeat. Raises UnknownMessage.

    One that was withdrawn meanwhile takes it all the same: it is what happened.
    """
    feed.take_turn(session)
    found = store.message(session, message_id)
    if found is None or found.rep_id != actor.user_id:
        raise UnknownMessage()
    before = standing_of(found)
    after = rules.answered(before, answer, at)
    if after == before:
        return found
    for name, moment in asdict(after).items():
        setattr(found, name, moment)
    if comment and answer in (Answer.declined, Answer.done):
        found.comment = comment[:COMMENT_MOST]
    found.arrived_at = found.arrived_at or at
    if answer is not Answer.seen:
        found.push_at = None
        store.drop_deliveries(session, found.id)
    changed(session, found)
    _log(session, actor, found, f"message.{answer}")
    return found


def arrived(actor: Actor, message_id: str) -> Wake:
    """What a woken phone shows; the office sees that it came. Raises UnknownMessage, MessageOver."""
    people.require(actor, Role.rep)
    with transaction() as session:
        found = store.message(session, message_id)
        if found is None or found.rep_id != actor.user_id:
            raise UnknownMessage()
        if found.withdrawn_at or found.done_at or found.declined_at:
            raise MessageOver()
        if found.arrived_at is None:
            found.arrived_at = clock.now()
            session.add(found)
            feed.notify_desk(session, found.team_id, _notice(found))
        client = store.client(session, found.client_id) if found.client_id else None
        return Wake(
            found.id, Kind(found.kind), found.text, client.name if client else None, found.day
        )


def tell(session: Session, m: Message) -> None:
    """The rep's phones pull it, the team's desks hear of it."""
    feed.touch(session, ENTITY, m.id, rep_ids=[m.rep_id], team_id=m.team_id)


def changed(session: Session, m: Message) -> None:
    m.version += 1
    session.add(m)
    tell(session, m)


def _notice(m: Message) -> dict[str, object]:
    return {"t": "changed", "entity": ENTITY, "id": m.id, "rep_ids": [m.rep_id]}


def _log(session: Session, actor: Actor, m: Message, kind: str) -> None:
    events.record(
        session, kind, m.id, actor_id=actor.user_id or None, team_id=m.team_id,
        source=actor.source, data={"rep_id": m.rep_id},
    )  # fmt: skip


# ---- what phones hold ----


@dataclass(frozen=True)
class Held:
    """A message with the names that its card on the phone shows."""

    row: Message
    by: str | None
    place: str | None


def on_phone_ids_in(session: Session, rep_id: str, after: str, limit: int) -> list[str]:
    """The next ids of what a rep's phone holds."""
    return store.on_phone_ids(session, rep_id, clock.now() - KEPT, after, limit)


def on_phone_in(session: Session, rep_id: str, wanted: list[str]) -> list[Held]:
    """Those of these messages that a rep's phone holds."""
    return [Held(*row) for row in store.on_phone(session, rep_id, clock.now() - KEPT, wanted)]


def erase_in(session: Session, rep_id: str) -> int:
    """Everything written to a person, and where his phones can be woken; how many messages.

    They leave his phones too, and the desks that show them.
    """
    feed.take_turn(session)
    gone = store.erase(session, rep_id)
    for message_id, team_id in gone:
        feed.touch(session, ENTITY, message_id, rep_ids=[rep_id], team_id=team_id)
    return len(gone)


# ---- phones that can be woken ----


def push_key(actor: Actor) -> str:
    """The public key that a phone subscribes with."""
    people.require(actor, Role.rep)
    return keys.public_key()


def subscribe(
    actor: Actor, device_id: str, endpoint: str, p256dh: str, auth: str, language: str
) -> None:
    """Note where a rep's own phone can be woken; a newer one of the same phone takes its place.

    Raises BadEndpoint, BadKeys, UnknownDevice, DeviceTaken.
    """
    people.require(actor, Role.rep)
    endpoints.check(endpoint)
    webpush.check_keys(p256dh, auth)
    with transaction() as session:
        registry.own_device_in(session, actor, device_id)
        for known in (
            store.subscription_of(session, device_id),
            store.at_endpoint(session, endpoint),
        ):
            if known is not None and (known.device_id, known.endpoint) != (device_id, endpoint):
                store.remove_subscription(session, known.id)
        kept = store.subscription_of(session, device_id) or PushSubscription(
            id=ids.new_id(), device_id=device_id, rep_id=actor.user_id, endpoint=endpoint,
            p256dh=p256dh, auth=auth, created_at=clock.now(),
        )  # fmt: skip
        kept.p256dh, kept.auth, kept.language = p256dh, auth, language
        session.add(kept)


def unsubscribe(actor: Actor, device_id: str) -> None:
    """Wake this phone no more."""
    people.require(actor, Role.rep)
    with transaction() as session:
        known = store.subscription_of(session, device_id)
        if known is not None and known.rep_id == actor.user_id:
            store.remove_subscription(session, known.id)
