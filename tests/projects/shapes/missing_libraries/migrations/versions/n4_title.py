"""tickets by title"""

from alembic import op

revision = "n4"
down_revision = "n3"


def upgrade():
    op.create_index("ix_ticket_title", "ticket", ["title"])


def downgrade():
    op.drop_index("ix_ticket_title", "ticket")
