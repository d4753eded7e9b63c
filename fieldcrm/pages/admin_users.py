"""Users: who may sign in, as what, for which teams; add, change, new password, let go, take back."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from fieldcrm.components.alerts import Toast
from fieldcrm.components.icons import icon
from fieldcrm.components.messages import Messages
from fieldcrm.components.parts import LEAVES, badge, button, empty, icon_button
from fieldcrm.components.section import AdminSection, loaded, sort_head
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.typed import typed
from fieldcrm.components.words import words
from fieldcrm.kit import i18n, ids
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import admin_page, labelled, said
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role, TravelMode

SORTS = ("name", "login", "role", "team", "active")
REP_FIELDS = (
    "mode",
    "shift_start_min",
    "shift_end_min",
    "lunch_start_min",
    "lunch_minutes",
    "work_days",
)


@dataclass
class UserRow:
    """A user as the table shows him."""

    id: str
    name: str
    login: str
    role: str
    role_word: str
    team: str
    mode: str
    shift: str
    is_active: bool
    is_sample: bool


@dataclass
class TeamChoice:
    """A team with whether it is chosen."""

    id: str
    name: str
    is_chosen: bool


@dataclass
class UserForm:
    """A user as the form starts with; an empty id is a new one."""

    id: str = ""
    version: int = 0
    name: str = ""
    login: str = ""
    role: str = "rep"
    team_id: str = ""
    phone: str = ""
    email: str = ""
    language: str = "en"
    mode: str = "car"
    shift_start: str = "09:00"
    shift_end: str = "17:00"
    lunch_start: str = "12:00"
    lunch_minutes: str = "30"
    work_days: list[bool] = field(default_factory=lambda: [True] * 5 + [False] * 2)
    is_active: bool = True
    is_self: bool = False


class AdminUsers(AdminSection, Desk):
    """The table of users and the form beside it."""

    rows: list[UserRow] = []
    shown: str = ""
    search: str = ""
    role_filter: str = ""
    sort: str = "name"
    form: UserForm = UserForm()
    is_open: bool = False
    form_role: str = "rep"
    teams: list[TeamChoice] = []
    form_problem: str = ""
    bad_field: str = ""
    must_confirm: bool = False
    day_words: list[str] = []

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        self.day_words = [i18n.day(d, self.language, "EEEEEE") for d in _WEEK]
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def find(self, text: str):
        """Users whose name or login holds the text."""
        self.search = str(text)[:100]
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def filter_role(self, role: str):
        """Users of one role, or all."""
        self.role_filter = role if role in Role else ""
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def sort_by(self, name: str):
        """By a column; again turns it round."""
        if name in SORTS:
            self.sort = f"-{name}" if self.sort == name else name
            await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def clear(self):
        """All users."""
        self.search = self.role_filter = ""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        actor = self._actor()
        found = await asyncio.to_thread(_rows, actor, self.search, self.role_filter, self.language)
        name = self.sort.removeprefix("-")
        self.rows = sorted(found, key=_sort_key(name), reverse=self.sort.startswith("-"))
        self.shown = self._t("admin.users_count", n=len(self.rows))

    # ---- the form ----

    @rx.event
    @allows(ADMINISTERING)
    async def add(self):
        """An empty form."""
        await self._open(UserForm(language=self.language), frozenset())

    @rx.event
    @allows(ADMINISTERING)
    async def edit(self, user_id: str):
        """A user's form."""
        try:
            form, teams = await asyncio.to_thread(_form, self._actor(), user_id)
        except Refusal as error:
            return await self._tell(self._refusal(error), "err")
        await self._open(form, teams)
        return None

    async def _open(self, form: UserForm, chosen: frozenset[str]) -> None:
        every = await asyncio.to_thread(people.list_teams, self._actor())
        self.teams = [TeamChoice(t.id, t.name, t.id in chosen) for t in every]
        self.form, self.form_role, self.is_open = form, form.role, True
        self.form_problem, self.bad_field, self.must_confirm = "", "", False

    @rx.event
    @allows(ADMINISTERING)
    def close(self):
        """Away without saving."""
        self.is_open = False

    @rx.event
    @allows(ADMINISTERING)
    def choose_role(self, role: str):
        """Which fields the form asks for depends on the role."""
        self.form_role = role if role in Role else "rep"

    @rx.event
    @allows(ADMINISTERING)
    async def save(self, data: dict):
        """Add or change; a refusal keeps what was typed."""
        form = self.form
        try:
            changes = read_form(data, self.form_role, is_new=not form.id)
            version = form.version if form.id else None
            saved = await asyncio.to_thread(
                people.save_user, self._actor(), changes, form.id or None, version
            )
        except Refusal as error:
            self.form_problem = self._refusal_of_field(error)
            self.bad_field = str(error.params.get("field", ""))
            return
        self.is_open = False
        await self._show()
        await self._tell(self._t("admin.saved", name=saved.name), "ok")

    @rx.event
    @allows(ADMINISTERING)
    async def give_password(self, data: dict):
        """A new password; the user's sessions end."""
        try:
            password = str(data.get("new_password", ""))
            await asyncio.to_thread(people.set_password, self._actor(), self.form.id, password)
        except Refusal as error:
            self.form_problem = self._refusal(error)
            return
        self.form_problem = ""
        await self._tell(self._t("admin.password_set", name=self.form.name), "ok")

    @rx.event
    @allows(ADMINISTERING)
    async def let_go(self):
        """Asks once, then ends sessions and devices; history stays."""
        if not self.must_confirm:
            self.must_confirm = True
            return
        await self._change_active(people.deactivate_user, "admin.let_gone")

    @rx.event
    @allows(ADMINISTERING)
    async def take_back(self):
        """The user may sign in again; devices must be paired again."""
        await self._change_active(people.activate_user, "admin.taken_back")

    async def _change_active(self, act: Any, said_key: str) -> None:
        try:
            user = await asyncio.to_thread(act, self._actor(), self.form.id)
        except Refusal as error:
            self.form_problem = self._refusal(error)
            return
        self.is_open = False
        await self._show()
        await self._tell(self._t(said_key, name=user.name), "ok")

    def _refusal_of_field(self, error: Refusal) -> str:
        name = error.params.get("field")
        key = f"admin.field.{name}"
        if error.code == "bad_field" and key in i18n.catalogue(self.language):
            return self._t("error.bad_field", field=self._t(key))
        return self._refusal(error)

    async def _tell(self, text: str, tone: str) -> None:
        messages = await self.get_state(Messages)
        messages._say(
            Toast(f"users:{text}", tone, "confirmed" if tone == "ok" else "contradicted", text)
        )


