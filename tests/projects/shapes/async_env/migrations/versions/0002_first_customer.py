"""the first customer

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


async def _insert(connection, name):
    await connection.execute(
        sa.text("INSERT INTO customer (name, email) VALUES (:name, '')").bindparams(name=name)
    )


async def _remove(connection):
    await connection.execute(sa.text("DELETE FROM customer WHERE name = 'walk-in'"))


def upgrade() -> None:
    op.run_async(_insert, "walk-in")


def downgrade() -> None:
    op.run_async(_remove)
