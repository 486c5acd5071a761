"""recipes"""

import sqlalchemy as sa
from alembic import op

revision = "c1"
down_revision = None
branch_labels = ("core",)
depends_on = None


def upgrade():
    op.create_table(
        "recipe",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
    )


def downgrade():
    op.drop_table("recipe")
