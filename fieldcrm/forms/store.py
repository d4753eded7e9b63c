"""Every SQL statement about forms, products and shelves."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, delete, select

from fieldcrm.clients.tables import Client
from fieldcrm.forms.tables import Form, FormVersion, Product, ShelfCheck

VERSIONS_KEPT = 20
"""Newest versions of a form that phones hold, for visits answered by an older one."""


def form(session: Session, form_id: str, *, lock: bool = False) -> Form | None:
    """A form; locked against other writers until the transaction ends when asked."""
    if not lock:
        return session.get(Form, form_id)
    wanted = select(Form).where(Form.id == form_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def forms(session: Session) -> list[Form]:
    """Every form, those asked first."""
    wanted = select(Form).order_by(col(Form.is_active).desc(), col(Form.id))
    return list(session.exec(wanted))


def version(session: Session, form_id: str, number: int) -> FormVersion | None:
    return session.get(FormVersion, (form_id, number))


def versions(session: Session, form_id: str) -> list[FormVersion]:
    """Every version of a form, the newest first."""
    wanted = select(FormVersion).where(FormVersion.form_id == form_id)
    return list(session.exec(wanted.order_by(col(FormVersion.version).desc())))


def of_keys(session: Session, keys: Collection[tuple[str, int]]) -> list[FormVersion]:
    """These versions of these forms, in one query."""
    if not keys:
        return []
    wanted = select(FormVersion).where(
        col(FormVersion.form_id).in_({form_id for form_id, _ in keys})
    )
    return [row for row in session.exec(wanted) if (row.form_id, row.version) in keys]


_ON_PHONES = (
    select(FormVersion, Form)
    .join(Form, col(Form.id) == FormVersion.form_id)
    .where(FormVersion.version > Form.version - VERSIONS_KEPT)
    .order_by(col(FormVersion.form_id), col(FormVersion.version))
)
"""Made once: every phone that pulls asks."""


def on_phones(session: Session) -> list[tuple[FormVersion, Form]]:
    """The versions that phones hold, with their forms."""
    return [(row[0], row[1]) for row in session.exec(_ON_PHONES)]


# ---- products ----


def products(session: Session) -> list[Product]:
    """All of them by name."""
    return list(session.exec(select(Product).order_by(col(Product.name), col(Product.id))))


def product(session: Session, product_id: str) -> Product | None:
    return session.get(Product, product_id)


# ---- shelves ----


def replace_shelves(session: Session, visit_id: str, rows: Iterable[ShelfCheck]) -> None:
    """A visit's shelf as it is told now, whatever it told before."""
    session.exec(delete(ShelfCheck).where(col(ShelfCheck.visit_id) == visit_id))
    session.add_all(rows)


@dataclass(frozen=True)
class ShelfRow:
    """A shelf check with where it is."""

    check: ShelfCheck
    client_name: str
    lat: float | None
    lng: float | None
    product_name: str


def shelves(
    session: Session, first: date, last: date, *, team_ids: Collection[str] | None,
    rep_id: str | None = None, product_ids: Collection[str] = (), absent_only: bool = False,
    client_id: str | None = None, limit: int = 10_000,
) -> list[ShelfRow]:  # fmt: skip
    """Checks of these days, the newest first; `team_ids` None is every team."""
    where: list[Any] = [ShelfCheck.day >= first, ShelfCheck.day <= last]
    if team_ids is not None:
        where.append(col(ShelfCheck.team_id).in_(team_ids))
    if rep_id is not None:
        where.append(ShelfCheck.rep_id == rep_id)
    if product_ids:
        where.append(col(ShelfCheck.product_id).in_(product_ids))
    if absent_only:
        where.append(col(ShelfCheck.is_there).is_(False))
    if client_id is not None:
        where.append(ShelfCheck.client_id == client_id)
    wanted = (
        select(ShelfCheck, Client, Product)
        .join(Client, col(Client.id) == ShelfCheck.client_id)
        .outerjoin(Product, col(Product.id) == ShelfCheck.product_id)
        .where(*where)
        .order_by(col(ShelfCheck.day).desc(), col(ShelfCheck.client_id), col(ShelfCheck.product_id))
    )
    return [_shelf_row(*row) for row in session.exec(wanted.limit(limit))]


def _shelf_row(check: ShelfCheck, where: Client, what: Product | None) -> ShelfRow:
    return ShelfRow(check, where.name, where.lat, where.lng, what.name if what else "")
