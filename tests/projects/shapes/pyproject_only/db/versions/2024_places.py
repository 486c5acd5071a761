"""shorter places, one till each"""

import sqlalchemy as sa
from alembic import op

revision = "t3"
down_revision = "t2"


def upgrade():
    op.alter_column("till", "place", type_=sa.String(10))
    op.create_unique_constraint("uq_till_place", "till", ["place"])


def downgrade():
    op.drop_constraint("uq_till_place", "till", type_="unique")
    op.alter_column("till", "place", type_=sa.String(20))
