"""parcels come back"""

from alembic import op

revision = "v3"
down_revision = "v2"


def upgrade():
    op.sync_enum_labels(
        "parcel_state",
        ["new", "sent", "returned"],
        [("parcel", "state")],
    )


def downgrade():
    op.sync_enum_labels("parcel_state", ["new", "sent"], [("parcel", "state")])
