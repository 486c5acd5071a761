"""a currency for every payment"""

import sqlalchemy as sa
from alembic import op

revision = "b2"
down_revision = "b1"
branch_labels = None
depends_on = "core"


def upgrade():
    op.add_column("payment", sa.Column("currency", sa.Text(), nullable=False))


def downgrade():
    op.drop_column("payment", "currency")
