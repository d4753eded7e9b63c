"""The one clock every part reads, so that a sample day can run elsewhere and faster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from fieldcrm.kit.settings import Settings, settings

_held: ContextVar[datetime | None] = ContextVar("held", default=None)


@contextmanager
def held(at: datetime) -> Iterator[None]:
    """Time stands at `at` in this context: the sample's past is made through the services so."""
    token = _held.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _held.reset(token)


def real_now() -> datetime:
    """Wall-clock time (aware UTC), whatever the product's clock says."""
    return datetime.now(UTC)


def scaled(real: datetime, s: Settings) -> datetime:
    """The product's time at a real moment: start + (real - origin) x speed."""
    if s.clock_start is None or s.clock_origin is None:
        return real
    return (s.clock_start + (real - s.clock_origin) * s.clock_speed).astimezone(UTC)


def now() -> datetime:
    """The product's time, aware UTC."""
    return _held.get() or scaled(real_now(), settings())


def now_ms() -> int:
    """The product's time in epoch milliseconds; quick where it is real time, for every fix asks."""
    if settings().clock_start is None and _held.get() is None:
        return int(time.time() * 1000)
    return round(now().timestamp() * 1000)


def real_seconds(product_seconds: float) -> float:
    """How long a product duration lasts for real, in seconds."""
    return product_seconds / settings().clock_speed


async def sleep(product_seconds: float) -> None:
    """Sleep for a duration of the product's clock."""
    await asyncio.sleep(real_seconds(product_seconds))


def sleep_blocking(product_seconds: float) -> None:
    """Like `sleep`, for threads."""
    time.sleep(real_seconds(product_seconds))


def zone() -> ZoneInfo:
    """The company's time zone."""
    return ZoneInfo(settings().timezone)


def local(moment: datetime) -> datetime:
    """A moment in the company's time zone, for screens and for 'which day is it'."""
    return moment.astimezone(zone())


def today() -> date:
    """The company's day."""
    return local(now()).date()


def day_of(text: str) -> date | None:
    """The day that an address or a field of a form names (ISO); None where it names none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def from_ms(epoch_ms: float) -> datetime:
    """Aware UTC from epoch milliseconds."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def day_bounds(day, tz: ZoneInfo | None = None) -> tuple[datetime, datetime]:
    """The aware UTC moments at which a local date starts and the next one starts."""
    tz = tz or zone()
    start = datetime(day.year, day.month, day.day, tzinfo=tz)
    after = day + timedelta(days=1)
    return start.astimezone(UTC), datetime(
        after.year, after.month, after.day, tzinfo=tz
    ).astimezone(UTC)
