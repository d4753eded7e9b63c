"""Every SQL statement of messages."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, select

from fieldcrm.clients.tables import Client
from fieldcrm.messages.tables import Message, PushDelivery, PushSubscription
from fieldcrm.people.tables import Device, User

_Writer: Any = aliased(User)
_OPEN = (
    col(Message.withdrawn_at).is_(None),
    col(Message.done_at).is_(None),
    col(Message.declined_at).is_(None),
)

# ---- messages ----


def message(session: Session, message_id: str) -> Message | None:
    """A message, alone until the transaction ends."""
    wanted = select(Message).where(Message.id == message_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def told(
    session: Session, team_ids: Collection[str] | None, rep_id: str | None, kind: str | None,
    is_open: bool, before: str | None, limit: int,
) -> list[tuple[Message, str, str | None, str | None, int]]:  # fmt: skip
    """(message, rep's name, writer's name, place's name, phones), the newest first."""
    phones = (
        select(func.count())
        .select_from(PushSubscription)
        .join(Device, col(Device.id) == PushSubscription.device_id)
        .where(PushSubscription.rep_id == Message.rep_id, col(Device.revoked_at).is_(None))
        .correlate(Message)
        .scalar_subquery()
    )
    wanted: Any = (
        select(Message, User.name, _Writer.name, Client.name, phones)  # type: ignore[call-overload]
        .join(User, col(User.id) == Message.rep_id)
        .outerjoin(_Writer, _Writer.id == Message.created_by)
        .outerjoin(Client, col(Client.id) == Message.client_id)
    )
    if team_ids is not None:
        wanted = wanted.where(col(Message.team_id).in_(team_ids))
    if rep_id:
        wanted = wanted.where(Message.rep_id == rep_id)
    if kind:
        wanted = wanted.where(Message.kind == kind)
    if is_open:
        wanted = wanted.where(*_OPEN)
    if before:
        wanted = wanted.where(Message.id < before)
    return [
        tuple(row) for row in session.exec(wanted.order_by(col(Message.id).desc()).limit(limit))
    ]


def on_phone_ids(
    session: Session, rep_id: str, since: datetime, after: str, limit: int
) -> list[str]:
    """Messages that a rep's phone holds: open ones, and what was finished lately."""
    wanted = select(Message.id).where(Message.rep_id == rep_id, Message.id > after, _held(since))
    return list(session.exec(wanted.order_by(col(Message.id)).limit(limit)))


def on_phone(
    session: Session, rep_id: str, since: datetime, ids: Collection[str]
) -> list[tuple[Message, str | None, str | None]]:
    """(message, writer's name, place's name) of those among these that the phone holds."""
    wanted: Any = (
        select(Message, _Writer.name, Client.name)
        .outerjoin(_Writer, _Writer.id == Message.created_by)
        .outerjoin(Client, col(Client.id) == Message.client_id)
        .where(Message.rep_id == rep_id, col(Message.id).in_(ids), _held(since))
    )
    return [tuple(row) for row in session.exec(wanted)]


def _held(since: datetime) -> Any:
    """A changed plan is held for two days of its own, a task or reminder until a week after its end."""
    ended = or_(
        col(Message.done_at) >= since, col(Message.declined_at) >= since,
        (col(Message.kind) != "plan") & col(Message.done_at).is_(None)
        & col(Message.declined_at).is_(None),
        (col(Message.kind) == "plan") & (col(Message.created_at) >= since),
    )  # fmt: skip
    return col(Message.withdrawn_at).is_(None) & ended


def unseen_plan(session: Session, rep_id: str, day: date) -> Message | None:
    """The message that a day's plan has changed which its rep has not seen yet."""
    wanted = select(Message).where(
        Message.rep_id == rep_id, Message.kind == "plan", Message.day == day,
        col(Message.seen_at).is_(None),
    )  # fmt: skip
    return session.exec(wanted).first()


def to_push(session: Session, now: datetime, limit: int) -> list[Message]:
    """Messages whose phones are to be woken by now, locked where the database can."""
    wanted = select(Message).where(col(Message.push_at) <= now)
    return list(
        session.exec(
            wanted.order_by(col(Message.push_at)).limit(limit).with_for_update(skip_locked=True)
        )
    )


def at_places(session: Session) -> list[Message]:
    """Open messages with a place at which their rep was not found yet."""
    wanted = select(Message).where(
        col(Message.lat).is_not(None), col(Message.near_at).is_(None), *_OPEN
    )
    return list(session.exec(wanted))


def reps_of_team(session: Session, team_id: str) -> list[User]:
    wanted = select(User).where(User.team_id == team_id, User.role == "rep", User.is_active)
    return list(session.exec(wanted.order_by(col(User.name))))


def reps(session: Session, rep_ids: Iterable[str]) -> list[User]:
    return list(session.exec(select(User).where(col(User.id).in_(list(rep_ids)))))


def client(session: Session, client_id: str) -> Client | None:
    return session.get(Client, client_id)


def erase(session: Session, rep_id: str) -> list[tuple[str, str]]:
    """Everything that was written to a person, and where his phones can be woken.

    The (id, team) of each message that was there.
    """
    mine = select(Message.id).where(Message.rep_id == rep_id)
    phones = select(PushSubscription.id).where(PushSubscription.rep_id == rep_id)
    on_the_way = or_(
        col(PushDelivery.message_id).in_(mine), col(PushDelivery.subscription_id).in_(phones)
    )
    session.execute(delete(PushDelivery).where(on_the_way))
    session.execute(delete(PushSubscription).where(PushSubscription.rep_id == rep_id))
    gone = delete(Message).where(Message.rep_id == rep_id)
    told = gone.returning(col(Message.id), col(Message.team_id))
    return [tuple(row) for row in session.execute(told)]


# ---- phones that can be woken ----


def subscription_of(session: Session, device_id: str) -> PushSubscription | None:
    wanted = select(PushSubscription).where(PushSubscription.device_id == device_id)
    return session.exec(wanted).first()


def at_endpoint(session: Session, endpoint: str) -> PushSubscription | None:
    wanted = select(PushSubscription).where(PushSubscription.endpoint == endpoint)
    return session.exec(wanted).first()


def living_subscriptions(session: Session, rep_id: str) -> list[PushSubscription]:
    """Those of a rep's phones that were not revoked."""
    wanted = (
        select(PushSubscription)
        .join(Device, col(Device.id) == PushSubscription.device_id)
        .where(PushSubscription.rep_id == rep_id, col(Device.revoked_at).is_(None))
    )
    return list(session.exec(wanted))


def remove_subscription(session: Session, subscription_id: str) -> None:
    """With all that is on its way to it."""
    session.execute(delete(PushDelivery).where(PushDelivery.subscription_id == subscription_id))
    session.execute(delete(PushSubscription).where(PushSubscription.id == subscription_id))


def revoked_subscriptions(session: Session) -> list[str]:
    """Of devices that were cut off since."""
    wanted = select(PushSubscription.id).join(Device, col(Device.id) == PushSubscription.device_id)
    return list(session.exec(wanted.where(col(Device.revoked_at).is_not(None))))


# ---- on the way ----


def due_deliveries(
    session: Session, now: datetime, limit: int
) -> list[tuple[PushDelivery, PushSubscription, Message]]:
    """What is to be tried by now, the oldest first."""
    wanted: Any = (
        select(PushDelivery, PushSubscription, Message)
        .join(PushSubscription, col(PushSubscription.id) == PushDelivery.subscription_id)
        .join(Message, col(Message.id) == PushDelivery.message_id)
        .join(Device, col(Device.id) == PushSubscription.device_id)
        .where(PushDelivery.due_at <= now, col(Device.revoked_at).is_(None))
        .order_by(col(PushDelivery.due_at))
    )
    return [tuple(row) for row in session.exec(wanted.limit(limit))]


def claim(session: Session, delivery: PushDelivery, until: datetime) -> bool:
    """Take one try for oneself: of several senders one has it."""
    taken = session.execute(
        update(PushDelivery)
        .where(col(PushDelivery.id) == delivery.id, col(PushDelivery.due_at) == delivery.due_at)
        .values(due_at=until, tries=PushDelivery.tries + 1)
    )
    return taken.rowcount == 1


def postpone(session: Session, delivery_id: str, due_at: datetime) -> None:
    session.execute(
        update(PushDelivery).where(col(PushDelivery.id) == delivery_id).values(due_at=due_at)
    )


def drop_delivery(session: Session, delivery_id: str) -> None:
    session.execute(delete(PushDelivery).where(PushDelivery.id == delivery_id))


def drop_deliveries(session: Session, message_id: str) -> None:
    """What is on its way of a message that is over."""
    session.execute(delete(PushDelivery).where(PushDelivery.message_id == message_id))


def note_sent(session: Session, subscription_id: str, now: datetime) -> None:
    session.execute(
        update(PushSubscription)
        .where(col(PushSubscription.id) == subscription_id)
        .values(sent_at=now)
    )
