"""customers by name"""

from alembic import op

revision = "o3"
down_revision = "o2"


def upgrade(tables):
    op.create_index("ix_customer_name", tables["customer"], ["name"])


def downgrade(tables):
    op.drop_index("ix_customer_name", tables["customer"])
