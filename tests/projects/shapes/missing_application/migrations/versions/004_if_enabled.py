"""what depends on a switch of the application"""

import sqlalchemy as sa
from alembic import op

from app.config import settings

revision = "004"
down_revision = "003"


def upgrade():
    if settings.has_loyalty_cards:
        op.add_column("shop", sa.Column("card_prefix", sa.Text(), nullable=False))
    op.add_column("shop", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    op.drop_column("shop", "opened_at")
    if settings.has_loyalty_cards:
        op.drop_column("shop", "card_prefix")