def _monday_to_sunday() -> list[Any]:
    from datetime import date, timedelta

    return [date(2026, 11, 2) + timedelta(n) for n in range(7)]


_WEEK = _monday_to_sunday()


def _rows(actor: Actor, search: str, role: str, language: str) -> list[UserRow]:
    teams = {t.id: t.name for t in people.list_teams(actor)}
    of_users = people.teams_of_users(actor)
    return [
        _row(u, teams, of_users, language) for u in people.list_users(actor, search, role or None)
    ]


def _row(
    user: Any, teams: dict[str, str], of_users: dict[str, frozenset[str]], language: str
) -> UserRow:
    own = {user.team_id} if user.team_id else of_users.get(user.id, frozenset())
    is_rep = user.role == Role.rep
    return UserRow(
        user.id, user.name, user.login, user.role, i18n.t(f"desk.role.{user.role}", language),
        ", ".join(sorted(teams.get(t, "") for t in own)),
        i18n.t(f"admin.mode.{user.mode}", language) if is_rep else "",
        f"{clock_text(user.shift_start_min)}–{clock_text(user.shift_end_min)}" if is_rep else "",
        user.is_active, user.is_sample,
    )  # fmt: skip


def _sort_key(name: str) -> Any:
    def key(row: UserRow) -> tuple[Any, str]:
        first = not row.is_active if name == "active" else getattr(row, name).casefold()
        return first, row.name.casefold()

    return key


