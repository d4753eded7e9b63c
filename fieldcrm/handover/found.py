"""Clients that a list finds, to be handed over: a saved view, or the list as somebody looks at it."""

from __future__ import annotations

from dataclasses import replace

from fieldcrm.clients import service as clients
from fieldcrm.clients.views import service as views
from fieldcrm.clients.views.model import ListState
from fieldcrm.handover.model import CLIENTS_MOST, NothingToHandOver, TooManyClients
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

_BOSSES = Role.manager, Role.admin


def by_rep(actor: Actor, state: ListState) -> dict[str | None, int]:
    """How many clients a list finds, by whose they are; archived ones are nobody's to hand over."""
    people.require(actor, *_BOSSES)
    if state.is_archive:
        return {}
    return clients.count_by_rep(actor, views.filters_of(actor, state), state.search)


def clients_of(actor: Actor, rep_id: str, state: ListState) -> frozenset[str]:
    """Those of a rep's clients that a list finds.

    Raises NothingToHandOver, TooManyClients, OutOfScope.
    """
    people.require(actor, *_BOSSES)
    people.scope_rep(actor, rep_id)
    if state.is_archive:
        raise NothingToHandOver()
    wanted = replace(views.filters_of(actor, state), rep_id=rep_id)
    found = frozenset(clients.ids_found(actor, wanted, state.search, CLIENTS_MOST + 1))
    if not found:
        raise NothingToHandOver()
    if len(found) > CLIENTS_MOST:
        raise TooManyClients(most=CLIENTS_MOST)
    return found
