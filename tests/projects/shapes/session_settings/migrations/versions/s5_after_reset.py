"""back where it was"""

import sqlalchemy as sa
from alembic import op

revision = "s5"
down_revision = "s4"


def upgrade():
    op.create_index("ix_pie_name", "pie", ["name"])
    op.create_index("ix_tart_id", "tart", ["id"], schema="reporting")


def downgrade():
    op.drop_index("ix_tart_id", "tart", schema="reporting")
    op.drop_index("ix_pie_name", "pie")
