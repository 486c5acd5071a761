"""nothing of the session is said here"""

import sqlalchemy as sa
from alembic import op

revision = "s3"
down_revision = "s2"


def upgrade():
    op.add_column("pie", sa.Column("origin", sa.Text(), nullable=True))


def downgrade():
    op.drop_column("pie", "origin")
