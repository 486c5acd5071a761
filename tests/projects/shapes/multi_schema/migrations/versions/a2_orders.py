"""orders, in the first schema of the search path, and their invoices"""

import sqlalchemy as sa
from alembic import op

revision = "a2"
down_revision = "a1"


def upgrade():
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("total", sa.Numeric(12, 2), nullable=False),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("order_id", sa.BigInteger(), nullable=False, index=True),
        schema="billing",
    )


def downgrade():
    op.drop_table("invoice", schema="billing")
    op.drop_table("orders")
