"""COMMIT as text over the connection"""

import sqlalchemy as sa
from alembic import op

revision = "k05"
down_revision = "k04"


def upgrade():
    connection = op.get_bind()
    connection.execute(sa.text("COMMIT"))
    connection.execute(sa.text("CREATE INDEX CONCURRENTLY flour_c05 ON flour (c5)"))


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c05")
