"""orders by total"""

from alembic import op

revision = "a4"
down_revision = "a3"


def upgrade():
    # the very table that is sales.orders everywhere else
    op.create_index("ix_orders_total", "orders", ["total"])


def downgrade():
    op.drop_index("ix_orders_total", table_name="orders")
