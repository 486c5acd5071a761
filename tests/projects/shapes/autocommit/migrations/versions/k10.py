"""a commit begins the next transaction"""

import sqlalchemy as sa
from alembic import op

revision = "k10"
down_revision = "k09"


def upgrade():
    op.get_bind().commit()
    op.execute("CREATE INDEX CONCURRENTLY flour_c10 ON flour (c10)")


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c10")
