"""codes are unique, weights positive"""

import sqlalchemy as sa
from alembic import op

revision = "02"
down_revision = "01"


def upgrade():
    with op.batch_alter_table("loaf") as batch_op:
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=True))
        batch_op.create_unique_constraint(None, ["code"])
        batch_op.create_check_constraint("weight_positive", "weight > 0")
        batch_op.create_index(batch_op.f("ix_loaf_weight"), ["weight"])


def downgrade():
    with op.batch_alter_table("loaf", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loaf_weight"))
        batch_op.drop_constraint("ck_loaf_weight_positive", type_="check")
        batch_op.drop_constraint("uq_loaf_code", type_="unique")
        batch_op.drop_column("note")
