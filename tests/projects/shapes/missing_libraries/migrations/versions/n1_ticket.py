"""tickets"""

import sqlalchemy as sa
from alembic import op

revision = "n1"
down_revision = None


def upgrade():
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Enum("open", "done", name="ticket_state"), nullable=False),
    )


def downgrade():
    op.drop_table("ticket")
    op.execute("DROP TYPE ticket_state")
