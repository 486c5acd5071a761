"""A value date for transactions, 3 of 4: the proof.

Why a revision of its own: ADD CONSTRAINT … NOT VALID holds ACCESS EXCLUSIVE until its transaction
ends. In the same transaction VALIDATE would read the whole table under that lock; here it does so
under SHARE UPDATE EXCLUSIVE, which lets everybody read and write.

Revision ID: 0010
Revises: 0009
Create Date: 2025-03-11 10:00:00+00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE transactions VALIDATE CONSTRAINT ck_transactions__value_date_is_there")


def downgrade() -> None:
    # There is no command that takes a validation back.
    op.drop_constraint(op.f("ck_transactions__value_date_is_there"), "transactions", type_="check")
    op.create_check_constraint(
        op.f("ck_transactions__value_date_is_there"),
        "transactions",
        "value_date IS NOT NULL",
        postgresql_not_valid=True,
    )
