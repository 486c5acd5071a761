"""VAT rates, each valid for a span of days, never two at once.

Why: an invoice of last year shows last year's rate, so a rate is never changed; a new one begins
where the old one ends. An exclusion constraint holds that no day has two rates of one category in
one country, which no unique constraint and no application code under concurrency can.

A rate without a country is the default, for countries that have none of their own. A rate entered
by mistake is made inactive: charges may point at it already, and an inactive one gets in nobody's
way.

VAT law knows days, not moments, and means the days of its own country; hence DATE. The span is
half-open: valid_to is the first day on which the rate is no longer valid.

The extension btree_gist lets an exclusion constraint compare plain values beside a range. It is
trusted, so the owner of the database may create it, and it has a schema of its own.

Revision ID: 0004
Revises: 0003
Create Date: 2025-02-03 09:00:00+00:00
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA extensions")
    op.execute("COMMENT ON SCHEMA extensions IS 'What comes from extensions, out of the way'")
    op.execute("CREATE EXTENSION btree_gist WITH SCHEMA extensions")
    op.execute("CREATE TYPE vat_category AS ENUM ('standard', 'reduced', 'exempt')")
    op.execute(
        """
        COMMENT ON TYPE vat_category IS
            'Which of a country''s rates: standard = the usual one; reduced = for what the law '
            'favours; exempt = no VAT is due, and the invoice must say so'
        """
    )
    vat_rates = create_vat_rates()
    op.bulk_insert(vat_rates, first_rates())


def create_vat_rates() -> sa.Table:
    table = op.create_table(
        "vat_rates",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column(
            "country_code",
            sa.Text(),
            comment="Country, ISO 3166-1 alpha-2; null for the default of all others",
        ),
        sa.Column(
            "category",
            postgresql.ENUM(name="vat_category", create_type=False),
            nullable=False,
            comment="Which of the country's rates",
        ),
        sa.Column(
            "rate",
            sa.Numeric(6, 4),
            nullable=False,
            comment="Share of the net amount: 0.1900 is 19 %",
        ),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="First day it is valid"),
        sa.Column(
            "valid_to",
            sa.Date(),
            comment="First day it is no longer valid; null while no end is known",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="False for a rate entered by mistake",
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
        sa.CheckConstraint(
            "country_code ~ '^[A-Z]{2}$'", name=op.f("ck_vat_rates__country_code_is_iso")
        ),
        sa.CheckConstraint("rate >= 0 AND rate < 1", name=op.f("ck_vat_rates__rate_is_a_share")),
        sa.CheckConstraint(
            "valid_to > valid_from", name=op.f("ck_vat_rates__ends_after_its_start")
        ),
        postgresql.ExcludeConstraint(
            (sa.text("coalesce(country_code, '')"), "="),
            ("category", "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("is_active"),
            using="gist",
            name=op.f("ex_vat_rates__one_rate_a_day"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vat_rates")),
        comment="VAT rates and the days they are valid",
    )
    op.execute(
        """
        CREATE TRIGGER vat_rates_updated_at BEFORE UPDATE ON vat_rates
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        COMMENT ON TRIGGER vat_rates_updated_at ON vat_rates IS 'Keeps updated_at';
        COMMENT ON CONSTRAINT ck_vat_rates__country_code_is_iso ON vat_rates IS
            'Two capital letters, or null for the default';
        COMMENT ON CONSTRAINT ck_vat_rates__rate_is_a_share ON vat_rates IS
            'A percentage entered as 19 is refused';
        COMMENT ON CONSTRAINT ck_vat_rates__ends_after_its_start ON vat_rates IS
            'A rate is valid for a day at least';
        COMMENT ON CONSTRAINT ex_vat_rates__one_rate_a_day ON vat_rates IS
            'One active rate a country, category and day';
        """
    )
    return table


def first_rates() -> list[dict[str, object]]:
    rates = [
        (None, "exempt", "0", date(1993, 1, 1), None),
        ("AT", "standard", "0.20", date(1984, 1, 1), None),
        ("DE", "standard", "0.19", date(2007, 1, 1), date(2020, 7, 1)),
        ("DE", "standard", "0.16", date(2020, 7, 1), date(2021, 1, 1)),
        ("DE", "standard", "0.19", date(2021, 1, 1), None),
        ("FR", "standard", "0.20", date(2014, 1, 1), None),
        ("LU", "standard", "0.17", date(2015, 1, 1), date(2023, 1, 1)),
        ("LU", "standard", "0.16", date(2023, 1, 1), date(2024, 1, 1)),
        ("LU", "standard", "0.17", date(2024, 1, 1), None),
    ]
    return [
        {
            "country_code": country_code,
            "category": category,
            "rate": Decimal(rate),
            "valid_from": valid_from,
            "valid_to": valid_to,
        }
        for country_code, category, rate, valid_from, valid_to in rates
    ]


def downgrade() -> None:
    op.drop_table("vat_rates")
    op.execute("DROP TYPE vat_category")
    op.execute("DROP EXTENSION btree_gist")
    op.execute("DROP SCHEMA extensions")
