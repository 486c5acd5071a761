"""the same, asked in SQL"""

import sqlalchemy as sa
from alembic import op

revision = "i4"
down_revision = "i3"


def upgrade():
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT 1 FROM information_schema.columns"
            " WHERE table_name = 'oven' AND column_name = 'watts'"
        )
    ).scalar()
    if not found:
        op.add_column("oven", sa.Column("watts", sa.Integer(), nullable=True))
    labels = connection.execute(
        sa.text(
            "SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid"
            " WHERE t.typname = 'oven_state'"
        )
    ).scalars()
    if "broken" not in list(labels):
        op.execute("ALTER TYPE oven_state ADD VALUE IF NOT EXISTS 'broken'")


def downgrade():
    op.drop_column("oven", "watts")
