"""Visit forms in words: problems of an answer, and what can be wrong with a form itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldcrm.kit.errors import Conflict, Invalid, NotFound
from fieldcrm.wire.forms import FilledForm, FormCheck, FormDefinition, FormField

__all__ = ["FilledForm", "FormCheck", "FormDefinition", "FormField"]

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the rules must know of the visit beside the answers."""

    result: str | None
    kind: str
    """Of the client: doctor, pharmacy, ..."""
    day: str
    """ISO date of the visit."""
    category: str | None = None
    photos: frozenset[str] | None = None
    """Hashes of the visit's photos; None where they are not known, and not looked at."""
    has_next_step: bool = False
    """A next step with its date, or a reason why there is none."""


@dataclass(frozen=True)
class Problem:
    """A rule that an answer breaks; `code` has a text under `forms.problem.`."""

    field: str
    code: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """Answers that were asked for, and what is wrong with them."""

    kept: dict[str, Any]
    problems: list[Problem]


@dataclass(frozen=True)
class Shelf:
    """One product on a shelf as a visit found it."""

    product_id: str
    is_there: bool
    price: float | None


@dataclass(frozen=True)
class Fault:
    """What is wrong with a form's own definition, and where; `why` is under `forms.fault.`."""

    where: str
    why: str


class BadForm(Invalid):
    """A definition that can't be used; `params['faults']` says where and why."""

    code = "bad_form"


class FormNotFound(NotFound):
    """No such form."""

    code = "form_not_found"


class FormChanged(Conflict):
    """Somebody saved the form since it was opened."""

    code = "form_changed"


class FormKindTaken(Conflict):
    """Another form is asked of clients of this kind already."""

    code = "form_kind_taken"


class FormRefused(Invalid):
    """Answers that break the form's rules: `params` names the fields and the rules."""

    code = "form_refused"


class FormNeeded(Invalid):
    """A held visit came without the form that is asked of such clients."""

    code = "form_needed"


class AnswersTooLarge(Invalid):
    """More than a form's answers may weigh."""

    code = "answers_too_large"


class ProductNameNeeded(Invalid):
    """A product needs a name of at most 200 characters."""

    code: ClassVar[str] = "product_name_needed"


class ProductNotFound(NotFound):
    """No such product."""

    code = "product_not_found"
