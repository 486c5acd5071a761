"""COMMIT as text"""

import sqlalchemy as sa
from alembic import op

revision = "k03"
down_revision = "k02"


def upgrade():
    op.execute("COMMIT")
    op.execute("CREATE INDEX CONCURRENTLY flour_c03 ON flour (c3)")


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c03")
