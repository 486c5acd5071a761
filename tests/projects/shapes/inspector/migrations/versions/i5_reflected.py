"""every text column of a table that is read back"""

import sqlalchemy as sa
from alembic import op

revision = "i5"
down_revision = "i4"


def upgrade():
    oven = sa.Table("oven", sa.MetaData(), autoload_with=op.get_bind())
    for column in oven.columns:
        if isinstance(column.type, sa.Text):
            op.alter_column("oven", column.name, type_=sa.String(80))


def downgrade():
    for name in ("label", "serial"):
        op.alter_column("oven", name, type_=sa.Text())
