"""A value date for transactions, 1 of 4: the column.

Why: interest runs from the day the money counts, which is not always the day it was sent. Every
transaction needs the date, and the table is the largest of the ledger, so NOT NULL comes in four
revisions, each of which holds a strong lock for a moment only:

    0008  the column, nullable, and a default for new rows
    0009  the old rows, in batches; then a CHECK that holds for new rows only
    0010  VALIDATE, which reads the table while everybody goes on writing
    0011  NOT NULL, for which PostgreSQL takes the CHECK as proof and reads nothing

The default is set after the column is there. Given together with the column it would be the value
of all old rows as well: today, which is wrong for every one of them.

Revision ID: 0008
Revises: 0007
Create Date: 2025-03-10 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "transactions",
        sa.Column("value_date", sa.Date(), comment="Day from which the money counts, in UTC"),
    )
    op.alter_column(
        "transactions", "value_date", server_default=sa.text("(now() AT TIME ZONE 'UTC')::date")
    )


def downgrade() -> None:
    op.drop_column("transactions", "value_date")
