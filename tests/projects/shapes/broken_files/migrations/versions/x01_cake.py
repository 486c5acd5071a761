"""cakes"""

import sqlalchemy as sa
from alembic import op

revision = "x01"
down_revision = None


def upgrade():
    op.create_table(
        "cake",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("layers", sa.Integer(), nullable=True),
    )


def downgrade():
    op.drop_table("cake")
