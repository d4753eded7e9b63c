"""Visit forms as they travel: what a form asks, and what a rep answered.

A text shown to people is one string, or one by language. Expressions (`when`, `required_when`,
`rule`) are described in docs/forms.md; their grammar and every rule here is run alike by
`fieldcrm.forms` and by the phone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[str, Meta(min_length=1, max_length=2000)]
Text = Label | dict[str, Label]
Expression = Annotated[str, Meta(min_length=1, max_length=500)]
Bound = Annotated[float, Meta(ge=-1e12, le=1e12)]
FieldType = Literal[
    "choice", "choices", "number", "text", "date", "yes_no", "photo", "products", "samples",
    "stock", "questionnaire", "agreement", "signature", "money", "phone", "email",
]  # fmt: skip
ClientKind = Literal["doctor", "pharmacist", "buyer", "organisation", "pharmacy"]


class FormOption(Struct):
    """One answer of a choice, or one question of a questionnaire."""

    value: Annotated[str, Meta(min_length=1, max_length=60)]
    label: Text


class FormField(Struct, omit_defaults=True):
    """One thing a form asks. `min` and `max` bound what the type counts:

    number, money: the value; choices, products, stock, photo: how many; samples: pieces of one product;
    text: characters (max only); date: days from the day of the visit.
    """

    name: Name
    type: FieldType
    label: Text
    hint: Text | None = None
    when: Expression | None = None
    """Asked only where this holds; its names are fields further up, `result`, `kind`, `category`."""
    required: bool = False
    required_when: Expression | None = None
    options: Annotated[list[FormOption], Meta(max_length=60)] = []
    questions: Annotated[list[FormOption], Meta(max_length=60)] = []
    min: Bound | None = None
    max: Bound | None = None
    total: Bound | None = None
    """Of samples: pieces of all products together."""
    whole: bool = False
    unit: Text | None = None
    with_price: bool = False
    text: Text | None = None
    """What an agreement says."""


class ClientFieldDoc(Struct):
    """A field of cards that the administrator made, as a phone asks it of clients of some kinds."""

    field: FormField
    kinds: list[ClientKind]
    is_editable: bool
    """By this phone's rep; otherwise it is only shown."""
    is_file: bool = False
    """Its text names a file that the server has, at /api/v1/clients/{client}/files/{name}."""
    is_of_desk: bool = False
    """The rep may fill it, but at the desk alone: phones had no input for its type."""
    is_sent: bool = False
    """The rep may choose its file on the phone (`ClientFieldPayload.file`)."""


class FormCheck(Struct):
    """What must hold of several answers together; `text` is shown at `field` where it doesn't."""

    rule: Expression
    field: Name
    text: Text


class FormDefinition(Struct, omit_defaults=True):
    """What a form asks of a held visit to clients of these kinds."""

    title: Text
    kinds: Annotated[list[ClientKind], Meta(min_length=1, max_length=5)]
    fields: Annotated[list[FormField], Meta(min_length=1, max_length=60)]
    next_step: Literal["optional", "required"] = "optional"
    """Required: a next step with its date, or a reason why there is none."""
    checks: Annotated[list[FormCheck], Meta(max_length=30)] = []


class FilledForm(Struct):
    """A rep's answers by the field's name, and by which version he answered."""

    form_id: Annotated[str, Meta(max_length=64)]
    version: Annotated[int, Meta(ge=1, le=1 << 31)]
    answers: Annotated[dict[Name, Any], Meta(max_length=100)]


class FormDoc(Struct):
    """One version of a form; the newest active one for a client's kind is asked."""

    id: str
    """`<form id>:<version>`"""
    form_id: str
    version: int
    is_active: bool
    """Asked of new visits; the others stay so that old answers can be read."""
    definition: FormDefinition
