"""payments, of a branch of its own that needs the recipes"""

import sqlalchemy as sa
from alembic import op

revision = "b1"
down_revision = None
branch_labels = ("billing",)
depends_on = ("c1",)


def upgrade():
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("recipe_id", sa.BigInteger(), nullable=False, index=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade():
    op.drop_table("payment")
