"""two indexes by the engine of the application, one of them outside of transactions"""

import sqlalchemy as sa
from alembic import op

from app.db import engine

revision = "g3"
down_revision = "g2"


def upgrade():
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("CREATE INDEX CONCURRENTLY ix_guest_name ON guest (name)"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE INDEX ix_guest_seat ON guest (seat)"))


def downgrade():
    op.drop_index("ix_guest_seat", "guest")
    op.drop_index("ix_guest_name", "guest")
