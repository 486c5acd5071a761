"""builds the search index with a program of its own, and fails when it does"""

import subprocess

import sqlalchemy as sa
from alembic import op

revision = "r3"
down_revision = "r2"


def upgrade():
    op.add_column("invoice", sa.Column("words", sa.Text(), nullable=True))
    subprocess.run(["rebuild-search", "--all"], check=True)
    op.alter_column("invoice", "words", nullable=False)


def downgrade():
    op.drop_column("invoice", "words")
