"""Transactions, each written once however often it is sent.

Why: the payment provider repeats a message until it is answered. The idempotency key is unique in
the database, so a repeated message meets an error and never a second payment; no application code
can forget to look.

An amount is NUMERIC(19, 4), enough for every currency in use, and never stands without its
currency. Each change of status leaves a row in transaction_status_changes, written by a trigger,
so that the way a transaction went can be told without the audit log.

Revision ID: 0003
Revises: 0002
Create Date: 2025-01-27 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    create_enums()
    create_transactions()
    create_status_changes()


def create_enums() -> None:
    op.execute(
        """
        CREATE TYPE transaction_kind AS ENUM ('subscription', 'repurchase', 'distribution', 'fee')
        """
    )
    op.execute(
        """
        COMMENT ON TYPE transaction_kind IS
            'What a transaction is: subscription = the investor pays in; repurchase = shares are '
            'bought back; distribution = earnings are paid out; fee = the investor is charged'
        """
    )
    op.execute(
        "CREATE TYPE transaction_status AS ENUM ('pending', 'settled', 'failed', 'reversed')"
    )
    op.execute(
        """
        COMMENT ON TYPE transaction_status IS
            'Where a transaction stands: pending = sent, not yet confirmed; settled = the money '
            'has moved; failed = it will not move; reversed = it moved and was sent back'
        """
    )


def create_transactions() -> None:
    op.create_table(
        "transactions",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column("investor_id", sa.BigInteger(), nullable=False, comment="Whose money it is"),
        sa.Column(
            "kind",
            postgresql.ENUM(name="transaction_kind", create_type=False),
            nullable=False,
            comment="What the transaction is",
        ),
        sa.Column(
            "status",
            postgresql.ENUM(name="transaction_status", create_type=False),
            server_default=sa.text("'pending'"),
            nullable=False,
            comment="Where the transaction stands",
        ),
        sa.Column(
            "status_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the status last changed",
        ),
        sa.Column(
            "amount",
            sa.Numeric(19, 4),
            nullable=False,
            comment="How much, always positive; the kind says which way it goes",
        ),
        sa.Column("currency", sa.Text(), nullable=False, comment="Currency of amount, ISO 4217"),
        sa.Column(
            "idempotency_key",
            sa.Text(),
            nullable=False,
            comment="The sender's name for this transaction, the same when it is sent again",
        ),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it happened, as the provider says",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was written",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed",
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transactions__amount_is_positive")),
        sa.CheckConstraint(
            "currency ~ '^[A-Z]{3}$'", name=op.f("ck_transactions__currency_is_iso")
        ),
        sa.CheckConstraint(
            "char_length(idempotency_key) BETWEEN 8 AND 255",
            name=op.f("ck_transactions__idempotency_key_length"),
        ),
        sa.ForeignKeyConstraint(
            ["investor_id"],
            ["investors.id"],
            name=op.f("fk_transactions__investor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_transactions__idempotency_key")),
        comment="Money that moves between an investor and the fund",
    )
    op.create_index(op.f("ix_transactions__investor_id"), "transactions", ["investor_id"])
    op.execute(
        """
        CREATE TRIGGER transactions_updated_at BEFORE UPDATE ON transactions
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        CREATE TRIGGER transactions_status_changed_at BEFORE UPDATE ON transactions
            FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
            EXECUTE FUNCTION ledger_set_status_changed_at();
        COMMENT ON INDEX ix_transactions__investor_id IS 'Transactions of an investor';
        COMMENT ON CONSTRAINT ck_transactions__amount_is_positive ON transactions IS
            'The sign of an amount is its kind';
        COMMENT ON CONSTRAINT ck_transactions__currency_is_iso ON transactions IS
            'Three capital letters';
        COMMENT ON CONSTRAINT ck_transactions__idempotency_key_length ON transactions IS
            'Too short to be unique is refused, and so is a whole message';
        COMMENT ON CONSTRAINT uq_transactions__idempotency_key ON transactions IS
            'A repeated message cannot become a second payment';
        COMMENT ON TRIGGER transactions_updated_at ON transactions IS 'Keeps updated_at';
        COMMENT ON TRIGGER transactions_status_changed_at ON transactions IS
            'Keeps status_changed_at';
        """
    )


def create_status_changes() -> None:
    op.create_table(
        "transaction_status_changes",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column(
            "transaction_id", sa.BigInteger(), nullable=False, comment="Transaction that changed"
        ),
        sa.Column(
            "from_status",
            postgresql.ENUM(name="transaction_status", create_type=False),
            comment="Status before; null for the first one",
        ),
        sa.Column(
            "to_status",
            postgresql.ENUM(name="transaction_status", create_type=False),
            nullable=False,
            comment="Status after",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it changed",
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_transaction_status_changes__transaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction_status_changes")),
        comment="The way each transaction went; written by a trigger",
    )
    op.create_index(
        op.f("ix_transaction_status_changes__transaction_id"),
        "transaction_status_changes",
        ["transaction_id"],
    )
    # SECURITY DEFINER: the application may write transactions, and this table only through them.
    # pg_temp stands last, so that nobody's temporary table can take the real one's place.
    op.execute(
        """
        CREATE FUNCTION ledger_record_transaction_status() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            INSERT INTO transaction_status_changes (transaction_id, from_status, to_status)
            VALUES (NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status);
            RETURN NULL;
        END
        $$;
        COMMENT ON FUNCTION ledger_record_transaction_status() IS
            'Trigger: writes a change of status into transaction_status_changes';
        CREATE TRIGGER transactions_first_status AFTER INSERT ON transactions
            FOR EACH ROW EXECUTE FUNCTION ledger_record_transaction_status();
        CREATE TRIGGER transactions_next_status AFTER UPDATE ON transactions
            FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
            EXECUTE FUNCTION ledger_record_transaction_status();
        COMMENT ON TRIGGER transactions_first_status ON transactions IS
            'Writes down the status a transaction begins with';
        COMMENT ON TRIGGER transactions_next_status ON transactions IS
            'Writes down every later status';
        COMMENT ON INDEX ix_transaction_status_changes__transaction_id IS
            'The changes of a transaction';
        """
    )


def downgrade() -> None:
    op.drop_table("transaction_status_changes")
    op.drop_table("transactions")
    op.execute("DROP FUNCTION ledger_record_transaction_status()")
    op.execute("DROP TYPE transaction_status")
    op.execute("DROP TYPE transaction_kind")
