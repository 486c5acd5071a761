"""something for each"""

import sqlalchemy as sa
from alembic import op

revision = "d3"
down_revision = "d2"


def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()


def upgrade_orders():
    op.alter_column("line", "amount", existing_type=sa.Integer(), nullable=False)


def downgrade_orders():
    op.alter_column("line", "amount", existing_type=sa.Integer(), nullable=True)


def upgrade_stock():
    op.add_column("item", sa.Column("weight", sa.Integer(), nullable=True))


def downgrade_stock():
    op.drop_column("item", "weight")
