"""seats, by the session of the application, which is another connection"""

import sqlalchemy as sa
from alembic import op

from app.db import SessionLocal

revision = "g2"
down_revision = "g1"


def upgrade():
    with SessionLocal() as session:
        session.execute(sa.text("UPDATE guest SET seat = 0 WHERE seat IS NULL"))
        session.commit()
    op.alter_column("guest", "seat", server_default="0")


def downgrade():
    op.alter_column("guest", "seat", server_default=None)
