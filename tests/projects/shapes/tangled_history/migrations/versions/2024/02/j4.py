"""follows one that was squashed away"""

from alembic import op

revision = "j4"
down_revision = "j99"


def upgrade():
    op.execute("ALTER TABLE jar DROP COLUMN label")


def downgrade():
    op.execute("ALTER TABLE jar ADD COLUMN label text")
