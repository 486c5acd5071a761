"""the right head, which nobody has merged"""

from alembic import op

revision = "j3"
down_revision = "j1"


def upgrade():
    op.execute("ALTER TABLE jar ALTER COLUMN shelf SET NOT NULL")


def downgrade():
    op.execute("ALTER TABLE jar ALTER COLUMN shelf DROP NOT NULL")
