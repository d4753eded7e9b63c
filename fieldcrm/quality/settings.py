"""The administrator's choices: what a card has to hold, and which geocoder may be asked."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sqlmodel import Session

from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.rules import country_of
from fieldcrm.kit import events, facts
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.quality import rules
from fieldcrm.quality.model import BadNorm, Geocoder, Norms, Provider

DESK = (Role.dispatcher, Role.manager, Role.admin)
_NORMS, _GEOCODER = "quality_norms", "quality_geocoder"


def norms_in(session: Session) -> Norms:
    """The company's norms, or the usual ones."""
    told = facts.get(session, _NORMS)
    if not told:
        return Norms()
    required = {category: tuple(names) for category, names in told["required"].items()}
    return Norms(**(told | {"required": required, "countries": tuple(told["countries"])}))


def judged_by(session: Session) -> Norms:
    """The same with the country that the time zone names, where none is chosen."""
    norms = norms_in(session)
    home = country_of(settings().timezone)
    return norms if norms.countries or home is None else replace(norms, countries=(home,))


def norms(actor: Actor) -> Norms:
    """The norms, for everybody at a desk."""
    people.require(actor, *DESK)
    with reading() as session:
        hidden = ownfields.hidden_in(session, actor)
        return rules.norms_without(norms_in(session), hidden)


def set_norms(actor: Actor, told: dict[str, Any]) -> Norms:
    """Ask other things of cards (administrator); logged. Raises BadNorm."""
    people.require(actor, Role.admin)
    own = {f.name for f in ownfields.list_fields(actor) if not f.is_reckoned}
    with transaction() as session:
        before = asdict(norms_in(session))
        wanted = rules.norms_of(before | told, own)
        _put(session, actor, _NORMS, before, asdict(wanted))
    return wanted


def geocoder_in(session: Session) -> Geocoder:
    """The geocoder that may be asked; off unless somebody set one."""
    told = facts.get(session, _GEOCODER)
    return Geocoder(**(told | {"provider": Provider(told["provider"])})) if told else Geocoder()


def geocoder(actor: Actor) -> Geocoder:
    """The same for the administrator."""
    people.require(actor, Role.admin)
    with reading() as session:
        return geocoder_in(session)


def set_geocoder(
    actor: Actor, provider: str, url: str, contact: str, apply_exact: bool
) -> Geocoder:
    """Choose a geocoder, or none by an empty address (administrator); logged. Raises BadNorm."""
    people.require(actor, Role.admin)
    if provider not in Provider:
        raise BadNorm(field="provider")
    wanted = rules.check_geocoder(
        Geocoder(Provider(provider), url.strip(), contact.strip(), apply_exact)
    )
    with transaction() as session:
        _put(session, actor, _GEOCODER, asdict(geocoder_in(session)), asdict(wanted))
    return wanted


def _put(
    session: Session, actor: Actor, name: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    changed = [key for key in after if after[key] != before[key]]
    facts.put(session, name, after)
    if changed:
        events.record(
            session, "quality.norms_changed", None, actor_id=actor.user_id or None,
            source=actor.source,
            data={"before": {k: before[k] for k in changed}, "after": {k: after[k] for k in changed}},
        )  # fmt: skip
