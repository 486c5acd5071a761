"""as Alembic wants it"""

import sqlalchemy as sa
from alembic import op

revision = "k02"
down_revision = "k01"


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("flour_c02", "flour", ["c2"], postgresql_concurrently=True)


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS flour_c02")