def _form(actor: Actor, user_id: str) -> tuple[UserForm, frozenset[str]]:
    if not ids.is_id(user_id):
        user_id = ""
    u = people.get_user(actor, user_id)
    form = UserForm(
        u.id, u.version, u.name, u.login, u.role, u.team_id or "", u.phone or "", u.email or "",
        u.language, u.mode, clock_text(u.shift_start_min), clock_text(u.shift_end_min),
        clock_text(u.lunch_start_min), str(u.lunch_minutes),
        [str(n) in u.work_days for n in range(1, 8)], u.is_active, u.id == actor.user_id,
    )  # fmt: skip
    return form, people.teams_of_users(actor).get(u.id, frozenset())


def clock_text(minutes: int) -> str:
    """Minutes after midnight as 09:30."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def minutes_of(text: Any) -> int | None:
    """Minutes after midnight of 09:30; None for anything else."""
    hours, _, rest = str(text).partition(":")
    if not (hours.isascii() and hours.isdigit() and rest[:2].isascii() and rest[:2].isdigit()):
        return None
    return int(hours) * 60 + int(rest[:2])


def read_form(data: dict[str, Any], role: str, is_new: bool) -> dict[str, Any]:
    """A form's texts as fields of a user; the service judges them."""
    changes: dict[str, Any] = {
        k: data.get(k) for k in ("name", "login", "phone", "email", "language")
    }
    changes["role"] = role
    if role == Role.rep:
        changes |= {"team_id": data.get("team_id") or None, "mode": data.get("mode")}
        for name in ("shift_start", "shift_end", "lunch_start"):
            changes[f"{name}_min"] = minutes_of(data.get(name))
        minutes = str(data.get("lunch_minutes", ""))
        changes["lunch_minutes"] = int(minutes) if minutes.isascii() and minutes.isdigit() else None
        changes["work_days"] = "".join(str(n) for n in range(1, 8) if data.get(f"day_{n}"))
    else:
        changes["team_id"] = None
        changes["team_ids"] = [
            k.removeprefix("team:") for k, v in data.items() if v and k.startswith("team:")
        ]
    if is_new:
        changes["password"] = data.get("password")
    return changes


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def admin_users() -> rx.Component:
    """The page."""
    drawer = rx.cond(AdminUsers.is_open, _drawer(), rx.fragment())
    return admin_page("/admin", _tools(), loaded(AdminUsers, _table()), drawer=drawer)


def _tools() -> rx.Component:
    roles = rx.el.select(
        rx.el.option(words("admin.all_roles"), value=""),
        *[rx.el.option(words(f"desk.role.{r}"), value=r) for r in Role],
        value=AdminUsers.role_filter, on_change=AdminUsers.filter_role, class_name="input sm pick",
        aria_label=words("admin.role"),
    )  # fmt: skip
    search = typed(
        AdminUsers.search, AdminUsers.find, type="search", class_name="input sm ad-find",
        placeholder=words("admin.find_user"), aria_label=words("admin.find_user"),
    )  # fmt: skip
    return rx.el.div(
        search, roles, rx.el.span(AdminUsers.shown, class_name="muted t1", role="status"), rx.el.span(class_name="sp"),
        button(icon("plus"), words("admin.add_user"), kind="primary", on_click=AdminUsers.add),
        class_name="row ad-t",
    )  # fmt: skip


