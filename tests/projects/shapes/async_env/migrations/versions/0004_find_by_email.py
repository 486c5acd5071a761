"""find customers by address

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_customer_email", "customer", ["email"], postgresql_concurrently=True
        )
    op.create_index("ix_customer_name", "customer", ["name"])


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_customer_name", postgresql_concurrently=True)
        op.drop_index("ix_customer_email", postgresql_concurrently=True)
