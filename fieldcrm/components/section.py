"""What pages with one pane share: ready, broken or loading; and what pages with one list share."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import LEAVES, badge, button, empty, failed, icon_button, skeleton
from fieldcrm.components.session import ADMINISTERING, DISPATCHING, Desk, allows
from fieldcrm.components.typed import chosen, typed, typed_day
from fieldcrm.components.words import words
from fieldcrm.kit.errors import Refusal

PAGE = 60
SEARCH_MOST = 200


@dataclass
class Choice:
    """An option of a select."""

    value: str
    text: str


class Section(Desk, mixin=True):
    """A pane that loads, may fail, and can be asked again; a page says what fills it in `_fill`."""

    is_ready: bool = False
    is_broken: bool = False
    problem: str = ""

    async def _fill(self, cursor: str = "") -> None:
        """Read what the page shows; raises Refusal."""
        raise NotImplementedError

    async def _show(self, cursor: str = "") -> None:
        """Fill the pane, or say why it stays empty."""
        try:
            await self._fill(cursor)
        except Refusal as error:
            self.problem, self.is_broken = self._refusal(error), True
        else:
            self.is_broken = False
        self.is_ready = True


class AdminSection(Section, mixin=True):
    """A section of the administrator's pages."""

    @rx.event
    @allows(ADMINISTERING)
    async def reload(self):
        """Try again."""
        await self._show()


class Listing(Section, mixin=True):
    """A list with search, filters, order and pages by keyset, and a drawer for one of its rows.

    A page names its filters and sorts, keeps `rows` of its own type, and opens a row in `_open`.
    """

    search: str = ""
    sort: str = ""
    has_more: bool = False
    shown: str = ""
    opened: str = ""
    """The row whose drawer is open."""
    is_unfolded: bool = False
    """On a phone: whether the filters are shown."""
    filters_set: int = 0
    """How many of them narrow the list."""
    _cursor: str = ""

    def _filters(self) -> tuple[str, ...]:
        """Names of the vars that narrow the list."""
        raise NotImplementedError

    def _sorts(self) -> tuple[str, ...]:
        """Columns that the list can be ordered by."""
        raise NotImplementedError

    async def _open(self, row_id: str) -> None:
        """Read a row for the drawer."""
        raise NotImplementedError

    def _narrowed_by(self) -> int:
        """How many filters narrow the list, beside its search."""
        return sum(bool(getattr(self, name)) for name in self._filters())

    async def _show(self, cursor: str = "") -> None:
        await super()._show(cursor)
        self.filters_set = self._narrowed_by()

    def _turn(self, told: list[Any], cursor: str | None, is_next: bool) -> None:
        """Keep a page of rows that was just read."""
        self.rows = [*self.rows, *told] if is_next else told
        self._cursor, self.has_more = cursor or "", cursor is not None

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    def fold(self):
        """Show the filters on a phone, or put them away."""
        self.is_unfolded = not self.is_unfolded

    @rx.event
    @allows(DISPATCHING)
    async def narrow(self, name: str, value: str):
        """Set one filter; an unknown one is none of ours."""
        if name == "search" or name in self._filters():
            setattr(self, name, str(value)[:SEARCH_MOST])
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def clear(self):
        """Everything one may see."""
        for name in ("search", *self._filters()):
            setattr(self, name, "")
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def sort_by(self, name: str):
        """By a column; again turns it round."""
        if name in self._sorts():
            self.sort = f"-{name}" if self.sort == name else name
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def more(self):
        """The next page."""
        if self.has_more:
            await self._show(self._cursor)

    @rx.event
    @allows(DISPATCHING)
    async def open(self, row_id: str):
        """A row's drawer."""
        self.opened = str(row_id)[:64]
        await self._open(self.opened)

    @rx.event
    @allows(DISPATCHING)
    def close(self):
        """Away with the drawer."""
        self.opened = ""

    @rx.event
    @allows(DISPATCHING)
    async def press(self, key: str):
        """J and K: the row below and above; Escape: close."""
        if key == "Escape":
            self.opened = ""
        ids = [r.id for r in self.rows]
        if self.opened in ids and key in ("j", "k"):
            n = ids.index(self.opened) + (1 if key == "j" else -1)
            if 0 <= n < len(ids):
                self.opened = ids[n]
                await self._open(self.opened)


# ── parts ────────────────────────────────────────────────────────────────────────────────────────


def loaded(state: Any, *children: Any) -> rx.Component:
    """Children once the state is ready; before that a skeleton, after a failure a way to try again."""
    broken = failed(words("admin.broken"), state.problem, state.reload)
    return rx.cond(
        state.is_ready,
        rx.cond(state.is_broken, broken, rx.fragment(*children)),
        rx.el.section(skeleton(8), class_name="card"),
    )


@dataclass(frozen=True)
class Column:
    """A column of a list: its heading's key, what draws a cell, whether it sorts, its class."""

    label: str
    cell: Callable[[Any], Any]
    sort: str = ""
    class_name: str = ""


@dataclass(frozen=True)
class Extra:
    """Columns behind the others whose number only the state knows."""

    heads: rx.Component
    cells: Callable[[Any], rx.Component]
    """Of a row."""


