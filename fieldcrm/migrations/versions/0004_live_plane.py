"""coverage by cell, and what else the live plane keeps"""

import sqlalchemy as sa
from alembic import op

from fieldcrm.kit.database import UtcDateTime

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_coverage()
    _add_areas()
    _add_arrival_links()
    _add_what_is_kept()
    _add_forms()
    op.create_index('ix_shift_rep_started', 'shift', ['rep_id', 'started_at'])


def _add_coverage() -> None:
    op.create_table(
        'coverage_day',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('month', sa.Integer(), nullable=False),
        sa.Column('track', sa.LargeBinary(), nullable=False),
        sa.Column('track_tag', sa.String(), nullable=False),
        sa.Column('visits', sa.LargeBinary(), nullable=False),
        sa.Column('visits_tag', sa.String(), nullable=False),
        sa.Column('counted_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.PrimaryKeyConstraint('day', 'rep_id'),
    )
    op.create_index('ix_coverage_day_track_tag', 'coverage_day', ['track_tag'])
    op.create_table(
        'coverage_month',
        sa.Column('month', sa.Integer(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('track', sa.LargeBinary(), nullable=False),
        sa.Column('visits', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.PrimaryKeyConstraint('month', 'rep_id'),
    )


def _add_what_is_kept() -> None:
    with op.batch_alter_table('attachment') as table:
        table.add_column(sa.Column('erased_at', UtcDateTime(), nullable=True))
    op.create_table(
        'person_file',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('maker_id', sa.String(), nullable=False),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('finished_at', UtcDateTime(), nullable=True),
        sa.Column('expires_at', UtcDateTime(), nullable=True),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('counts', sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.ForeignKeyConstraint(['maker_id'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_person_file_rep_id', 'person_file', ['rep_id'])
    op.create_index('ix_person_file_maker_id', 'person_file', ['maker_id'])


def _add_forms() -> None:
    op.create_table(
        'form',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('is_active', sa.Boolean(), nullable=False),
        sa.Column('kinds', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('asked_since', UtcDateTime(), nullable=False),
        sa.Column('is_sample', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_table(
        'form_version',
        sa.Column('form_id', sa.String(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('definition', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('made_by', sa.String(), nullable=True),
        sa.Column('made_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['form_id'], ['form.id']),
        sa.PrimaryKeyConstraint('form_id', 'version'),
    )
    op.create_table(
        'shelf_check',
        sa.Column('visit_id', sa.String(), nullable=False),
        sa.Column('product_id', sa.String(), nullable=False),
        sa.Column('client_id', sa.String(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('team_id', sa.String(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('is_there', sa.Boolean(), nullable=False),
        sa.Column('price', sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(['visit_id'], ['visit.id']),
        sa.PrimaryKeyConstraint('visit_id', 'product_id'),
    )
    op.create_index('shelf_check_client_day', 'shelf_check', ['client_id', 'day'])
    op.create_index('shelf_check_day_product', 'shelf_check', ['day', 'product_id'])


def _add_areas() -> None:
    op.create_table(
        'area',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('shape', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('on_enter', sa.Boolean(), nullable=False),
        sa.Column('on_leave', sa.Boolean(), nullable=False),
        sa.Column('is_for_all', sa.Boolean(), nullable=False),
        sa.Column('rep_ids', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('active_from_min', sa.Integer(), nullable=True),
        sa.Column('active_to_min', sa.Integer(), nullable=True),
        sa.Column('days', sa.String(), nullable=False),
        sa.Column('created_by', sa.String(), nullable=True),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('updated_at', UtcDateTime(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_table(
        'area_team',
        sa.Column('area_id', sa.String(), nullable=False),
        sa.Column('team_id', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['area_id'], ['area.id']),
        sa.ForeignKeyConstraint(['team_id'], ['team.id']),
        sa.PrimaryKeyConstraint('area_id', 'team_id'),
    )
    op.create_index('ix_area_team_team_id', 'area_team', ['team_id'])


def _add_arrival_links() -> None:
    op.create_table(
        'arrival_link',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('token_hash', sa.String(), nullable=False),
        sa.Column('visit_id', sa.String(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('created_by', sa.String(), nullable=True),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=False),
        sa.Column('revoked_at', UtcDateTime(), nullable=True),
        sa.Column('opened_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.ForeignKeyConstraint(['visit_id'], ['visit.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_arrival_link_rep_id', 'arrival_link', ['rep_id'])
    op.create_index('ix_arrival_link_token_hash', 'arrival_link', ['token_hash'], unique=True)
    op.create_index('ix_arrival_link_visit_id', 'arrival_link', ['visit_id'])


def downgrade() -> None:
    op.drop_index('ix_shift_rep_started', 'shift')
    op.drop_table('arrival_link')
    op.drop_table('area_team')
    op.drop_table('area')
    op.drop_table('shelf_check')
    op.drop_table('form_version')
    op.drop_table('form')
    op.drop_table('person_file')
    with op.batch_alter_table('attachment') as table:
        table.drop_column('erased_at')
    op.drop_table('coverage_month')
    op.drop_table('coverage_day')
