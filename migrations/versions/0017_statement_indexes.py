"""Indexes for account statements, reminders and the auditors' questions.

Why: a statement lists the newest transactions of one investor, a reminder the open charges that
are not invoiced yet, an auditor everything of one week. Each index is built CONCURRENTLY, which
waits for old transactions and stops nobody; so it stands in an autocommit block, since
CONCURRENTLY refuses to run inside a transaction.

The first index makes ix_transactions__investor_id useless, since it begins with the same column.
That one goes last: a query always has one of the two.

The log is written in the order of time, so BRIN finds a week in an index of a few pages.

Revision ID: 0017
Revises: 0016
Create Date: 2025-06-02 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            op.f("ix_transactions__investor_id_occurred_at"),
            "transactions",
            ["investor_id", sa.text("occurred_at DESC")],
            postgresql_include=["agreement_id"],
            postgresql_concurrently=True,
        )
        op.create_index(
            op.f("ix_charges__due_on"),
            "charges",
            ["due_on"],
            postgresql_where=sa.text("status = 'open' AND invoice_number IS NULL"),
            postgresql_concurrently=True,
        )
        op.execute("CREATE INDEX CONCURRENTLY ix_audit_log__at ON audit_log USING brin (at)")
        op.drop_index(
            op.f("ix_transactions__investor_id"),
            table_name="transactions",
            postgresql_concurrently=True,
        )
    op.execute(
        """
        COMMENT ON INDEX ix_transactions__investor_id_occurred_at IS
            'Newest transactions of an investor, for account statements';
        COMMENT ON INDEX ix_charges__due_on IS 'Open charges without an invoice, the oldest first';
        COMMENT ON INDEX ix_audit_log__at IS 'What was done in a span of time';
        """
    )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            op.f("ix_transactions__investor_id"),
            "transactions",
            ["investor_id"],
            postgresql_concurrently=True,
        )
        op.execute("DROP INDEX CONCURRENTLY ix_audit_log__at")
        op.drop_index(
            op.f("ix_charges__due_on"), table_name="charges", postgresql_concurrently=True
        )
        op.drop_index(
            op.f("ix_transactions__investor_id_occurred_at"),
            table_name="transactions",
            postgresql_concurrently=True,
        )
    op.execute("COMMENT ON INDEX ix_transactions__investor_id IS 'Transactions of an investor'")
