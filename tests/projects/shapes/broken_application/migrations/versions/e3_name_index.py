"""employees by name"""

from alembic import op

revision = "e3"
down_revision = "e2"


def upgrade():
    op.create_index(None, "employee", ["name"])


def downgrade():
    op.drop_index("ix__employee__name", "employee")
