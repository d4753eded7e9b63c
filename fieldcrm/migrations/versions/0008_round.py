"""quality of the client base

The one migration of this round: each part adds its operations to `upgrade`.
"""

import sqlalchemy as sa
from alembic import op

from fieldcrm.kit.database import UtcDateTime

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_quality()
    _add_client_views()
    _add_list_exports()
    _add_what_ifs()


def _add_quality() -> None:
    """How each card stands, what was confirmed, proposed pins, a geocoder's answers, runs."""
    json = sa.JSON(none_as_null=True)
    op.create_table(
        'client_quality',
        sa.Column('client_id', sa.String(), nullable=False),
        sa.Column('score', sa.Integer(), nullable=False),
        sa.Column('value', sa.Integer(), nullable=False),
        sa.Column('mask', sa.Integer(), nullable=False),
        sa.Column('findings', json, nullable=False),
        sa.Column('next_visit_on', sa.Date(), nullable=True),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('checked_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('client_id'),
    )
    op.create_index('ix_client_quality_score', 'client_quality', ['score'])
    op.create_index('ix_client_quality_value', 'client_quality', ['value'])
    op.create_table(
        'client_confirmed',
        sa.Column('client_id', sa.String(), nullable=False),
        sa.Column('at', UtcDateTime(), nullable=False),
        sa.Column('by', sa.String(), nullable=True),
        sa.ForeignKeyConstraint(['by'], ['user.id']),
        sa.PrimaryKeyConstraint('client_id'),
    )
    op.create_table(
        'pin_proposal',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('client_id', sa.String(), nullable=False),
        sa.Column('source', sa.String(), nullable=False),
        sa.Column('lat', sa.Float(), nullable=False),
        sa.Column('lng', sa.Float(), nullable=False),
        sa.Column('from_lat', sa.Float(), nullable=True),
        sa.Column('from_lng', sa.Float(), nullable=True),
        sa.Column('precision', sa.String(), nullable=False),
        sa.Column('distance_m', sa.Float(), nullable=True),
        sa.Column('error_m', sa.Float(), nullable=True),
        sa.Column('evidence', json, nullable=False),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('found_at', UtcDateTime(), nullable=False),
        sa.Column('decided_by', sa.String(), nullable=True),
        sa.Column('decided_at', UtcDateTime(), nullable=True),
        sa.Column('is_asked', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['decided_by'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_pin_proposal_client_id', 'pin_proposal', ['client_id'])
    op.create_index('ix_pin_proposal_status', 'pin_proposal', ['status'])
    op.create_table(
        'geocode_answer',
        sa.Column('question', sa.String(), nullable=False),
        sa.Column('answer', json, nullable=True),
        sa.Column('at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('question'),
    )
    op.create_table(
        'quality_run',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('asked_by', sa.String(), nullable=True),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('beat_at', UtcDateTime(), nullable=False),
        sa.Column('finished_at', UtcDateTime(), nullable=True),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('progress', sa.Float(), nullable=False),
        sa.Column('report', json, nullable=False),
        sa.ForeignKeyConstraint(['asked_by'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_quality_run_kind', 'quality_run', ['kind'])


def _add_client_views() -> None:
    """Saved views of the list of clients, and clients by their place."""
    op.create_table(
        'client_view',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('owner_id', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('state', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('shared', sa.String(), nullable=False),
        sa.Column('team_id', sa.String(), nullable=True),
        sa.Column('changed_at', UtcDateTime(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['owner_id'], ['user.id']),
        sa.ForeignKeyConstraint(['team_id'], ['team.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_client_view_owner_id', 'client_view', ['owner_id'])
    op.create_index('ix_client_view_team_id', 'client_view', ['team_id'])
    op.create_table(
        'client_list_habit',
        sa.Column('user_id', sa.String(), nullable=False),
        sa.Column('columns', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('view_id', sa.String(), nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['user.id']),
        sa.PrimaryKeyConstraint('user_id'),
    )
    op.create_index('client_place', 'client', ['lat', 'lng'])


def _add_list_exports() -> None:
    """Lists made into files in the background."""
    op.create_table(
        'list_export',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('maker_id', sa.String(), nullable=False),
        sa.Column('list_name', sa.String(), nullable=False),
        sa.Column('form', sa.String(), nullable=False),
        sa.Column('asked', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('finished_at', UtcDateTime(), nullable=True),
        sa.Column('expires_at', UtcDateTime(), nullable=True),
        sa.Column('rows', sa.Integer(), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['maker_id'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_list_export_maker_id', 'list_export', ['maker_id'])


def _add_what_ifs() -> None:
    """Questions what would come of other reps, borders or frequencies, and their answers."""
    json = sa.JSON(none_as_null=True)
    op.create_table(
        'what_if',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('team_id', sa.String(), nullable=False),
        sa.Column('first_day', sa.Date(), nullable=False),
        sa.Column('last_day', sa.Date(), nullable=False),
        sa.Column('rep_ids', json, nullable=False),
        sa.Column('resolution', sa.Integer(), nullable=False),
        sa.Column('assumptions', json, nullable=False),
        sa.Column('asked_by', sa.String(), nullable=True),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['team_id'], ['team.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_what_if_team_id', 'what_if', ['team_id'])
    op.create_table(
        'what_if_scenario',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('what_if_id', sa.String(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('changes', json, nullable=False),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('facts', sa.String(), nullable=False),
        sa.Column('outcome', json, nullable=False),
        sa.Column('error', sa.String(), nullable=True),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('done_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['what_if_id'], ['what_if.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_what_if_scenario_what_if_id', 'what_if_scenario', ['what_if_id'])
