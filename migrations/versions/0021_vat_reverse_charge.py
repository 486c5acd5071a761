"""Reverse charge: rates at which the customer owes the VAT.

Why the column costs nothing: a constant default is kept in the catalog and given to old rows when
they are read, so NOT NULL DEFAULT false rewrites no row.

Why the CHECK may be validated at once: see its suppression. vat_rates is written by migrations
and by one person in accounting, and holds a row for each change of a law.

Revision ID: 0021
Revises: 0020
Create Date: 2025-10-06 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | Sequence[str] | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "vat_rates",
        sa.Column(
            "is_reverse_charge",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the customer owes the VAT, so that the invoice shows none",
        ),
    )
    # safemigrate: ignore[validated-check] a few dozen rows: reading them takes under a millisecond
    # safemigrate: accept[ordered-locks] for the same reason: the lock is held for no longer
    op.create_check_constraint(
        op.f("ck_vat_rates__reverse_charge_is_zero"),
        "vat_rates",
        "NOT is_reverse_charge OR rate = 0",
    )
    op.execute(
        """
        COMMENT ON CONSTRAINT ck_vat_rates__reverse_charge_is_zero ON vat_rates IS
            'An invoice under reverse charge shows no VAT'
        """
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_vat_rates__reverse_charge_is_zero"), "vat_rates", type_="check")
    op.drop_column("vat_rates", "is_reverse_charge")
