"""own fields that only some roles see

The one migration of this round: each part adds its operations to `upgrade`.
"""

import sqlalchemy as sa
from alembic import op

from fieldcrm.kit.database import UtcDateTime

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_viewers_of_own_fields()
    _add_files_of_own_fields()
    _lead_lists_and_sums()
    _send_cards_with_shelves()


def _add_viewers_of_own_fields() -> None:
    """Roles for which there is a field of clients; those that are there stay everybody's."""
    everybody = '["rep", "dispatcher", "manager", "admin"]'
    viewers = sa.Column(
        'viewers', sa.JSON(none_as_null=True), server_default=everybody, nullable=False
    )
    op.add_column('client_field', viewers)


def _add_files_of_own_fields() -> None:
    """Files that somebody sent for an own field of clients."""
    op.create_table(
        'client_file',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('field', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('content_type', sa.String(), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('by_id', sa.String(), nullable=True),
        sa.Column('at', UtcDateTime(), nullable=False),
        sa.Column('is_used', sa.Boolean(), nullable=False),
        sa.Column('erased_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['by_id'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_client_file_by_id', 'client_file', ['by_id'])
    op.create_index('ix_client_file_sha256', 'client_file', ['sha256'])


def _lead_lists_and_sums() -> None:
    """Lists of visits are read in their order; sums of quality from what is summed alone."""
    for name in ('state', 'verdict'):
        words = sa.text(f'coalesce({name}, {name})')
        op.create_index(f'visit_{name}_order', 'visit', [words, 'day', 'id'])
    op.create_index('ix_user_name', 'user', ['name'])
    op.create_index('client_quality_sums', 'client_quality', ['client_id', 'mask', 'score'])


def _send_cards_with_shelves() -> None:
    """Cards tell what their shelf last held: phones of those who looked at one fetch it anew."""
    op.execute(
        "INSERT INTO feed (rep_id, entity, entity_id, at) "
        "SELECT DISTINCT rep_id, 'client', client_id, CURRENT_TIMESTAMP FROM shelf_check"
    )
