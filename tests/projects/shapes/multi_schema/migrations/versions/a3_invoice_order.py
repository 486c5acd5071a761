"""an invoice is for an order"""

from alembic import op

revision = "a3"
down_revision = "a2"


def upgrade():
    op.create_foreign_key(
        "fk_invoice_order",
        "invoice",
        "orders",
        ["order_id"],
        ["id"],
        source_schema="billing",
        referent_schema="sales",
    )


def downgrade():
    op.drop_constraint("fk_invoice_order", "invoice", schema="billing", type_="foreignkey")
