"""flour"""

import sqlalchemy as sa
from alembic import op

revision = "k01"
down_revision = None


def upgrade():
    op.create_table(
        "flour",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        *(sa.Column(f"c{number}", sa.Text()) for number in range(2, 11)),
    )


def downgrade():
    op.drop_table("flour")
