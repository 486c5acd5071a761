"""waits until a worker has written a row"""

import time

import sqlalchemy as sa
from alembic import op

revision = "l3"
down_revision = "l2"


def upgrade():
    op.create_index("ix_orders_note", "orders", ["note"])
    connection = op.get_bind()
    while True:
        done = connection.execute(
            sa.text("SELECT id FROM orders WHERE note = 'drained'")
        ).fetchall()
        if len(done) > 5:
            break
        time.sleep(5)
    op.drop_column("orders", "note")


def downgrade():
    op.add_column("orders", sa.Column("note", sa.Text(), nullable=True))
    op.drop_index("ix_orders_note", "orders")
