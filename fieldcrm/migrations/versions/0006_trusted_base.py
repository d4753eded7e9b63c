"""a base of clients that people can trust"""

import sqlalchemy as sa
from alembic import op

from fieldcrm.kit.database import UtcDateTime

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_duplicates()
    _add_merges()
    _add_handovers()
    _add_imports()
    _tell_shifts_by_their_span()
    _add_words_of_messages()


def _tell_shifts_by_their_span() -> None:
    """A day's shifts are told from the index alone, without reading those of the week before."""
    op.create_index('ix_shift_rep_span', 'shift', ['rep_id', 'started_at', 'ended_at'])
    op.drop_index('ix_shift_rep_started', 'shift')


def _add_duplicates() -> None:
    op.create_table(
        'duplicate_sweep',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('asked_by', sa.String(), nullable=True),
        sa.Column('asked_at', UtcDateTime(), nullable=False),
        sa.Column('finished_at', UtcDateTime(), nullable=True),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('clients', sa.Integer(), nullable=False),
        sa.Column('found', sa.Integer(), nullable=False),
        sa.Column('merge_above', sa.Float(), nullable=True),
        sa.Column('merged', sa.Integer(), nullable=False),
        sa.Column('weights', sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(['asked_by'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_table(
        'duplicate',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('left_id', sa.String(), nullable=False),
        sa.Column('right_id', sa.String(), nullable=False),
        sa.Column('probability', sa.Float(), nullable=False),
        sa.Column('reasons', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('sweep_id', sa.String(), nullable=True),
        sa.Column('found_at', UtcDateTime(), nullable=False),
        sa.Column('decided_by', sa.String(), nullable=True),
        sa.Column('decided_at', UtcDateTime(), nullable=True),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['decided_by'], ['user.id']),
        sa.ForeignKeyConstraint(['left_id'], ['client.id']),
        sa.ForeignKeyConstraint(['right_id'], ['client.id']),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('left_id', 'right_id'),
    )
    for name in ('right_id', 'status', 'sweep_id'):
        op.create_index(f'ix_duplicate_{name}', 'duplicate', [name])


def _add_merges() -> None:
    op.create_table(
        'client_merge',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('loser_id', sa.String(), nullable=False),
        sa.Column('winner_id', sa.String(), nullable=False),
        sa.Column('standing_id', sa.String(), nullable=False),
        sa.Column('merged_by', sa.String(), nullable=True),
        sa.Column('merged_at', UtcDateTime(), nullable=False),
        sa.Column('undone_by', sa.String(), nullable=True),
        sa.Column('undone_at', UtcDateTime(), nullable=True),
        sa.Column('was_archived', sa.Boolean(), nullable=False),
        sa.Column('fields', sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(['loser_id'], ['client.id']),
        sa.ForeignKeyConstraint(['merged_by'], ['user.id']),
        sa.ForeignKeyConstraint(['standing_id'], ['client.id']),
        sa.ForeignKeyConstraint(['undone_by'], ['user.id']),
        sa.ForeignKeyConstraint(['winner_id'], ['client.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for name in ('loser_id', 'standing_id', 'winner_id'):
        op.create_index(f'ix_client_merge_{name}', 'client_merge', [name])
    op.create_table(
        'client_merge_move',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('merge_id', sa.String(), nullable=False),
        sa.Column('place', sa.String(), nullable=False),
        sa.Column('row_id', sa.String(), nullable=False),
        sa.Column('was', sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(['merge_id'], ['client_merge.id']),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('merge_id', 'place', 'row_id'),
    )
    op.create_index('ix_client_merge_move_merge_id', 'client_merge_move', ['merge_id'])


def _add_imports() -> None:
    op.create_table(
        'import_change',
        sa.Column('import_id', sa.String(), nullable=False),
        sa.Column('client_id', sa.String(), nullable=False),
        sa.Column('row', sa.Integer(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('before', sa.JSON(none_as_null=True), nullable=True),
        sa.Column('words', sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(['import_id'], ['import_run.id']),
        sa.PrimaryKeyConstraint('import_id', 'client_id'),
    )
    op.create_table(
        'import_template',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('columns', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('has_header', sa.Boolean(), nullable=False),
        sa.Column('rules', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('made_by', sa.String(), nullable=True),
        sa.Column('made_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('name'),
    )
    for table, column in (('visit', 'place_id'), ('card_photo', 'client_id')):
        # a client that an undone import takes away is looked for in each of them
        op.create_index(f'ix_{table}_{column}', table, [column])


def _add_handovers() -> None:
    op.create_table(
        'handover',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('from_rep_id', sa.String(), nullable=False),
        sa.Column('to_rep_id', sa.String(), nullable=False),
        sa.Column('team_id', sa.String(), nullable=False),
        sa.Column('first_day', sa.Date(), nullable=False),
        sa.Column('clients', sa.Integer(), nullable=False),
        sa.Column('visits', sa.Integer(), nullable=False),
        sa.Column('promises', sa.Integer(), nullable=False),
        sa.Column('moved', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('brief', sa.JSON(none_as_null=True), nullable=False),
        sa.Column('stayed', sa.Integer(), nullable=False),
        sa.Column('done_by', sa.String(), nullable=True),
        sa.Column('done_at', UtcDateTime(), nullable=False),
        sa.Column('undone_by', sa.String(), nullable=True),
        sa.Column('undone_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(['done_by'], ['user.id']),
        sa.ForeignKeyConstraint(['from_rep_id'], ['user.id']),
        sa.ForeignKeyConstraint(['team_id'], ['team.id']),
        sa.ForeignKeyConstraint(['to_rep_id'], ['user.id']),
        sa.ForeignKeyConstraint(['undone_by'], ['user.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for name in ('from_rep_id', 'team_id', 'to_rep_id'):
        op.create_index(f'ix_handover_{name}', 'handover', [name])


def _add_words_of_messages() -> None:
    """Messages are found by their words, also those from before this revision."""
    from fieldcrm.clients.folding import search_text

    words = sa.Column('search_text', sa.String(), server_default='', nullable=False)
    op.add_column('message', words)
    message = sa.table('message', *map(sa.column, ('id', 'text', 'comment', 'search_text')))
    known = op.get_bind().execute(sa.select(message.c.id, message.c.text, message.c.comment)).all()
    found_by = [{'row': row, 'words': search_text(*said)} for row, *said in known]
    fill = sa.update(message).where(message.c.id == sa.bindparam('row'))
    if found_by:
        op.get_bind().execute(fill.values(search_text=sa.bindparam('words')), found_by)
