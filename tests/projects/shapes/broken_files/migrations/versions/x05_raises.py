"""half of it, and then an error"""

import sqlalchemy as sa
from alembic import op

revision = "x05"
down_revision = "x04"


def upgrade():
    op.create_index("ix_cake_name", "cake", ["name"])
    raise RuntimeError("run scripts/fill_layers.py first")


def downgrade():
    op.drop_index("ix_cake_name", "cake")
