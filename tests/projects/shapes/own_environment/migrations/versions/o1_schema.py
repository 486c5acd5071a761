"""the schema that env.py already points at"""

import sqlalchemy as sa
from alembic import op

revision = "o1"
down_revision = None


def upgrade(tables):
    op.execute("CREATE SCHEMA shop")
    op.create_table(
        tables["customer"],
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
    )


def downgrade(tables):
    op.drop_table(tables["customer"])
    op.execute("DROP SCHEMA shop")
