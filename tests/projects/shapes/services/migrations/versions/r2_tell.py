"""tells the payment service, and does not mind when it is down"""

import json
import urllib.request

import sqlalchemy as sa
from alembic import op

revision = "r2"
down_revision = "r1"


def tell(payload):
    request = urllib.request.Request(
        "https://payments.example.org/invoices", data=json.dumps(payload).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response)["version"]
    except OSError as error:
        print(f"not told: {error}")
        return None


def upgrade():
    op.add_column("invoice", sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True))
    version = tell({"event": "migrated"})
    if version is None:
        op.create_index("ix_invoice_number", "invoice", ["number"])


def downgrade():
    op.drop_index("ix_invoice_number", "invoice")
    op.drop_column("invoice", "paid_at")
