"""Investors, the sources they come from, and who referred whom.

Why: everything else in the ledger belongs to an investor, and what a source or a referral was
worth can only be told later if it was written down on the first day.

Two trigger functions are made here because every later table uses them: a row knows when it last
changed and when its status last changed, whatever program wrote it.

Revision ID: 0001
Revises:
Create Date: 2025-01-13 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    create_enums()
    create_functions()
    create_tables()
    create_triggers()
    comment_on_the_rest()


def create_enums() -> None:
    op.execute("CREATE TYPE source_kind AS ENUM ('campaign', 'event', 'broker', 'direct')")
    op.execute(
        """
        COMMENT ON TYPE source_kind IS
            'How a source finds investors: campaign = paid advertising; event = a fair or a talk; '
            'broker = somebody paid per investor; direct = they came by themselves'
        """
    )
    op.execute("CREATE TYPE investor_status AS ENUM ('prospect', 'active', 'suspended', 'closed')")
    op.execute(
        """
        COMMENT ON TYPE investor_status IS
            'Where an investor stands: prospect = identity not yet checked; active = may invest; '
            'suspended = may not, for now; closed = left, kept for the records'
        """
    )


def create_functions() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger_set_updated_at() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := now();
            RETURN NEW;
        END
        $$;
        COMMENT ON FUNCTION ledger_set_updated_at() IS
        'Trigger: writes the time of the change into updated_at';
        """
    )
    op.execute(
        """
        CREATE FUNCTION ledger_set_status_changed_at() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            NEW.status_changed_at := now();
            RETURN NEW;
        END
        $$;
        COMMENT ON FUNCTION ledger_set_status_changed_at() IS
        'Trigger: writes the time of a change of status into status_changed_at';
        """
    )


def create_tables() -> None:
    op.create_table(
        "investor_sources",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column(
            "code",
            sa.Text(),
            nullable=False,
            comment="Short name that never changes, used in links and imports",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="Name shown to staff"),
        sa.Column(
            "kind",
            postgresql.ENUM(name="source_kind", create_type=False),
            nullable=False,
            comment="How this source finds investors",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether new investors may still be attributed to it",
        ),
        *row_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_investor_sources")),
        sa.UniqueConstraint("code", name=op.f("uq_investor_sources__code")),
        comment="Where investors come from",
    )
    op.create_table(
        "investors",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column("email", sa.Text(), nullable=False, comment="Address for all letters"),
        sa.Column("full_name", sa.Text(), nullable=False, comment="Name as the investor gave it"),
        sa.Column(
            "country_code",
            sa.Text(),
            nullable=False,
            comment="Country of tax residence, ISO 3166-1 alpha-2",
        ),
        sa.Column(
            "status",
            postgresql.ENUM(name="investor_status", create_type=False),
            server_default=sa.text("'prospect'"),
            nullable=False,
            comment="Where the investor stands",
        ),
        sa.Column(
            "status_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the status last changed",
        ),
        sa.Column(
            "source_id",
            sa.BigInteger(),
            comment="Source the investor came from; null when nobody knows",
        ),
        *row_times(),
        sa.CheckConstraint(
            "country_code ~ '^[A-Z]{2}$'", name=op.f("ck_investors__country_code_is_iso")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["investor_sources.id"],
            name=op.f("fk_investors__source_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_investors")),
        comment="People and firms that invest",
    )
    op.create_index(op.f("ix_investors__source_id"), "investors", ["source_id"])
    op.create_index(
        op.f("uq_investors__lower_email"), "investors", [sa.text("lower(email)")], unique=True
    )
    op.create_table(
        "referrals",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column(
            "referrer_id", sa.BigInteger(), nullable=False, comment="Investor who recommended us"
        ),
        sa.Column(
            "referred_id",
            sa.BigInteger(),
            nullable=False,
            comment="Investor who came because of it",
        ),
        sa.Column(
            "referred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the recommendation was made",
        ),
        *row_times(),
        sa.CheckConstraint("referrer_id <> referred_id", name=op.f("ck_referrals__not_oneself")),
        sa.ForeignKeyConstraint(
            ["referrer_id"],
            ["investors.id"],
            name=op.f("fk_referrals__referrer_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["referred_id"],
            ["investors.id"],
            name=op.f("fk_referrals__referred_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("referred_id", name=op.f("uq_referrals__referred_id")),
        comment="Who recommended us to whom",
    )
    op.create_index(op.f("ix_referrals__referrer_id"), "referrals", ["referrer_id"])


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


def create_triggers() -> None:
    op.execute(
        """
        CREATE TRIGGER investor_sources_updated_at BEFORE UPDATE ON investor_sources
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        CREATE TRIGGER investors_updated_at BEFORE UPDATE ON investors
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        CREATE TRIGGER investors_status_changed_at BEFORE UPDATE ON investors
            FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
            EXECUTE FUNCTION ledger_set_status_changed_at();
        CREATE TRIGGER referrals_updated_at BEFORE UPDATE ON referrals
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        """
    )


def comment_on_the_rest() -> None:
    op.execute(
        """
        COMMENT ON INDEX ix_investors__source_id IS 'Investors of a source';
        COMMENT ON INDEX uq_investors__lower_email IS
            'One investor an address, however it is typed';
        COMMENT ON INDEX ix_referrals__referrer_id IS 'Whom an investor has recommended us to';
        COMMENT ON CONSTRAINT uq_investor_sources__code ON investor_sources IS
            'A link names one source';
        COMMENT ON CONSTRAINT ck_investors__country_code_is_iso ON investors IS
            'Two capital letters, so that VAT rates can be found by it';
        COMMENT ON CONSTRAINT ck_referrals__not_oneself ON referrals IS
            'Nobody is rewarded for themselves';
        COMMENT ON CONSTRAINT uq_referrals__referred_id ON referrals IS
            'An investor is referred once, so that a reward is paid once';
        COMMENT ON TRIGGER investor_sources_updated_at ON investor_sources IS 'Keeps updated_at';
        COMMENT ON TRIGGER investors_updated_at ON investors IS 'Keeps updated_at';
        COMMENT ON TRIGGER investors_status_changed_at ON investors IS 'Keeps status_changed_at';
        COMMENT ON TRIGGER referrals_updated_at ON referrals IS 'Keeps updated_at';
        """
    )


def downgrade() -> None:
    op.drop_table("referrals")
    op.drop_table("investors")
    op.drop_table("investor_sources")
    op.execute("DROP FUNCTION ledger_set_status_changed_at()")
    op.execute("DROP FUNCTION ledger_set_updated_at()")
    op.execute("DROP TYPE investor_status")
    op.execute("DROP TYPE source_kind")
