"""tarts, which come to lie in the schema for reports"""

import sqlalchemy as sa
from alembic import op

revision = "s4"
down_revision = "s3"


def upgrade():
    op.create_table("tart", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.execute("RESET search_path")
    op.execute("RESET lock_timeout")


def downgrade():
    op.drop_table("tart", schema="reporting")
