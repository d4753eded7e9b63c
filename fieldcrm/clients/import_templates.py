"""Import templates: how files of one kind are read, kept under a name; an administrator's."""

from __future__ import annotations

from collections.abc import Sequence

from fieldcrm.clients import import_store, rules, store
from fieldcrm.clients.model import BadClientField, ImportNotFound, TemplateNotFound
from fieldcrm.clients.tables import ImportTemplate
from fieldcrm.kit import clock, events, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

NAME_MAX = 80
TEMPLATES_MAX = 200


def list_templates(actor: Actor) -> list[ImportTemplate]:
    """Every template, by name."""
    people.require(actor, Role.admin)
    with reading() as session:
        return import_store.templates(session)


def get(actor: Actor, name: str) -> ImportTemplate:
    """The template of a name; raises TemplateNotFound."""
    people.require(actor, Role.admin)
    with reading() as session:
        found = import_store.template(session, name)
    if found is None:
        raise TemplateNotFound(name=name[:NAME_MAX])
    return found


def fitting(actor: Actor, columns: Sequence[str]) -> ImportTemplate | None:
    """A template for files with these columns: made for the same ones, else for some of them all
    of which are there."""
    every = list_templates(actor)
    same = [t for t in every if t.columns == list(columns)]
    near = [t for t in every if t.has_header and t.rules["mapping"].keys() <= set(columns)]
    return next(iter([*same, *sorted(near, key=lambda t: -len(t.rules["mapping"]))]), None)


def save(actor: Actor, name: str, run_id: str) -> ImportTemplate:
    """Keep how a previewed file is read under a name, instead of what the name meant before.

    Raises ImportNotFound, BadClientField.
    """
    people.require(actor, Role.admin)
    cleaned = rules.clean_text(name)
    if not 0 < len(cleaned) <= NAME_MAX:
        raise BadClientField(field="name")
    with transaction() as session:
        run = store.import_run(session, run_id)
        if run is None or "rules" not in run.report:
            raise ImportNotFound()
        kept = import_store.template(session, cleaned)
        if kept is None:
            if len(import_store.templates(session)) >= TEMPLATES_MAX:
                raise BadClientField(field="name", limit=TEMPLATES_MAX)
            kept = ImportTemplate(id=ids.new_id(), name=cleaned, made_at=clock.now())
        kept.columns, kept.has_header = run.report["columns"], run.report["has_header"]
        kept.rules, kept.made_by, kept.made_at = (
            run.report["rules"],
            actor.user_id or None,
            clock.now(),
        )
        session.add(kept)
        events.record(
            session, "clients.template_saved", kept.id, actor_id=actor.user_id or None,
            source=actor.source, data={"name": cleaned},
        )  # fmt: skip
        return kept


def remove(actor: Actor, name: str) -> None:
    """Forget a template; raises TemplateNotFound."""
    people.require(actor, Role.admin)
    with transaction() as session:
        kept = import_store.template(session, name)
        if kept is None:
            raise TemplateNotFound(name=name[:NAME_MAX])
        session.delete(kept)
        events.record(
            session, "clients.template_removed", kept.id, actor_id=actor.user_id or None,
            source=actor.source, data={"name": kept.name},
        )  # fmt: skip
