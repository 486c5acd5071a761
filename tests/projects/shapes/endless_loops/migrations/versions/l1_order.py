"""orders and what is to be done with them"""

import sqlalchemy as sa
from alembic import op

revision = "l1"
down_revision = None


def upgrade():
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("is_done", sa.Boolean(), nullable=True),
    )


def downgrade():
    op.drop_table("orders")
