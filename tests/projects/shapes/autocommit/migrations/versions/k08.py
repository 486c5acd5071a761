"""a second engine"""

import sqlalchemy as sa
from alembic import op

revision = "k08"
down_revision = "k07"


def upgrade():
    engine = sa.create_engine(op.get_bind().engine.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE INDEX CONCURRENTLY flour_c08 ON flour (c8)"))
    engine.dispose()


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c08")
