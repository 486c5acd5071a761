"""weights in grams, and there is always one"""

import sqlalchemy as sa
from alembic import op

revision = "03"
down_revision = "02"


def upgrade():
    with op.batch_alter_table("loaf", recreate="never") as batch_op:
        batch_op.alter_column(
            "weight",
            existing_type=sa.Integer(),
            type_=sa.BigInteger(),
            nullable=False,
        )


def downgrade():
    with op.batch_alter_table("loaf", recreate="auto") as batch_op:
        batch_op.alter_column("weight", type_=sa.Integer(), nullable=True)
