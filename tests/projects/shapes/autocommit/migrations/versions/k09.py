"""in the transaction"""

import sqlalchemy as sa
from alembic import op

revision = "k09"
down_revision = "k08"


def upgrade():
    op.create_index("flour_c09", "flour", ["c9"], postgresql_concurrently=True)


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c09")
