"""Calls to clients: noted by whoever made them, kept in the log, told by the card's timeline."""

from __future__ import annotations

from fieldcrm.clients import rules
from fieldcrm.clients.finding import get_in
from fieldcrm.clients.model import CALLED, BadClientField
from fieldcrm.clients.service import tell_in
from fieldcrm.kit.database import transaction
from fieldcrm.people.model import Actor

OUTCOMES = ("reached", "not_reached")
TEXT_MOST = 500


def note_call(actor: Actor, client_id: str, outcome: str, text: str = "") -> None:
    """Note a call to a client in the actor's scope; one that was answered says what about.

    Raises ClientNotFound, BadClientField.
    """
    if outcome not in OUTCOMES:
        raise BadClientField(field="outcome")
    said = rules.clean_text(text)
    if len(said) > TEXT_MOST or (outcome == "reached" and not said):
        raise BadClientField(field="text", limit=TEXT_MOST)
    with transaction() as session:
        client = get_in(session, actor, client_id)
        tell_in(session, actor, client, CALLED, {"outcome": outcome, "text": said})
