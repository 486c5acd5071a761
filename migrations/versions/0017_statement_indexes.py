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
        _build(
            op.f("ix_transactions__investor_id_occurred_at"),
            "transactions",
            ["investor_id", sa.text("occurred_at DESC")],
            postgresql_include=["agreement_id"],
        )
        _build(
            op.f("ix_charges__due_on"),
            "charges",
            ["due_on"],
            postgresql_where=sa.text("status = 'open' AND invoice_number IS NULL"),
        )
        _build(op.f("ix_audit_log__at"), "audit_log", ["at"], postgresql_using="brin")
        _drop(op.f("ix_transactions__investor_id"), "transactions")
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
        _build(op.f("ix_transactions__investor_id"), "transactions", ["investor_id"])
        _drop(op.f("ix_audit_log__at"), "audit_log")
        _drop(op.f("ix_charges__due_on"), "charges")
        _drop(op.f("ix_transactions__investor_id_occurred_at"), "transactions")
    op.execute("COMMENT ON INDEX ix_transactions__investor_id IS 'Transactions of an investor'")


def _build(name: str, table: str, columns: list[str | sa.TextClause], **options: object) -> None:
    """Build an index, in place of what an attempt that was cut off has left of it."""
    _drop(name, table)
    op.create_index(name, table, columns, postgresql_concurrently=True, **options)


def _drop(name: str, table: str) -> None:
    op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
