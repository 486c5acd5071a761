"""another isolation level, in time, and back"""

import sqlalchemy as sa
from alembic import op

revision = "k07"
down_revision = "k06"


def upgrade():
    connection = op.get_bind()
    connection.commit()
    connection.execution_options(isolation_level="AUTOCOMMIT")
    connection.execute(sa.text("CREATE INDEX CONCURRENTLY flour_c07 ON flour (c7)"))
    connection.commit()
    connection.execution_options(isolation_level="READ COMMITTED")


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c07")
