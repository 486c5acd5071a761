"""jars"""

from alembic import op

revision = "j1"
down_revision = None


def upgrade():
    op.execute("CREATE TABLE jar (id bigint PRIMARY KEY, label text, shelf bigint)")


def downgrade():
    op.execute("DROP TABLE jar")
