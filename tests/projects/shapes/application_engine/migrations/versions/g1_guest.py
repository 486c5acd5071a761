"""guests"""

import sqlalchemy as sa
from alembic import op

revision = "g1"
down_revision = None


def upgrade():
    op.create_table(
        "guest",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=True),
    )


def downgrade():
    op.drop_table("guest")
