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
    _add_what_is_kept()


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


def downgrade() -> None:
    op.drop_table('person_file')
    with op.batch_alter_table('attachment') as table:
        table.drop_column('erased_at')
    op.drop_table('coverage_month')
    op.drop_table('coverage_day')
