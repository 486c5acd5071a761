"""indexes by a helper"""

from alembic import op

from migrations import helpers

revision = "h2"
down_revision = "h1"


def upgrade():
    helpers.add_index("tray", "rack_id")
    for table in ("tray", "rack"):
        helpers.add_index(table, "label")


def downgrade():
    op.execute("DROP INDEX ix_rack_label; DROP INDEX ix_tray_label; DROP INDEX ix_tray_rack_id")
