"""SQL that is put together"""

from alembic import op

from migrations.helpers import grant

revision = "h3"
down_revision = "h2"

TABLES = ["tray", "rack"]


def add_check(table):
    op.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_label_length"
        f" CHECK (length(label) < 100)"
    )


def upgrade():
    for table in TABLES:
        add_check(table)
    grant(TABLES, "reader")


def downgrade():
    for table in TABLES:
        op.execute(f"REVOKE SELECT ON {table} FROM reader")
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_label_length")
