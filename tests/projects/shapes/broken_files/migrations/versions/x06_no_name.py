"""as autogenerate left it"""

from alembic import op

revision = "x06"
down_revision = "x05"


def upgrade():
    op.create_unique_constraint(None, "cake", ["name"])


def downgrade():
    op.drop_constraint(None, "cake", type_="unique")
