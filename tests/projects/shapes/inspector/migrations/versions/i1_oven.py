"""ovens, unless they are there"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "i1"
down_revision = None

oven_state = postgresql.ENUM("cold", "hot", name="oven_state", create_type=False)


def upgrade():
    bind = op.get_bind()
    inspector = sa.inspect(bind)
    oven_state.create(bind, checkfirst=True)
    if not inspector.has_table("oven"):
        op.create_table(
            "oven",
            sa.Column("id", sa.BigInteger(), primary_key=True),
            sa.Column("state", oven_state, nullable=False),
            sa.Column("label", sa.Text(), nullable=True),
        )
    if "baker" in inspector.get_table_names():
        op.drop_table("baker")


def downgrade():
    bind = op.get_bind()
    if sa.inspect(bind).has_table("oven"):
        op.drop_table("oven")
    oven_state.drop(bind, checkfirst=True)
