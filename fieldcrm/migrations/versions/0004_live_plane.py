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


def downgrade() -> None:
    op.drop_table('coverage_month')
    op.drop_table('coverage_day')
