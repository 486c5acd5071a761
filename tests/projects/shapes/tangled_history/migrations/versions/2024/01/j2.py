"""the left head"""

from alembic import op

revision = "j2"
down_revision = "j1"


def upgrade():
    op.execute("CREATE INDEX jar_label ON jar (label)")


def downgrade():
    op.execute("DROP INDEX jar_label")
