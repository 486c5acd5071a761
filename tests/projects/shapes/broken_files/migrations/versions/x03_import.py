"""what it imports was never there"""

from alembic import op
from sqlalchemy.dialects.postgresql import NoSuchType

revision = "x03"
down_revision = "x02"


def upgrade():
    op.execute("SELECT 1")


def downgrade():
    pass
