"""crème brulée"""

from alembic import op

revision = "x04"
down_revision = "x03"


def upgrade():
    op.execute("SELECT 1")


def downgrade():
    pass
