"""where a till stands"""

import sqlalchemy as sa
from alembic import op

revision = "t2"
down_revision = "t1"


def upgrade():
    op.add_column("till", sa.Column("place", sa.String(20), nullable=True))


def downgrade():
    op.drop_column("till", "place")
