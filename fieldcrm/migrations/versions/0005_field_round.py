"""messages to phones, and what else a week in the field needs"""

import sqlalchemy as sa
from alembic import op

from fieldcrm.kit.database import UtcDateTime

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_messages()
    _add_what_reps_ask()


def _add_messages() -> None:
    op.create_table(
        'message',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('batch_id', sa.String(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('team_id', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('text', sa.String(), nullable=False),
        sa.Column('day', sa.Date(), nullable=True),
        sa.Column('due_at', UtcDateTime(), nullable=True),
        sa.Column('client_id', sa.String(), nullable=True),
        sa.Column('lat', sa.Float(), nullable=True),
        sa.Column('lng', sa.Float(), nullable=True),
        sa.Column('radius_m', sa.Integer(), nullable=True),
        sa.Column('created_by', sa.String(), nullable=True),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('push_at', UtcDateTime(), nullable=True),
        sa.Column('near_at', UtcDateTime(), nullable=True),
        sa.Column('arrived_at', UtcDateTime(), nullable=True),
        sa.Column('seen_at', UtcDateTime(), nullable=True),
        sa.Column('accepted_at', UtcDateTime(), nullable=True),
        sa.Column('declined_at', UtcDateTime(), nullable=True),
        sa.Column('done_at', UtcDateTime(), nullable=True),
        sa.Column('withdrawn_at', UtcDateTime(), nullable=True),
        sa.Column('comment', sa.String(), nullable=True),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['client_id'], ['client.id']),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.ForeignKeyConstraint(['team_id'], ['team.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for name in ('batch_id', 'push_at', 'rep_id', 'team_id'):
        op.create_index(f'ix_message_{name}', 'message', [name])
    op.create_table(
        'push_subscription',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('device_id', sa.String(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('endpoint', sa.String(), nullable=False),
        sa.Column('p256dh', sa.String(), nullable=False),
        sa.Column('auth', sa.String(), nullable=False),
        sa.Column('language', sa.String(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('sent_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['device_id'], ['device.id']),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('device_id'),
        sa.UniqueConstraint('endpoint'),
    )
    op.create_index('ix_push_subscription_rep_id', 'push_subscription', ['rep_id'])
    op.create_table(
        'push_delivery',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('message_id', sa.String(), nullable=False),
        sa.Column('subscription_id', sa.String(), nullable=False),
        sa.Column('why', sa.String(), nullable=False),
        sa.Column('due_at', UtcDateTime(), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['message_id'], ['message.id']),
        sa.ForeignKeyConstraint(['subscription_id'], ['push_subscription.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for name in ('due_at', 'message_id', 'subscription_id'):
        op.create_index(f'ix_push_delivery_{name}', 'push_delivery', [name])


def _add_what_reps_ask() -> None:
    """Photos of corrections, and visits made by two."""
    op.create_table(
        'card_photo',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('client_id', sa.String(), nullable=False),
        sa.Column('correction_id', sa.String(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('content_type', sa.String(), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('taken_at', UtcDateTime(), nullable=True),
        sa.Column('lat', sa.Float(), nullable=True),
        sa.Column('lng', sa.Float(), nullable=True),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('erased_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['client_id'], ['client.id']),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for name in ('correction_id', 'rep_id', 'sha256'):
        op.create_index(f'ix_card_photo_{name}', 'card_photo', [name])
    op.create_table(
        'joint_visit',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('visit_id', sa.String(), nullable=False),
        sa.Column('rep_id', sa.String(), nullable=False),
        sa.Column('colleague_id', sa.String(), nullable=False),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('answered_at', UtcDateTime(), nullable=True),
        sa.Column('lat', sa.Float(), nullable=True),
        sa.Column('lng', sa.Float(), nullable=True),
        sa.Column('accuracy_m', sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(['colleague_id'], ['user.id']),
        sa.ForeignKeyConstraint(['rep_id'], ['user.id']),
        sa.ForeignKeyConstraint(['visit_id'], ['visit.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for name in ('colleague_id', 'rep_id'):
        op.create_index(f'ix_joint_visit_{name}', 'joint_visit', [name])
    op.create_index('joint_visit_pair', 'joint_visit', ['visit_id', 'colleague_id'], unique=True)


def downgrade() -> None:
    op.drop_table('joint_visit')
    op.drop_table('card_photo')
    op.drop_table('push_delivery')
    op.drop_table('push_subscription')
    op.drop_table('message')
