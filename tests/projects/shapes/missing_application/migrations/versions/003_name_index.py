"""decorated, as the application wants it"""

from alembic import op

from app.migrations import retry_on_deadlock

revision = "003"
down_revision = "002"


@retry_on_deadlock
def upgrade():
    op.create_index("ix_shop_name", "shop", ["name"])


@retry_on_deadlock(times=3)
def downgrade():
    op.drop_index("ix_shop_name", "shop")
