"""authors"""

import sqlalchemy as sa
from alembic import op

revision = "c2a"
down_revision = "c1"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "author",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
    )


def downgrade():
    op.drop_table("author")
