"""Charges, credits from repurchases, and the use of one for the other.

Why: when shares are bought back, a part of the price may stay with us as a credit, which later
charges use up. A credit is worth its amount less what was applied; that number is summed up when
it is asked for and stored nowhere, so it cannot be wrong.

A credit in one currency must not pay a charge in another. The foreign keys of credit_applications
therefore carry the currency along, to unique keys (id, currency) on both sides.

Revision ID: 0005
Revises: 0004
Create Date: 2025-02-10 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("CREATE TYPE charge_status AS ENUM ('open', 'settled', 'cancelled')")
    op.execute(
        """
        COMMENT ON TYPE charge_status IS
            'Where a charge stands: open = to be paid; settled = paid, by money or by credits; '
            'cancelled = no longer owed'
        """
    )
    create_charges()
    create_credits()
    create_credit_applications()


def create_charges() -> None:
    op.create_table(
        "charges",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column("investor_id", sa.BigInteger(), nullable=False, comment="Who owes it"),
        sa.Column(
            "vat_rate_id",
            sa.BigInteger(),
            nullable=False,
            comment="Rate that was valid when it was charged",
        ),
        sa.Column("description", sa.Text(), nullable=False, comment="What it is for"),
        sa.Column("net_amount", sa.Numeric(19, 4), nullable=False, comment="Amount before VAT"),
        sa.Column(
            "vat_amount",
            sa.Numeric(19, 4),
            nullable=False,
            comment="VAT as invoiced, rounded once and kept",
        ),
        sa.Column(
            "currency",
            sa.Text(),
            nullable=False,
            comment="Currency of net_amount and vat_amount, ISO 4217",
        ),
        sa.Column(
            "status",
            postgresql.ENUM(name="charge_status", create_type=False),
            server_default=sa.text("'open'"),
            nullable=False,
            comment="Where the charge stands",
        ),
        sa.Column(
            "status_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the status last changed",
        ),
        sa.Column("due_on", sa.Date(), nullable=False, comment="Last day to pay"),
        *row_times(),
        sa.CheckConstraint("net_amount > 0", name=op.f("ck_charges__net_amount_is_positive")),
        sa.CheckConstraint(
            "vat_amount >= 0 AND vat_amount < net_amount", name=op.f("ck_charges__vat_is_a_share")
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_charges__currency_is_iso")),
        sa.ForeignKeyConstraint(
            ["investor_id"],
            ["investors.id"],
            name=op.f("fk_charges__investor_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["vat_rate_id"],
            ["vat_rates.id"],
            name=op.f("fk_charges__vat_rate_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
        sa.UniqueConstraint("id", "currency", name=op.f("uq_charges__id_currency")),
        comment="What investors owe",
    )
    op.create_index(op.f("ix_charges__investor_id"), "charges", ["investor_id"])
    op.create_index(op.f("ix_charges__vat_rate_id"), "charges", ["vat_rate_id"])
    op.execute(
        """
        CREATE TRIGGER charges_updated_at BEFORE UPDATE ON charges
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        CREATE TRIGGER charges_status_changed_at BEFORE UPDATE ON charges
            FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
            EXECUTE FUNCTION ledger_set_status_changed_at();
        COMMENT ON INDEX ix_charges__investor_id IS 'Charges of an investor';
        COMMENT ON INDEX ix_charges__vat_rate_id IS 'Charges at a rate';
        COMMENT ON CONSTRAINT ck_charges__net_amount_is_positive ON charges IS
            'A negative charge is a credit, and has a table of its own';
        COMMENT ON CONSTRAINT ck_charges__vat_is_a_share ON charges IS
            'VAT is less than what it is charged on';
        COMMENT ON CONSTRAINT ck_charges__currency_is_iso ON charges IS 'Three capital letters';
        COMMENT ON CONSTRAINT uq_charges__id_currency ON charges IS
            'What credit_applications points at, currency and all';
        COMMENT ON TRIGGER charges_updated_at ON charges IS 'Keeps updated_at';
        COMMENT ON TRIGGER charges_status_changed_at ON charges IS 'Keeps status_changed_at';
        """
    )


def create_credits() -> None:
    op.create_table(
        "credits",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column("investor_id", sa.BigInteger(), nullable=False, comment="Whose credit it is"),
        sa.Column(
            "repurchase_id",
            sa.BigInteger(),
            nullable=False,
            comment="Transaction, a repurchase, the credit comes from",
        ),
        sa.Column("amount", sa.Numeric(19, 4), nullable=False, comment="How much was credited"),
        sa.Column("currency", sa.Text(), nullable=False, comment="Currency of amount, ISO 4217"),
        *row_times(),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credits__amount_is_positive")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_credits__currency_is_iso")),
        sa.ForeignKeyConstraint(
            ["investor_id"],
            ["investors.id"],
            name=op.f("fk_credits__investor_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["repurchase_id"],
            ["transactions.id"],
            name=op.f("fk_credits__repurchase_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credits")),
        sa.UniqueConstraint("id", "currency", name=op.f("uq_credits__id_currency")),
        sa.UniqueConstraint("repurchase_id", name=op.f("uq_credits__repurchase_id")),
        comment="What investors may use against charges, from shares bought back",
    )
    op.create_index(op.f("ix_credits__investor_id"), "credits", ["investor_id"])
    op.execute(
        """
        CREATE TRIGGER credits_updated_at BEFORE UPDATE ON credits
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        COMMENT ON INDEX ix_credits__investor_id IS 'Credits of an investor';
        COMMENT ON CONSTRAINT ck_credits__amount_is_positive ON credits IS
            'A credit of nothing is none';
        COMMENT ON CONSTRAINT ck_credits__currency_is_iso ON credits IS 'Three capital letters';
        COMMENT ON CONSTRAINT uq_credits__id_currency ON credits IS
            'What credit_applications points at, currency and all';
        COMMENT ON CONSTRAINT uq_credits__repurchase_id ON credits IS
            'A repurchase is credited once';
        COMMENT ON TRIGGER credits_updated_at ON credits IS 'Keeps updated_at';
        """
    )


def create_credit_applications() -> None:
    op.create_table(
        "credit_applications",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column("credit_id", sa.BigInteger(), nullable=False, comment="Credit that is used"),
        sa.Column("charge_id", sa.BigInteger(), nullable=False, comment="Charge it is used for"),
        sa.Column("amount", sa.Numeric(19, 4), nullable=False, comment="How much of the credit"),
        sa.Column(
            "currency",
            sa.Text(),
            nullable=False,
            comment="Currency of amount, of the credit and of the charge, ISO 4217",
        ),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was used",
        ),
        *row_times(),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_applications__amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["credit_id", "currency"],
            ["credits.id", "credits.currency"],
            name=op.f("fk_credit_applications__credit_id_currency"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["charge_id", "currency"],
            ["charges.id", "charges.currency"],
            name=op.f("fk_credit_applications__charge_id_currency"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_applications")),
        comment="Which credit was used for which charge",
    )
    op.create_index(
        op.f("ix_credit_applications__credit_id_currency"),
        "credit_applications",
        ["credit_id", "currency"],
    )
    op.create_index(
        op.f("ix_credit_applications__charge_id_currency"),
        "credit_applications",
        ["charge_id", "currency"],
    )
    op.execute(
        """
        CREATE TRIGGER credit_applications_updated_at BEFORE UPDATE ON credit_applications
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        COMMENT ON INDEX ix_credit_applications__credit_id_currency IS 'What a credit was used for';
        COMMENT ON INDEX ix_credit_applications__charge_id_currency IS 'Credits used for a charge';
        COMMENT ON CONSTRAINT ck_credit_applications__amount_is_positive ON credit_applications IS
            'Using nothing is not using it';
        COMMENT ON TRIGGER credit_applications_updated_at ON credit_applications IS
            'Keeps updated_at';
        """
    )


def row_times() -> list[sa.Column[object]]:
    return [
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
    ]


def downgrade() -> None:
    op.drop_table("credit_applications")
    op.drop_table("credits")
    op.drop_table("charges")
    op.execute("DROP TYPE charge_status")
