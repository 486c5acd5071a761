"""invoices, told to everybody who listens"""

import logging
import sys
import warnings

import sqlalchemy as sa
from alembic import op

revision = "r1"
down_revision = None

logging.basicConfig(level=logging.INFO, stream=sys.stdout)
log = logging.getLogger(__name__)
print("loading r1")


def upgrade():
    print("upgrading")
    log.info("creating the table")
    warnings.warn("this takes long", stacklevel=1)
    sys.stdout.write("50 %\n")
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("number", sa.Text(), nullable=False),
    )


def downgrade():
    print("downgrading", file=sys.stderr)
    op.drop_table("invoice")
