"""evidence for a client's standing, consent, and whom a territory takes

The one migration of this round: each part adds its operations to `upgrade`.
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_standing_of_clients()
    _add_rules_of_territories()


def _add_standing_of_clients() -> None:
    """What speaks for potential and loyalty, and what a client consented to; nothing is known yet."""
    for name in ('evidence', 'consents'):
        kind = sa.JSON(none_as_null=True)
        op.add_column('client', sa.Column(name, kind, server_default='{}', nullable=False))


def _add_rules_of_territories() -> None:
    """Whom a territory takes by itself; so far nobody."""
    kind = sa.JSON(none_as_null=True)
    op.add_column('territory', sa.Column('rule', kind, server_default='{}', nullable=False))