def _table() -> rx.Component:
    none = empty("no_match", words("admin.no_users"), words("admin.no_users_why"),
                 button(words("report.clear_filters"), small=True, on_click=AdminUsers.clear))  # fmt: skip
    heads = [
        sort_head(words(f"admin.{n}"), n, AdminUsers) for n in ("name", "login", "role", "team")
    ]
    rows = rx.el.table(
        rx.el.thead(
            rx.el.tr(*heads, rx.el.th(words("admin.mode"), scope="col"), rx.el.th(words("admin.shift"), scope="col"),
                     sort_head(words("admin.active"), "active", AdminUsers))
        ),
        rx.el.tbody(rx.foreach(AdminUsers.rows, _line)), class_name="tbl", aria_label=words("admin.users"),
    )  # fmt: skip
    return rx.el.section(
        rx.cond(AdminUsers.rows.length() > 0,
                rx.el.div(rows, class_name="scr", tab_index=0, role="region", aria_label=words("admin.users")), none),
        class_name="card ad-c",
    )  # fmt: skip


def _line(row: Any) -> rx.Component:
    state = rx.cond(row.is_active, badge(words("admin.is_active"), tone="ok"),
                    badge(words("admin.is_gone"), tone="line"))  # fmt: skip
    chosen = AdminUsers.is_open & (AdminUsers.form.id == row.id)
    return rx.el.tr(
        rx.el.td(rx.el.button(row.name, type="button", class_name="way med", on_click=AdminUsers.edit(row.id))),
        rx.el.td(row.login, class_name="mono"), rx.el.td(row.role_word), rx.el.td(row.team),
        rx.el.td(row.mode, class_name="muted"), rx.el.td(row.shift, class_name="muted"), rx.el.td(state),
        aria_selected=rx.cond(chosen, "true", "false"),
    )  # fmt: skip


def _drawer() -> rx.Component:
    f = AdminUsers.form
    title = rx.cond(f.id == "", words("admin.add_user"), f.name)
    head = rx.el.div(
        rx.el.h2(title, class_name="el"), rx.el.span(class_name="sp"),
        icon_button("x", words("desk.close"), on_click=AdminUsers.close, custom_attrs=LEAVES), class_name="sec-h",
    )  # fmt: skip
    return rx.el.aside(
        head,
        rx.el.div(
            rx.el.form(
                *_common(f), rx.cond(AdminUsers.form_role == "rep", _of_rep(f), _of_leader()),
                said(AdminUsers.form_problem),
                rx.el.div(button(words("admin.save"), kind="primary", type="submit"),
                          button(words("admin.cancel"), kind="ghost", on_click=AdminUsers.close),
                          class_name="row"),
                on_submit=AdminUsers.save, class_name="ad-f", key=f"{f.id}:{f.version}", no_validate=True,
            ),
            rx.cond(f.id != "", _dangers(f), rx.fragment()),
            class_name="dr-b", tab_index=0, role="region", aria_label=words("admin.form"),
        ),
        class_name="drawer", aria_label=title,
    )  # fmt: skip


def _input(name: str, value: Any, kind: str = "text", **more: Any) -> rx.Component:
    bad = AdminUsers.bad_field == more.pop("refused_as", name)
    return rx.el.input(
        name=name, default_value=value, type=kind, class_name=rx.cond(bad, "input is-err", "input"),
        aria_invalid=rx.cond(bad, "true", "false"), **more,
    )  # fmt: skip


def _common(f: Any) -> list[rx.Component]:
    role = rx.el.select(
        *[rx.el.option(words(f"desk.role.{r}"), value=r) for r in Role], name="role",
        value=AdminUsers.form_role, on_change=AdminUsers.choose_role, class_name="input",
    )  # fmt: skip
    language = rx.el.select(
        rx.el.option("English", value="en"), rx.el.option("Русский", value="ru"),
        rx.el.option("Română", value="ro"), name="language", default_value=f.language, class_name="input",
    )  # fmt: skip
    password = labelled(
        words("admin.password"),
        _input("password", "", "password", auto_complete="new-password"),
        wide=True,
    )
    return [
        labelled(words("admin.name"), _input("name", f.name, auto_complete="off"), wide=True),
        labelled(words("admin.login"), _input("login", f.login, auto_complete="off")),
        labelled(words("admin.role"), role),
        rx.cond(f.id == "", password, rx.fragment()),
        labelled(words("admin.phone"), _input("phone", f.phone, "tel", auto_complete="off")),
        labelled(words("admin.email"), _input("email", f.email, "email", auto_complete="off")),
        labelled(words("desk.language"), language),
    ]


