"""Every SQL statement of messages."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, literal, or_, tuple_, update
from sqlmodel import Session, col, delete, select

from fieldcrm.clients import folding
from fieldcrm.clients.tables import Client
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.kit.database import UtcDateTime
from fieldcrm.messages.model import Filters, State
from fieldcrm.messages.rules import STRONGEST
from fieldcrm.messages.tables import Message, PushDelivery, PushSubscription
from fieldcrm.people.tables import Device, User
from fieldcrm.visits.model import BadCursor, BadSort

_Writer: Any = shared_alias(User)
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


# ---- the desk's list ----

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_DUE = func.coalesce(col(Message.due_at), literal(_NEVER, UtcDateTime()), type_=UtcDateTime())
_MOMENTS = {name: col(getattr(Message, moment)) for name, moment in STRONGEST}
_RANK = case(
    *((moment.is_not(None), n) for n, moment in enumerate(_MOMENTS.values())), else_=len(_MOMENTS)
)
SORTS: dict[str, tuple[tuple[Any, type], ...]] = {
    "written": (), "rep": ((col(User.name), str),), "kind": ((col(Message.kind), str),),
    "when": ((_DUE, datetime),), "state": ((_RANK, int),),
}  # fmt: skip
"""What the list can be sorted by before the id, with its type; a leading '-' turns it round."""


class Told(NamedTuple):
    """A message with the names beside it."""

    message: Message
    rep: str
    by: str | None
    place: str | None
    phones: int
    """Living phones of the rep that can be woken."""
    key: Any
    """What it was sorted by."""


def told(
    session: Session, where: Sequence[Any], sort: str, limit: int, cursor: str | None
) -> tuple[list[Told], str | None]:
    """A page by keyset, and the cursor of the next. Raises BadSort, BadCursor."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise BadSort(sort=sort)
    columns, types = zip(*SORTS[name], (col(Message.id), str), strict=True)
    after = [_after(columns, _decoded(cursor, types), is_down)] if cursor else []
    order = [c.desc() if is_down else c.asc() for c in columns]
    wanted = _with_names(columns[0]).where(*where, *after).order_by(*order).limit(limit + 1)
    found = [Told(*row) for row in session.exec(wanted)]
    more = _encoded(found[limit - 1], len(columns)) if len(found) > limit else None
    return found[:limit], more


def count(session: Session, where: Sequence[Any]) -> int:
    """How many messages fit."""
    wanted = (
        select(func.count())
        .select_from(Message)
        .outerjoin(Client, col(Client.id) == Message.client_id)
        .where(*where)
    )
    return session.exec(wanted).one()


def _with_names(key: Any) -> Any:
    phones = (
        select(func.count())
        .select_from(PushSubscription)
        .join(Device, col(Device.id) == PushSubscription.device_id)
        .where(PushSubscription.rep_id == Message.rep_id, col(Device.revoked_at).is_(None))
        .correlate(Message)
        .scalar_subquery()
    )
    return (
        select(Message, User.name, _Writer.name, Client.name, phones, key)  # type: ignore[call-overload]
        .join(User, col(User.id) == Message.rep_id)
        .outerjoin(_Writer, _Writer.id == Message.created_by)
        .outerjoin(Client, col(Client.id) == Message.client_id)
    )


def _after(columns: tuple[Any, ...], values: list[Any], is_down: bool) -> Any:
    here = tuple_(*(literal(v, c.type) for v, c in zip(values, columns, strict=True)))
    return tuple_(*columns) < here if is_down else tuple_(*columns) > here


def _encoded(last: Told, length: int) -> str:
    key = last.key.isoformat() if isinstance(last.key, datetime) else last.key
    values = [key, last.message.id][-length:]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _decoded(cursor: str, types: tuple[type, ...]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        read = [_read(v, wanted) for v, wanted in zip(values, types, strict=True)]
    except (ValueError, TypeError) as error:
        raise BadCursor() from error
    if [type(v) for v in read] != list(types):
        raise BadCursor()
    return read


def _read(value: Any, wanted: type) -> Any:
    return datetime.fromisoformat(value).astimezone(UTC) if wanted is datetime else value


def narrowed(
    filters: Filters, team_ids: Collection[str] | None, names: Mapping[str, str]
) -> list[Any]:
    """SQL conditions of the list's filters; `names` are the folded names of reps that may be meant."""
    limits = [] if team_ids is None else [col(Message.team_id).in_(team_ids)]
    for words in folding.needles(filters.search):
        reps = [rep_id for rep_id, name in names.items() if any(w in name for w in words)]
        texts = (col(Message.search_text), col(Client.search_text))
        said = [text.contains(word, autoescape=True) for text in texts for word in words]
        limits.append(or_(*said, col(Message.rep_id).in_(reps)))
    if filters.rep_id:
        limits.append(col(Message.rep_id) == filters.rep_id)
    if filters.kind:
        limits.append(col(Message.kind) == filters.kind)
    if filters.state:
        limits.append(_is(filters.state))
    return [*limits, *_OPEN] if filters.is_open else limits


def _is(state: State) -> Any:
    """Nothing stronger is known of a message than this."""
    names = list(_MOMENTS)
    weaker = names.index(state) if state in names else len(names)
    stronger = [_MOMENTS[name].is_(None) for name in names[:weaker]]
    return and_(*stronger, _MOMENTS[state].is_not(None)) if state in names else and_(*stronger)


# ---- what phones hold ----


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


def _held(since: Any) -> Any:
    """A changed plan is held for two days of its own, a task or reminder until a week after its end."""
    ended = or_(
        col(Message.done_at) >= since, col(Message.declined_at) >= since,
        (col(Message.kind) != "plan") & col(Message.done_at).is_(None)
        & col(Message.declined_at).is_(None),
        (col(Message.kind) == "plan") & (col(Message.created_at) >= since),
    )  # fmt: skip
    return col(Message.withdrawn_at).is_(None) & ended


_PHONE_IDS: Any = (
    select(Message.id)
    .where(Message.rep_id == bindparam("rep_id"), Message.id > bindparam("after"))
    .where(_held(bindparam("since", type_=UtcDateTime)))
    .order_by(col(Message.id))
    .limit(bindparam("limit"))  # type: ignore[arg-type]
)
"""Made once: every phone that pulls asks."""


def on_phone_ids(
    session: Session, rep_id: str, since: datetime, after: str, limit: int
) -> list[str]:
    """Messages that a rep's phone holds: open ones, and what was finished lately."""
    told = {"rep_id": rep_id, "since": since, "after": after, "limit": limit}
    return list(session.connection().execute(_PHONE_IDS, told).scalars())


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


def of_batches(session: Session, batch_ids: Collection[str]) -> list[Message]:
    """Messages of some batches, finished ones too."""
    return list(session.exec(select(Message).where(col(Message.batch_id).in_(batch_ids))))


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
