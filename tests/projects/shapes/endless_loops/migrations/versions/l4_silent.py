"""a loop that sends nothing"""

from alembic import op

revision = "l4"
down_revision = "l3"


def upgrade():
    op.execute("ALTER TABLE orders ADD CHECK (id > 0)")
    ready = set()
    while "replica" not in ready: ready.discard("replica")
    op.execute("SELECT 1")


def downgrade():
    op.execute("ALTER TABLE orders DROP CONSTRAINT orders_id_check")
