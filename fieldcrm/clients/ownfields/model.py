"""Fields of clients that the administrator made: what they are, and what can be refused of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from fieldcrm.forms.model import FormField
from fieldcrm.kit.errors import Conflict, Forbidden, Invalid, NotFound
from fieldcrm.people.model import Actor

TYPES = ("text", "number", "money", "date", "choice", "choices", "yes_no", "phone", "email",
         "position", "reference", "file", "formula")  # fmt: skip
"""Types of the forms' language that a card can keep (the others belong to a visit), and cards' own."""
OF_CARDS = frozenset({"position", "reference", "file", "formula"})
"""Types that no form has; a phone shows them in words."""
COUNTED = frozenset({"choice", "choices", "yes_no"})
"""Types of few values: lists are narrowed by them, reports count them."""
UNSORTED = frozenset({"choices", "yes_no", "position"})
NUMBERS = frozenset({"number", "money"})
EDITORS = ("rep", "dispatcher", "manager", "admin")
"""Roles that fields are seen and filled by."""
PREFIX = "own."
"""What a field is called among the fields of a client: `own.beds`."""
FIELDS_MAX = 100
"""Fields in use at one time."""


CardType = Literal[
    "text", "number", "money", "date", "choice", "choices", "yes_no", "phone", "email",
    "position", "reference", "file", "formula",
]  # fmt: skip


class CardField(FormField, omit_defaults=True, kw_only=True):
    """A field of the forms' language, or of a type that only cards have."""

    type: CardType  # type: ignore[assignment]
    formula: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    """What is reckoned of the client's other fields (docs/forms.md)."""
    of_kinds: list[Literal["doctor", "pharmacist", "buyer", "organisation", "pharmacy"]] = []
    """Whom a reference may name; empty: clients of every kind."""


@dataclass(frozen=True)
class OwnField:
    """A field of clients of some kinds, as the administrator made it."""

    id: str
    field: CardField
    kinds: tuple[str, ...]
    editors: frozenset[str]
    """Roles that may fill it; the administrator always may."""
    viewers: frozenset[str]
    """Roles that may see it; for the others there is no such field."""
    is_archived: bool
    version: int
    changed_at: datetime
    sense: str
    """Its type; of a formula that of what it comes to."""
    reads: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Name -> type of the fields that a formula is reckoned of."""

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def is_reckoned(self) -> bool:
        """Whether nobody fills it."""
        return self.field.type == "formula"

    @property
    def is_imported(self) -> bool:
        """Whether a table of clients may say it."""
        return not self.is_reckoned and self.field.type != "file"

    def is_seen_by(self, actor: Actor) -> bool:
        """Whether there is such a field for somebody at all."""
        return actor.is_admin or actor.role.value in self.viewers

    def is_filled_by(self, actor: Actor) -> bool:
        """Whether somebody may set it."""
        may = actor.is_admin or (self.is_seen_by(actor) and actor.role.value in self.editors)
        return may and not self.is_reckoned

    def refers_to(self, kind: str) -> bool:
        """Whether a reference may name clients of a kind."""
        return not self.field.of_kinds or kind in self.field.of_kinds

    def is_asked_of(self, kind: str) -> bool:
        """Whether clients of a kind have it."""
        return not self.is_archived and kind in self.kinds


class BadOwnField(Invalid):
    """A definition that can't be used; `params['why']` says what is wrong with it."""

    code = "bad_own_field"


class OwnFieldNotFound(NotFound):
    """No such field of clients."""

    code = "own_field_not_found"


class OwnFieldChanged(Conflict):
    """Somebody saved the field since it was opened."""

    code = "own_field_changed"


class OwnFieldUnknown(Invalid):
    """A value for a field that was never made; `params['field']` is its name."""

    code = "own_field_unknown"


class OwnFieldArchived(Invalid):
    """A value for a field that is kept no more; `params['field']` is what it was called."""

    code = "own_field_archived"


class OwnFieldNotAsked(Invalid):
    """Clients of this kind don't have the field."""

    code = "own_field_not_asked"


class OwnFieldForbidden(Forbidden):
    """The field is filled by other roles."""

    code = "own_field_forbidden"


class OwnFieldReckoned(Invalid):
    """The field is reckoned of others; nobody sets it."""

    code = "own_field_reckoned"


class OwnFieldRefused(Invalid):
    """A value that breaks the field's own bounds; `params['why']` says which."""

    code = "own_field_refused"


class OwnFileUnfit(Invalid):
    """What was sent is no photo, sound, PDF or office document without macros."""

    code = "own_file_unfit"


class OwnFileTooLarge(Invalid):
    """More bytes than the settings allow; `params['limit_mb']`."""

    code = "own_file_too_large"


class OwnFileNotFound(NotFound):
    """No such file: it was sent by somebody else, or for another field, or is no longer kept."""

    code = "own_file_not_found"


class OwnFileOnItsWay(NotFound):
    """The card names it and its bytes are still on the phone that sends them."""

    code = "own_file_on_its_way"
