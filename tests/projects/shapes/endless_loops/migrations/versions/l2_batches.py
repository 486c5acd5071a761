"""in batches, until none is left"""

import sqlalchemy as sa
from alembic import op

revision = "l2"
down_revision = "l1"


def upgrade():
    connection = op.get_bind()
    while True:
        rows = connection.execute(
            sa.text("SELECT id FROM orders WHERE is_done IS NULL LIMIT 1000")
        ).fetchall()
        if not rows:
            break
        connection.execute(
            sa.text("UPDATE orders SET is_done = false WHERE id = ANY(:ids)"),
            {"ids": [row.id for row in rows]},
        )
    changed = 1
    while changed:
        changed = connection.execute(
            sa.text("UPDATE orders SET note = '' WHERE id IN"
                    " (SELECT id FROM orders WHERE note IS NULL LIMIT 1000)")
        ).rowcount
    op.alter_column("orders", "is_done", nullable=False)


def downgrade():
    op.alter_column("orders", "is_done", nullable=True)
