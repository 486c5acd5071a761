"""how many parcels there are of a state"""

from alembic import op
from enum_operations import View

revision = "v2"
down_revision = "v1"

counts = View("parcel_count", "SELECT count(*) AS parcels FROM parcel")


def upgrade():
    op.replace_view(counts)


def downgrade():
    op.execute("DROP VIEW parcel_count")
