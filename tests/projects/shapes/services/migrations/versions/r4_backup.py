"""writes down what is about to go, and waits for the replica"""

import time
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "r4"
down_revision = "r3"


def upgrade():
    try:
        Path("invoice-words.backup").write_text("id,words\n")
    except OSError:
        pass
    for _ in range(30):
        time.sleep(1)
    op.drop_column("invoice", "words")


def downgrade():
    op.add_column("invoice", sa.Column("words", sa.Text(), nullable=True))
