"""Fields of clients that the administrator made: what they are, and what can be refused of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fieldcrm.forms.model import FormField
from fieldcrm.kit.errors import Conflict, Forbidden, Invalid, NotFound

TYPES = ("text", "number", "money", "date", "choice", "choices", "yes_no", "phone", "email")
"""Types of the forms' language that a card can keep; the others belong to a visit."""
COUNTED = frozenset({"choice", "choices", "yes_no"})
"""Types of few values: lists are narrowed by them, reports count them."""
UNSORTED = frozenset({"choices", "yes_no"})
NUMBERS = frozenset({"number", "money"})
EDITORS = ("rep", "dispatcher", "manager", "admin")
PREFIX = "own."
"""What a field is called among the fields of a client: `own.beds`."""
FIELDS_MAX = 100
"""Fields in use at one time."""


@dataclass(frozen=True)
class OwnField:
    """A field of clients of some kinds, as the administrator made it."""

    id: str
    field: FormField
    kinds: tuple[str, ...]
    editors: frozenset[str]
    """Roles that may fill it; the administrator always may."""
    is_archived: bool
    version: int
    changed_at: datetime

    @property
    def name(self) -> str:
        return self.field.name

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


class OwnFieldRefused(Invalid):
    """A value that breaks the field's own bounds; `params['why']` says which."""

    code = "own_field_refused"
