"""tills, audited"""

import sqlalchemy as sa
from alembic import op

revision = "t1"
down_revision = None


def upgrade():
    op.create_audited_table("till", sa.Column("id", sa.BigInteger(), primary_key=True))


def downgrade():
    op.drop_table("till_audit")
    op.drop_table("till")