def _of_rep(f: Any) -> rx.Component:
    team = rx.el.select(
        rx.el.option("—", value=""), rx.foreach(AdminUsers.teams, lambda t: rx.el.option(t.name, value=t.id)),
        name="team_id", default_value=f.team_id,
        class_name=rx.cond(AdminUsers.bad_field == "team_id", "input is-err", "input"),
    )  # fmt: skip
    mode = rx.el.select(
        *[rx.el.option(words(f"admin.mode.{m}"), value=m) for m in TravelMode], name="mode",
        default_value=f.mode, class_name="input",
    )  # fmt: skip
    days = rx.el.fieldset(
        rx.el.legend(words("admin.work_days")),
        *[
            rx.el.label(
                rx.el.input(type="checkbox", name=f"day_{n + 1}", default_checked=f.work_days[n]),
                AdminUsers.day_words[n], class_name="tick",
            )
            for n in range(7)
        ],
        class_name="field wide ticks",
    )  # fmt: skip
    return rx.fragment(
        labelled(words("admin.team"), team), labelled(words("admin.mode"), mode),
        labelled(words("admin.shift_start"), _input("shift_start", f.shift_start, "time")),
        labelled(words("admin.shift_end"), _input("shift_end", f.shift_end, "time", refused_as="shift_end_min")),
        labelled(words("admin.lunch_start"), _input("lunch_start", f.lunch_start, "time")),
        labelled(words("admin.lunch_minutes"), _input("lunch_minutes", f.lunch_minutes, "number", min="0", max="240")),
        days,
    )  # fmt: skip


def _of_leader() -> rx.Component:
    """Teams a dispatcher or manager is responsible for; an administrator sees all anyway."""
    teams = rx.el.fieldset(
        rx.el.legend(words("admin.responsible_for")),
        rx.foreach(
            AdminUsers.teams,
            lambda t: rx.el.label(
                rx.el.input(type="checkbox", name="team:" + t.id, default_checked=t.is_chosen), t.name,
                class_name="tick",
            ),
        ),
        class_name="field wide ticks",
    )  # fmt: skip
    everything = rx.el.p(words("admin.sees_all"), class_name="muted t1 wide")
    return rx.cond(AdminUsers.form_role == "admin", everything, teams)


def _dangers(f: Any) -> rx.Component:
    password = rx.el.form(
        labelled(words("admin.new_password"),
                 rx.el.input(name="new_password", type="password", class_name="input", auto_complete="new-password")),
        button(words("admin.set_password"), small=True, type="submit"),
        on_submit=AdminUsers.give_password, reset_on_submit=True, class_name="ad-p", key="password:" + f.id,
    )  # fmt: skip
    go = button(
        rx.cond(AdminUsers.must_confirm, words("admin.let_go_sure"), words("admin.let_go")),
        kind="danger", small=True, on_click=AdminUsers.let_go,
    )  # fmt: skip
    back = button(words("admin.take_back"), small=True, on_click=AdminUsers.take_back)
    return rx.el.div(
        rx.el.p(words("admin.password_why"), class_name="muted t1"), password,
        rx.cond(f.is_self, rx.fragment(),
                rx.el.div(rx.cond(f.is_active, go, back),
                          rx.el.span(words("admin.let_go_why"), class_name="muted t1"), class_name="ad-g")),
        class_name="sec said",
    )  # fmt: skip
