"""parcels"""

import sqlalchemy as sa
from alembic import op

revision = "v1"
down_revision = None


def upgrade():
    op.create_table(
        "parcel",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column(
            "state",
            sa.Enum("new", "sent", name="parcel_state"),
            server_default="new",
            nullable=False,
        ),
    )


def downgrade():
    op.drop_table("parcel")
    sa.Enum(name="parcel_state").drop(op.get_bind(), checkfirst=False)
