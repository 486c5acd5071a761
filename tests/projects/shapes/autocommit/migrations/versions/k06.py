"""another isolation level, too late"""

import sqlalchemy as sa
from alembic import op

revision = "k06"
down_revision = "k05"


def upgrade():
    connection = op.get_bind()
    connection.execution_options(isolation_level="AUTOCOMMIT")
    connection.execute(sa.text("CREATE INDEX CONCURRENTLY flour_c06 ON flour (c6)"))


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c06")
