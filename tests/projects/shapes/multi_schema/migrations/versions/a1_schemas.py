"""schemas"""

from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    op.execute("CREATE SCHEMA sales")
    op.execute("CREATE SCHEMA billing")


def downgrade():
    op.execute("DROP SCHEMA billing")
    op.execute("DROP SCHEMA sales")
