"""a table in each database"""

import sqlalchemy as sa
from alembic import op

revision = "d1"
down_revision = None


def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()


def upgrade_orders():
    op.create_table(
        "line",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("amount", sa.Integer(), nullable=True),
    )


def downgrade_orders():
    op.drop_table("line")


def upgrade_stock():
    op.create_table(
        "item",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
    )


def downgrade_stock():
    op.drop_table("item")
