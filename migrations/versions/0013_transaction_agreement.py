"""The agreement a transaction rests on, 1 of 2: column, index, foreign key.

Why in this order: the index is there before the foreign key, so that no change of an agreement
ever has to read all transactions to see who points at it. The foreign key is added NOT VALID: it
holds for every new row at once, and takes SHARE ROW EXCLUSIVE on both tables for a moment instead
of for as long as reading the old rows would take.

This and 0012 were written by two people at the same time; 0015 joins them.

Revision ID: 0013
Revises: 0011
Create Date: 2025-04-02 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "transactions",
        sa.Column(
            "agreement_id",
            sa.BigInteger(),
            comment="Agreement it rests on; null for those from before agreements were kept here",
        ),
    )
    with op.get_context().autocommit_block():
        op.create_index(
            op.f("ix_transactions__agreement_id"),
            "transactions",
            ["agreement_id"],
            postgresql_concurrently=True,
        )
    op.execute("COMMENT ON INDEX ix_transactions__agreement_id IS 'Transactions of an agreement'")
    op.create_foreign_key(
        op.f("fk_transactions__agreement_id"),
        "transactions",
        "agreements",
        ["agreement_id"],
        ["id"],
        ondelete="RESTRICT",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_transactions__agreement_id"), "transactions", type_="foreignkey")
    with op.get_context().autocommit_block():
        op.drop_index(
            op.f("ix_transactions__agreement_id"),
            table_name="transactions",
            postgresql_concurrently=True,
        )
    op.drop_column("transactions", "agreement_id")
