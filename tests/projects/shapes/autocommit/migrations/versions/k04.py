"""a commit of the connection, then a block"""

import sqlalchemy as sa
from alembic import op

revision = "k04"
down_revision = "k03"


def upgrade():
    op.get_bind().commit()
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY flour_c04 ON flour (c4)")


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c04")
