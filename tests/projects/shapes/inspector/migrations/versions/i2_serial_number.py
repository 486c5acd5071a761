"""a serial number, unless it is there"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.engine.reflection import Inspector

revision = "i2"
down_revision = "i1"


def has_column(table, column):
    inspector = Inspector.from_engine(op.get_bind())
    return column in {each["name"] for each in inspector.get_columns(table)}


def upgrade():
    if context.is_offline_mode():
        op.execute("ALTER TABLE oven ADD COLUMN IF NOT EXISTS serial text")
        return
    if not has_column("oven", "serial"):
        op.add_column("oven", sa.Column("serial", sa.Text(), nullable=True))
    if not has_column("oven", "label"):
        op.add_column("oven", sa.Column("label", sa.Text(), nullable=False))


def downgrade():
    if has_column("oven", "serial"):
        op.drop_column("oven", "serial")