def list_table(
    state: Any, columns: list[Column], label: str, none: tuple[str, str], region: str,
    extra: Extra | None = None,
) -> rx.Component:  # fmt: skip
    """A card with the rows, a way to more of them, and what shows when there are none.

    `label`, `region` and `none` (title, text) are catalogue keys.
    """
    more_heads = [extra.heads] if extra else []
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[_head(c, state) for c in columns], *more_heads)),
        rx.el.tbody(rx.foreach(state.rows, lambda row: _line(row, columns, state, extra))),
        class_name="tbl tight", aria_label=words(label),
    )  # fmt: skip
    more = rx.cond(
        state.has_more,
        rx.el.div(button(words("report.more"), small=True, on_click=state.more), class_name="sec"),
        rx.fragment(),
    )
    title, text = none
    nothing = empty("no_match", words(title), words(text),
                    button(words("report.clear_filters"), small=True, on_click=state.clear))  # fmt: skip
    first = behaviour.from_top(f"{state.sort} {state.search}")
    body = rx.el.div(
        first, rows, more, class_name="scr", tab_index=0, role="region", aria_label=words(region)
    )
    return rx.el.section(rx.cond(state.rows.length() > 0, body, nothing), class_name="card ad-c")


def _head(column: Column, state: Any) -> rx.Component:
    if column.sort:
        return sort_head(words(column.label), column.sort, state, column.class_name)
    return rx.el.th(words(column.label), scope="col", class_name=column.class_name)


def _line(row: Any, columns: list[Column], state: Any, extra: Extra | None = None) -> rx.Component:
    return rx.el.tr(
        *[rx.el.td(c.cell(row), class_name=c.class_name) for c in columns],
        *([extra.cells(row)] if extra else []),
        aria_selected=rx.cond(state.opened == row.id, "true", "false"),
    )


def opener(text: Any, row_id: Any, state: Any) -> rx.Component:
    """A cell that opens its row's drawer."""
    return rx.el.button(text, type="button", class_name="way med el cell-l", title=text,
                        on_click=state.open(row_id))  # fmt: skip


def clipped(text: Any) -> rx.Component:
    """A cell of a long text."""
    return rx.el.div(text, class_name="el cell-l", title=text)


def sort_head(label: Any, name: str, state: Any, class_name: str = "") -> rx.Component:
    """A heading that sorts its table: once up, again down."""
    up, down = state.sort == name, state.sort == f"-{name}"
    arrow = rx.cond(
        up, icon("arrow-up", "s"), rx.cond(down, icon("arrow-down", "s"), rx.fragment())
    )
    pressed = rx.el.button(
        label, arrow, type="button", class_name="way", on_click=state.sort_by(name)
    )
    order = rx.cond(up, "ascending", rx.cond(down, "descending", "none"))
    return rx.el.th(pressed, scope="col", class_name=class_name, aria_sort=order)


def find_box(state: Any, placeholder: str) -> rx.Component:
    """The list's own search; `placeholder` is a catalogue key."""
    return typed(
        state.search, lambda t: state.narrow("search", t), type="search", class_name="input sm ad-find",
        placeholder=words(placeholder), aria_label=words(placeholder), max_length=SEARCH_MOST,
    )  # fmt: skip


def folded(state: Any, *filters: Any) -> rx.Component:
    """Filters of a list: beside its search, on a phone behind one button that says how many are set."""
    n = rx.cond(state.filters_set > 0, badge(state.filters_set, tone="accent"), rx.fragment())
    opens = rx.el.button(
        icon("list-filter", "s"), words("list.filters"), n, type="button", class_name="btn sm ad-fb",
        aria_expanded=rx.cond(state.is_unfolded, "true", "false"), aria_controls="filters",
        on_click=state.fold,
    )  # fmt: skip
    shape = rx.cond(state.is_unfolded, "ad-fs open", "ad-fs")
    return rx.fragment(opens, rx.el.div(*filters, class_name=shape, id="filters"))


def narrowing(state: Any, name: str, every: str, options: list[Any], label: str) -> rx.Component:
    """A choice that narrows the list; `every` (no narrowing) and `label` are catalogue keys."""
    return chosen(
        rx.el.option(words(every), value=""), *options, value=getattr(state, name),
        on_told=lambda value: state.narrow(name, value), class_name="input sm pick", aria_label=words(label),
    )  # fmt: skip


def days_between(state: Any) -> rx.Component:
    """The first and the last day of what is listed, never torn apart; the state's filters `first` and `last`."""

    def day(name: str, label: str) -> rx.Component:
        return typed_day(
            getattr(state, name), lambda day: state.narrow(name, day), class_name="input sm day",
            aria_label=words(label),
        )  # fmt: skip

    dash = rx.el.span("–", class_name="faint", aria_hidden="true")
    return rx.el.span(
        day("first", "admin.from_day"), dash, day("last", "admin.to_day"), class_name="row ad-dd"
    )


def options_of(choices: Any) -> list[Any]:
    """Options of a Var of `Choice`s."""
    return [rx.foreach(choices, lambda o: rx.el.option(o.text, value=o.value))]


def row_drawer(
    state: Any, title: str, problem: Any, broken: str, name: Any, body: rx.Component
) -> rx.Component:
    """The drawer of an open row, with a way to its neighbours; `title` and `broken` are keys."""
    head = rx.el.div(
        behaviour.drawer_focus(state.opened, name),
        rx.el.h2(words(title), class_name="el"), rx.el.span(class_name="sp"),
        icon_button("arrow-up", words("report.previous"), on_click=state.press("k")),
        icon_button("arrow-down", words("report.next"), on_click=state.press("j")),
        icon_button("x", words("desk.close"), on_click=state.close, custom_attrs=LEAVES), class_name="sec-h",
    )  # fmt: skip
    shown = rx.cond(problem != "", empty("broken", words(broken), problem), body)
    drawer = rx.el.aside(
        head, rx.el.div(shown, class_name="dr-b", tab_index=0, role="region", aria_label=name),
        class_name="drawer", aria_label=words(title),
    )  # fmt: skip
    return rx.cond(state.opened != "", drawer, rx.fragment())
