"""notes get another name"""

import sqlalchemy as sa
from alembic import op

revision = "04"
down_revision = "03"


def upgrade():
    with op.batch_alter_table("loaf", recreate="auto", naming_convention={"uq": "uq_%(table_name)s"}) as batch_op:
        batch_op.alter_column("note", new_column_name="remark")
        batch_op.create_unique_constraint("uq_remark", ["remark"])


def downgrade():
    with op.batch_alter_table("loaf") as batch_op:
        batch_op.drop_constraint("uq_remark", type_="unique")
        batch_op.alter_column("remark", new_column_name="note")
