"""The web app, put together: pages, the guard over their events, the HTTP API beside them."""

from __future__ import annotations

import reflex as rx

from fieldcrm.api.app import make_api
from fieldcrm.components.session import Desk, Guard
from fieldcrm.components.shell import offline_pill
from fieldcrm.pages.admin_data import AdminData, admin_data
from fieldcrm.pages.admin_devices import AdminDevices, admin_devices
from fieldcrm.pages.admin_events import AdminEvents, admin_events
from fieldcrm.pages.admin_fields import AdminFields, admin_fields
from fieldcrm.pages.admin_forms import AdminForms
from fieldcrm.pages.admin_forms_view import admin_forms
from fieldcrm.pages.admin_import import admin_import
from fieldcrm.pages.admin_import_state import AdminImport
from fieldcrm.pages.admin_landing_state import AdminLanding
from fieldcrm.pages.admin_person import AdminPerson, admin_person
from fieldcrm.pages.admin_teams import AdminTeams, admin_teams
from fieldcrm.pages.admin_territory import admin_territories
from fieldcrm.pages.admin_users import AdminUsers, admin_users
from fieldcrm.pages.client_form import ClientForm, client_form_page
from fieldcrm.pages.clients import Clients, clients_page
from fieldcrm.pages.corrections import Corrections, corrections_page
from fieldcrm.pages.coverage import coverage_page
from fieldcrm.pages.coverage_state import Coverage
from fieldcrm.pages.dispatch import dispatch
from fieldcrm.pages.dispatch_state import Dispatch
from fieldcrm.pages.duplicates import duplicates_page
from fieldcrm.pages.duplicates_state import Duplicates
from fieldcrm.pages.handover import Handovers, handover_page
from fieldcrm.pages.home import home, missing
from fieldcrm.pages.manager import manager
from fieldcrm.pages.manager_state import Manager
from fieldcrm.pages.my_cycle import MyCycle, my_cycle_page
from fieldcrm.pages.office_messages import OfficeMessages, messages_page
from fieldcrm.pages.planning import planning_page
from fieldcrm.pages.planning_state import Planning
from fieldcrm.pages.quality import quality_page
from fieldcrm.pages.quality_state import Quality
from fieldcrm.pages.replay import replay
from fieldcrm.pages.replay_state import Replay
from fieldcrm.pages.sign_in import SignIn, sign_in
from fieldcrm.pages.visits import Visits, visits_page
from fieldcrm.pages.what_if import what_if_page
from fieldcrm.pages.what_if_state import WhatIfPage

_THEME_BEFORE_PAINT = (
    "(function(){var t=localStorage.getItem('fieldcrm-theme')||'system';"
    "document.documentElement.dataset.theme=t==='dark'||(t==='system'&&"
    "matchMedia('(prefers-color-scheme: dark)').matches)?'dark':'light'})()"
)

app = rx.App(
    api_transformer=make_api(),
    theme=None,
    toaster=None,
    reset_style=False,
    html_lang="en",
    stylesheets=[
        "/tokens.css",
        "/desk.css",
        "/office.css",
        "/replay.css",
        "/admin.css",
        "/coverage.css",
        "/areas.css",
        "/forms.css",
        "/messages.css",
        "/duplicates.css",
        "/quality.css",
        "/imports.css",
        "/own_fields.css",
        "/lists.css",
        "/planning.css",
        "/what_if.css",
        "/territory.css",
    ],
    head_components=[
        rx.el.script(_THEME_BEFORE_PAINT),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.meta(name="color-scheme", content="light dark"),
    ],
    extra_app_wraps={(5, "Overlay"): offline_pill},
)
app.add_middleware(Guard())
app.add_page(home, route="/", title="fieldcrm", on_load=Desk.go_home)
app.add_page(sign_in, route="/sign-in", title="fieldcrm", on_load=SignIn.load)
app.add_page(dispatch, route="/dispatch", title="fieldcrm", on_load=Dispatch.load)
app.add_page(manager, route="/manager", title="fieldcrm", on_load=Manager.load)
for _page, _route, _load in (
    (replay, "/replay", Replay.load), (coverage_page, "/coverage", Coverage.load),
    (clients_page, "/clients", Clients.load), (visits_page, "/visits", Visits.load),
    (admin_users, "/admin", AdminUsers.load), (admin_teams, "/admin/teams", AdminTeams.load),
    (admin_territories, "/admin/territories", [AdminTeams.load, AdminLanding.load]),
    (admin_devices, "/admin/devices", AdminDevices.load),
    (admin_forms, "/admin/forms", AdminForms.load),
    (admin_fields, "/admin/fields", AdminFields.load),
    (admin_import, "/admin/import", AdminImport.load),
    (admin_events, "/admin/events", AdminEvents.load),
    (admin_data, "/admin/data", AdminData.load),
    (admin_person, "/admin/person", AdminPerson.load),
    (corrections_page, "/corrections", Corrections.load),
    (duplicates_page, "/duplicates", Duplicates.load),
    (quality_page, "/quality", Quality.load),
    (messages_page, "/messages", OfficeMessages.load),
    (handover_page, "/handover", Handovers.load),
    (what_if_page, "/planning/what-if", WhatIfPage.load),
    (planning_page, "/planning", Planning.load), (my_cycle_page, "/my-cycle", MyCycle.load),
    (client_form_page, "/clients/form", ClientForm.load),
):  # fmt: skip
    app.add_page(_page, route=_route, title="fieldcrm", on_load=_load)
app.add_page(missing, route="/404", title="fieldcrm")
