"""only where a variable is set"""

import os

import sqlalchemy as sa
from alembic import op

revision = "x07"
down_revision = "x06"


def upgrade():
    if os.environ.get("BAKERY_WITH_CREAM") == "1":
        op.add_column("cake", sa.Column("cream", sa.Boolean(), nullable=False))


def downgrade():
    if os.environ.get("BAKERY_WITH_CREAM") == "1":
        op.drop_column("cake", "cream")
