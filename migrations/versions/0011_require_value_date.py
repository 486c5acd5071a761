"""A value date for transactions, 4 of 4: NOT NULL.

Why it is quick now: SET NOT NULL holds ACCESS EXCLUSIVE and reads the whole table, unless a valid
CHECK already proves that no row is NULL. That proof is ck_transactions__value_date_is_there,
which has then done its work.

Revision ID: 0011
Revises: 0010
Create Date: 2025-03-12 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.alter_column("transactions", "value_date", existing_type=sa.Date(), nullable=False)
    # NOT NULL says the same from here on: nothing is lost, and no ignore is needed.
    op.drop_constraint(op.f("ck_transactions__value_date_is_there"), "transactions", type_="check")


def downgrade() -> None:
    # The CHECK comes back valid, as it was, and is validated outside the transaction that adds it.
    op.create_check_constraint(
        op.f("ck_transactions__value_date_is_there"),
        "transactions",
        "value_date IS NOT NULL",
        postgresql_not_valid=True,
    )
    with op.get_context().autocommit_block():
        op.execute(
            "ALTER TABLE transactions VALIDATE CONSTRAINT ck_transactions__value_date_is_there"
        )
    op.alter_column("transactions", "value_date", existing_type=sa.Date(), nullable=True)
