"""The agreement a transaction rests on, 2 of 2: the old rows.

Why a revision of its own: VALIDATE reads both tables under locks that stop no reader and no
writer, as long as it does not share a transaction with the command that added the foreign key.

Revision ID: 0014
Revises: 0013
Create Date: 2025-04-02 10:00:00+00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE transactions VALIDATE CONSTRAINT fk_transactions__agreement_id")


def downgrade() -> None:
    # There is no command that takes a validation back.
    op.drop_constraint(op.f("fk_transactions__agreement_id"), "transactions", type_="foreignkey")
    op.create_foreign_key(
        op.f("fk_transactions__agreement_id"),
        "transactions",
        "agreements",
        ["agreement_id"],
        ["id"],
        ondelete="RESTRICT",
        postgresql_not_valid=True,
    )
