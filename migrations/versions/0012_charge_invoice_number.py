"""Invoice numbers for charges, unique.

Why not ADD CONSTRAINT … UNIQUE: it builds its index under ACCESS EXCLUSIVE, and nobody reads a
charge meanwhile. CREATE UNIQUE INDEX CONCURRENTLY builds the same index while everybody goes on,
and the constraint then takes it over in a moment.

This and 0013 were written by two people at the same time; 0015 joins them.

Revision ID: 0012
Revises: 0011
Create Date: 2025-04-01 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "charges",
        sa.Column(
            "invoice_number", sa.Text(), comment="Number of its invoice; null until it is invoiced"
        ),
    )
    with op.get_context().autocommit_block():
        op.create_index(
            op.f("uq_charges__invoice_number"),
            "charges",
            ["invoice_number"],
            unique=True,
            postgresql_concurrently=True,
        )
    op.execute(
        """
        ALTER TABLE charges ADD CONSTRAINT uq_charges__invoice_number
            UNIQUE USING INDEX uq_charges__invoice_number;
        COMMENT ON CONSTRAINT uq_charges__invoice_number ON charges IS
            'The tax office asks for numbers that are used once';
        """
    )


def downgrade() -> None:
    # The index goes with its constraint; there is no way to drop it concurrently.
    op.drop_constraint(op.f("uq_charges__invoice_number"), "charges", type_="unique")
    op.drop_column("charges", "invoice_number")
