"""Alembic's entry: runs migrations on the product's own engine."""

from alembic import context

from fieldcrm.kit.database import engine
from fieldcrm.migrations.schema import metadata


def run() -> None:
    with engine().connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, render_as_batch=True,
            compare_type=False,
        )  # fmt: skip
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
