"""A field whose doctors are asked the template form, and the phone of its first rep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fieldcrm.forms import definitions, service
from fieldcrm.forms.tables import Form
from fieldcrm.kit import clock
from tests import field
from tests.sync.phone import Phone


@pytest.fixture
def company(any_db: str, valkey: object) -> Iterator[field.Field]:
    """The company on each database, its clock standing at a Wednesday morning."""
    made = field.lay_out()
    with clock.held(field.NOW):
        yield made


@pytest.fixture
def phone(company: field.Field) -> Phone:
    return Phone(company.reps[0], company.devices[0])


@pytest.fixture
def doctor_form(company: field.Field) -> Form:
    return service.save_form(company.admin, definitions.plain(service.templates()["doctor"]))
