"""what the company shapes itself"""

import sqlalchemy as sa
from alembic import op

from fieldcrm.kit.database import UtcDateTime

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_client_fields()
    _add_cycle_baselines()


def _add_client_fields() -> None:
    """Fields of clients that the administrator makes, and a place for their values."""
    op.create_table(
        'client_field',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('definition', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('kinds', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('editors', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('place', sa.Integer(), nullable=False),
        sa.Column('archived_at', UtcDateTime(), nullable=True),
        sa.Column('changed_at', UtcDateTime(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('name'),
    )
    op.add_column(
        'client',
        sa.Column('own_fields', sa.JSON(none_as_null=True), nullable=False, server_default='{}'),
    )


def _add_cycle_baselines() -> None:
    """Plans of a cycle as they were approved."""
    op.create_table(
        'cycle_baseline',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('team_id', sa.String(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('proposal_id', sa.String(), nullable=False),
        sa.Column('first_day', sa.Date(), nullable=False),
        sa.Column('last_day', sa.Date(), nullable=False),
        sa.Column('rep_ids', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('days', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('summary', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('proposed_by', sa.String(), nullable=True),
        sa.Column('approved_by', sa.String(), nullable=True),
        sa.Column('approved_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id']),
        sa.ForeignKeyConstraint(['team_id'], ['team.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('cycle_baseline_version', 'cycle_baseline', ['team_id', 'version'], unique=True)
    op.create_index('ix_cycle_baseline_proposal_id', 'cycle_baseline', ['proposal_id'])
    _forbid_rewriting('cycle_baseline')


def _forbid_rewriting(table: str) -> None:
    """What was approved stays as it was approved, whoever asks the database."""
    if op.get_bind().dialect.name == 'sqlite':
        for verb in ('UPDATE', 'DELETE'):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is never rewritten'); END"
            )
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is never rewritten'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_keep()"
    )
