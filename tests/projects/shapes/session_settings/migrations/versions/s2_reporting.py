"""a schema for reports, and a limit for locks; both stay for the session"""

import sqlalchemy as sa
from alembic import op

revision = "s2"
down_revision = "s1"


def upgrade():
    op.execute("CREATE SCHEMA reporting")
    op.execute("SET search_path TO reporting, public")
    op.execute("SET lock_timeout = '3s'")
    op.create_table("pie_report", sa.Column("id", sa.BigInteger(), primary_key=True))


def downgrade():
    op.execute("DROP TABLE reporting.pie_report")
    op.execute("DROP SCHEMA reporting")
