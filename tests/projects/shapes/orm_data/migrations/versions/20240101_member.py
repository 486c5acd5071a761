"""members"""

import sqlalchemy as sa
from alembic import op

revision = "m1"
down_revision = None


def upgrade():
    op.create_table(
        "member",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
    )


def downgrade():
    op.drop_table("plan")
    op.drop_table("member")
