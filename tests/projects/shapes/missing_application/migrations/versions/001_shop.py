"""shops, with the application's types"""

import geoalchemy2
import sqlalchemy as sa
from alembic import op

from app.types import GUID

revision = "001"
down_revision = None


def upgrade():
    op.create_table(
        "shop",
        sa.Column("id", GUID(), primary_key=True),
        sa.Column("place", geoalchemy2.types.Geometry("POINT", srid=4326), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
    )


def downgrade():
    op.drop_table("shop")
