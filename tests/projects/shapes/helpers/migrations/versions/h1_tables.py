"""tables out of a file of SQL"""

from pathlib import Path

from alembic import op

from migrations.helpers import run_file

revision = "h1"
down_revision = None


def upgrade():
    run_file(Path(__file__).with_name("h1_tables.sql"))


def downgrade():
    for table in ("tray", "rack"):
        op.execute(f"DROP TABLE {table}")
