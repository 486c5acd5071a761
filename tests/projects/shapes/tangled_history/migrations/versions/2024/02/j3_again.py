"""copied, and the id forgotten"""

from alembic import op

revision = "j3"
down_revision = "j1"


def upgrade():
    op.execute("ALTER TABLE jar ADD COLUMN lid text")


def downgrade():
    op.execute("ALTER TABLE jar DROP COLUMN lid")
