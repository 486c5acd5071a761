"""something for one of them"""

from alembic import op

revision = "d2"
down_revision = "d1"


def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()


def upgrade_orders():
    pass


def downgrade_orders():
    pass


def upgrade_stock():
    op.create_index("ix_item_name", "item", ["name"])


def downgrade_stock():
    op.drop_index("ix_item_name", table_name="item")
