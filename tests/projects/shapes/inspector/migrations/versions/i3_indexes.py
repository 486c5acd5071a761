"""indexes and keys that are missing"""

import sqlalchemy as sa
from alembic import op

revision = "i3"
down_revision = "i2"


def upgrade():
    inspector = sa.inspect(op.get_bind())
    names = [each["name"] for each in inspector.get_indexes("oven")]
    if "ix_oven_label" not in names:
        op.create_index("ix_oven_label", "oven", ["label"])
    uniques = [each["name"] for each in inspector.get_unique_constraints("oven")]
    if "uq_oven_serial" not in uniques:
        op.create_unique_constraint("uq_oven_serial", "oven", ["serial"])
    primary = inspector.get_pk_constraint("oven")
    if primary["constrained_columns"] != ["id"]:
        op.drop_constraint(primary["name"], "oven")


def downgrade():
    op.drop_constraint("uq_oven_serial", "oven", type_="unique")
    op.drop_index("ix_oven_label", table_name="oven")
