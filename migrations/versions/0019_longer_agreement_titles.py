"""Titles of agreements up to 100 characters.

Why this change of type is free: the new limit is the longer one, so every stored title fits and
PostgreSQL changes its catalog only: no row is read, none is written. The way back is neither free
nor without loss, and says so by cutting titles where the old limit was.

Revision ID: 0019
Revises: 0018
Create Date: 2025-08-04 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | Sequence[str] | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("agreements") as batch:
        batch.alter_column(
            "title", existing_type=sa.String(50), type_=sa.String(100), existing_nullable=False
        )


def downgrade() -> None:
    # The way back is not free: it cuts titles, and shuts the table while it is written anew.
    # safemigrate: accept[keeps-rows] the release before shows 50 characters at most
    # safemigrate: ignore[column-type-rewrite] in an emergency, agreements can be shut for a second
    op.alter_column(
        "agreements",
        "title",
        existing_type=sa.String(100),
        type_=sa.String(50),
        existing_nullable=False,
        postgresql_using="left(title, 50)",
    )
