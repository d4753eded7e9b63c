"""words and phone numbers that clients are found by"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

BYTEWISE = sa.String().with_variant(sa.String(collation='C'), 'postgresql')
PIECE = 500


def upgrade() -> None:
    op.create_table(
        'client_term',
        sa.Column('term', BYTEWISE, nullable=False),
        sa.Column('client_id', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('term', 'client_id'),
        sqlite_with_rowid=False,
    )
    op.create_table(
        'client_word',
        sa.Column('word', BYTEWISE, nullable=False),
        sa.Column('sound', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('word'),
        sqlite_with_rowid=False,
    )
    op.create_index('ix_client_word_sound', 'client_word', ['sound'])
    op.create_table(
        'client_word_slip',
        sa.Column('slip', BYTEWISE, nullable=False),
        sa.Column('word', BYTEWISE, nullable=False),
        sa.PrimaryKeyConstraint('slip', 'word'),
        sqlite_with_rowid=False,
    )
    _index_what_is_there()


def _index_what_is_there() -> None:
    """A base from before this revision is found by the same words as one made after it."""
    from fieldcrm.clients import folding, search_index

    session = Session(op.get_bind())
    known = session.execute(sa.text('SELECT id, search_text FROM client')).all()
    for start in range(0, len(known), PIECE):
        rows = [
            (term, client_id)
            for client_id, text in known[start : start + PIECE]
            for term in folding.terms(text)
        ]
        search_index.add_terms(session, rows)
    session.flush()


def downgrade() -> None:
    op.drop_table('client_word_slip')
    op.drop_table('client_word')
    op.drop_table('client_term')
