"""The migrations make exactly the tables that the code names, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from fieldcrm.kit.database import engine
from fieldcrm.migrations import schema


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_and_tables_agree(any_db: str) -> None:
    with engine().begin() as connection:
        if any_db == "postgresql":
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        else:
            schema.metadata.drop_all(connection)
    schema.upgrade()
    schema.upgrade()
    with engine().connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    assert differences == []
