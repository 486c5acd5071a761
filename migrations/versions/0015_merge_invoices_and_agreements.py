"""Join invoice numbers (0012) and agreements of transactions (0014).

Why it does nothing: the two branches touch different tables, so either may come first. What needs
both, 0017, comes after.

Revision ID: 0015
Revises: 0012, 0014
Create Date: 2025-04-04 09:00:00+00:00
"""

from collections.abc import Sequence

revision: str = "0015"
down_revision: str | Sequence[str] | None = ("0012", "0014")
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
