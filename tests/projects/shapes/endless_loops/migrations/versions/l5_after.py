"""what comes behind is judged all the same"""

from alembic import op

revision = "l5"
down_revision = "l4"


def upgrade():
    op.create_index("ix_orders_done", "orders", ["is_done"])


def downgrade():
    op.drop_index("ix_orders_done", "orders")
