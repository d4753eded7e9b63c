"""Where people work: who may say so, and which of several places is the main one."""

from __future__ import annotations

from fieldcrm.clients import rules, store
from fieldcrm.clients.model import PERSON_KINDS, PLACE_KINDS, ClientNotFound, WrongTie
from fieldcrm.clients.service import get_in, tell_in
from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit import clock, feed, ids
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role


def save_affiliation(
    actor: Actor, person_id: str, organisation_id: str, role: str | None = None,
    hours: str | None = None, is_main: bool = False,
) -> Affiliation:  # fmt: skip
    """Say that a person works at a place; the first place, or one said to be, is the main one.

    A person without coordinates of his own gets those of the main place.
    """
    people.require(actor, Role.admin, Role.manager, Role.dispatcher)
    with feed.writing() as session:
        person = get_in(session, actor, person_id)
        place = get_in(session, actor, organisation_id)
        if person.kind not in PERSON_KINDS or place.kind not in PLACE_KINDS:
            raise WrongTie()
        known = store.affiliations_of(session, person_id)
        tie = next((a for a in known if a.organisation_id == organisation_id), None)
        tie = tie or Affiliation(
            id=ids.new_id(), person_id=person_id, organisation_id=organisation_id
        )
        others = [a for a in known if a is not tie]
        tie.role, tie.hours = _short(role), _short(hours)
        tie.is_main = is_main or not any(a.is_main for a in others)
        for other in others:
            other.is_main = other.is_main and not tie.is_main
        session.add(tie)
        _follow_main(person, place, tie)
        session.flush()
        data = {"organisation_id": organisation_id, "is_main": tie.is_main}
        tell_in(session, actor, person, "client.workplace_set", data)
        return tie


def _short(text: str | None) -> str | None:
    return rules.clean_text(text)[:200] or None if text else None


def _follow_main(person: Client, place: Client, tie: Affiliation) -> None:
    if tie.is_main and place.lat is not None:
        person.lat, person.lng = place.lat, place.lng
    person.version += 1
    person.updated_at = clock.now()


def remove_affiliation(actor: Actor, affiliation_id: str) -> None:
    """A person no longer works at a place; another of his places becomes the main one."""
    people.require(actor, Role.admin, Role.manager, Role.dispatcher)
    with feed.writing() as session:
        tie = store.affiliation(session, affiliation_id)
        if tie is None:
            raise ClientNotFound()
        person = get_in(session, actor, tie.person_id)
        session.delete(tie)
        session.flush()
        left = store.affiliations_of(session, person.id)
        if left and not any(a.is_main for a in left):
            left[0].is_main = True
        person.version += 1
        person.updated_at = clock.now()
        data = {"organisation_id": tie.organisation_id}
        tell_in(session, actor, person, "client.workplace_left", data)
