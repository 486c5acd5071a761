"""loaves"""

import sqlalchemy as sa
from alembic import op

revision = "01"
down_revision = None


def upgrade():
    op.create_table(
        "loaf",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loaf")),
    )


def downgrade():
    op.drop_table("loaf")
