"""the state of an order, an enum of the application"""

import sqlalchemy as sa
from alembic import op

from app.enums import OrderState

revision = "002"
down_revision = "001"


def upgrade():
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("state", sa.Enum(OrderState, name="order_state"), nullable=False),
    )


def downgrade():
    op.drop_table("orders")
    op.execute("DROP TYPE order_state")
