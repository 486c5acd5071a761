"""The ledger as SQLAlchemy sees it: what the revisions build, as of the newest one.

Functions, triggers and row-level security have no place in SQLAlchemy's metadata and stand in the
revisions alone.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "Agreement",
    "AgreementStatus",
    "AgreementVersion",
    "AuditAction",
    "AuditEntry",
    "Base",
    "Charge",
    "ChargeStatus",
    "Credit",
    "CreditApplication",
    "Investor",
    "InvestorSource",
    "InvestorStatus",
    "Referral",
    "SourceKind",
    "Transaction",
    "TransactionKind",
    "TransactionStatus",
    "TransactionStatusChange",
    "VatCategory",
    "VatRate",
]


class Base(DeclarativeBase):
    """The base of all tables; every constraint and index has a name that can be foretold."""

    metadata = sa.MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s__%(column_0_N_name)s",
            "uq": "uq_%(table_name)s__%(column_0_N_name)s",
            "ix": "ix_%(table_name)s__%(column_0_N_name)s",
            "ck": "ck_%(table_name)s__%(constraint_name)s",
        }
    )


class SourceKind(StrEnum):
    """How a source finds investors."""

    CAMPAIGN = "campaign"
    EVENT = "event"
    BROKER = "broker"
    PARTNER = "partner"
    DIRECT = "direct"


class InvestorStatus(StrEnum):
    """Where an investor stands."""

    PROSPECT = "prospect"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class AgreementStatus(StrEnum):
    """Where an agreement stands."""

    DRAFT = "draft"
    SENT = "sent"
    SIGNED = "signed"
    ENDED = "ended"


class TransactionKind(StrEnum):
    """What a transaction is."""

    SUBSCRIPTION = "subscription"
    REPURCHASE = "repurchase"
    DISTRIBUTION = "distribution"
    FEE = "fee"


class TransactionStatus(StrEnum):
    """Where a transaction stands."""

    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    REVERSED = "reversed"


class VatCategory(StrEnum):
    """Which of a country's VAT rates."""

    STANDARD = "standard"
    REDUCED = "reduced"
    EXEMPT = "exempt"


class ChargeStatus(StrEnum):
    """Where a charge stands."""

    OPEN = "open"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class AuditAction(StrEnum):
    """What was done to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


def _labels(members: type[Enum]) -> list[str]:
    return [str(member.value) for member in members]


def _enum(members: type[StrEnum], name: str) -> sa.Enum:
    return sa.Enum(members, name=name, values_callable=_labels)


def _key() -> Mapped[int]:
    return mapped_column(
        sa.BigInteger(),
        sa.Identity(always=True),
        primary_key=True,
        comment="Number given by the database",
    )


def _reference(target: str, comment: str, *, index: bool = False) -> Mapped[int]:
    return mapped_column(
        sa.BigInteger(), sa.ForeignKey(target, ondelete="RESTRICT"), index=index, comment=comment
    )


def _amount(comment: str) -> Mapped[Decimal]:
    return mapped_column(sa.Numeric(19, 4), comment=comment)


def _moment(comment: str) -> Mapped[datetime]:
    return mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("now()"), comment=comment
    )


def _nullable_moment(comment: str) -> Mapped[datetime | None]:
    return mapped_column(sa.DateTime(timezone=True), comment=comment)


class _Changing:
    """The columns of a table whose rows change; a trigger keeps updated_at."""

    created_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True),
        server_default=sa.text("now()"),
        comment="When the row was written",
        sort_order=100,
    )
    updated_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True),
        server_default=sa.text("now()"),
        comment="When the row last changed",
        sort_order=101,
    )


class InvestorSource(_Changing, Base):
    """Where investors come from."""

    __tablename__ = "investor_sources"
    __table_args__ = ({"comment": "Where investors come from"},)

    id: Mapped[int] = _key()
    code: Mapped[str] = mapped_column(
        sa.Text(), unique=True, comment="Short name that never changes, used in links and imports"
    )
    name: Mapped[str] = mapped_column(sa.Text(), comment="Name shown to staff")
    kind: Mapped[SourceKind] = mapped_column(
        _enum(SourceKind, "source_kind"), comment="How this source finds investors"
    )
    is_active: Mapped[bool] = mapped_column(
        sa.Boolean(),
        server_default=sa.text("true"),
        comment="Whether new investors may still be attributed to it",
    )


class Investor(_Changing, Base):
    """A person or firm that invests."""

    __tablename__ = "investors"
    __table_args__ = (
        sa.CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="country_code_is_iso"),
        sa.Index("uq_investors__lower_email", sa.text("lower(email)"), unique=True),
        {"comment": "People and firms that invest"},
    )

    id: Mapped[int] = _key()
    email: Mapped[str] = mapped_column(sa.Text(), comment="Address for all letters")
    full_name: Mapped[str] = mapped_column(
        sa.Text(),
        comment="Deprecated, always equal to legal_name, which is to be used instead",
    )
    country_code: Mapped[str] = mapped_column(
        sa.Text(), comment="Country of tax residence, ISO 3166-1 alpha-2"
    )
    status: Mapped[InvestorStatus] = mapped_column(
        _enum(InvestorStatus, "investor_status"),
        server_default=sa.text("'prospect'"),
        comment="Where the investor stands",
    )
    status_changed_at: Mapped[datetime] = _moment("When the status last changed")
    source_id: Mapped[int | None] = mapped_column(
        sa.BigInteger(),
        sa.ForeignKey("investor_sources.id", ondelete="RESTRICT"),
        index=True,
        comment="Source the investor came from; null when nobody knows",
    )
    legal_name: Mapped[str] = mapped_column(
        sa.Text(), comment="Name as in the register or the passport"
    )


class Referral(_Changing, Base):
    """Who recommended us to whom."""

    __tablename__ = "referrals"
    __table_args__ = (
        sa.CheckConstraint("referrer_id <> referred_id", name="not_oneself"),
        sa.UniqueConstraint("referred_id"),
        {"comment": "Who recommended us to whom"},
    )

    id: Mapped[int] = _key()
    referrer_id: Mapped[int] = _reference("investors.id", "Investor who recommended us", index=True)
    referred_id: Mapped[int] = _reference("investors.id", "Investor who came because of it")
    referred_at: Mapped[datetime] = _moment("When the recommendation was made")


class Agreement(_Changing, Base):
    """An agreement with an investor."""

    __tablename__ = "agreements"
    __table_args__ = (
        sa.CheckConstraint("status <> 'signed' OR signed_at IS NOT NULL", name="signed_has_a_time"),
        {"comment": "Agreements with investors; the text is in agreement_versions"},
    )

    id: Mapped[int] = _key()
    investor_id: Mapped[int] = _reference("investors.id", "Whose agreement it is", index=True)
    title: Mapped[str] = mapped_column(sa.String(100), comment="Title shown to the investor")
    status: Mapped[AgreementStatus] = mapped_column(
        _enum(AgreementStatus, "agreement_status"),
        server_default=sa.text("'draft'"),
        comment="Where the agreement stands",
    )
    status_changed_at: Mapped[datetime] = _moment("When the status last changed")
    signed_at: Mapped[datetime | None] = _nullable_moment(
        "When the investor signed; null until then"
    )
    deleted_at: Mapped[datetime | None] = _nullable_moment(
        "When it was put away; null while it is shown. Rows are never deleted"
    )


class AgreementVersion(Base):
    """One text of an agreement; a trigger refuses every change."""

    __tablename__ = "agreement_versions"
    __table_args__ = (
        sa.CheckConstraint("version_number > 0", name="number_is_positive"),
        sa.CheckConstraint("octet_length(content_sha256) = 32", name="sha256_has_32_bytes"),
        sa.UniqueConstraint("agreement_id", "version_number"),
        {"comment": "The texts of an agreement; written once, never changed"},
    )

    id: Mapped[int] = _key()
    agreement_id: Mapped[int] = _reference("agreements.id", "Agreement it is a text of")
    version_number: Mapped[int] = mapped_column(
        sa.Integer(), comment="1 for the first text of an agreement, then counting up"
    )
    content_sha256: Mapped[bytes] = mapped_column(
        sa.LargeBinary(), comment="SHA-256 of the document, 32 bytes"
    )
    storage_key: Mapped[str] = mapped_column(sa.Text(), comment="Where the document itself is kept")
    created_by: Mapped[str] = mapped_column(sa.Text(), comment="Who wrote this version")
    created_at: Mapped[datetime] = _moment("When the row was written")


class Transaction(_Changing, Base):
    """Money that moves between an investor and the fund."""

    __tablename__ = "transactions"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_is_positive"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso"),
        sa.CheckConstraint(
            "char_length(idempotency_key) BETWEEN 8 AND 255", name="idempotency_key_length"
        ),
        sa.UniqueConstraint("idempotency_key"),
        sa.Index(
            "ix_transactions__investor_id_occurred_at",
            "investor_id",
            sa.text("occurred_at DESC"),
            postgresql_include=["agreement_id"],
        ),
        {"comment": "Money that moves between an investor and the fund"},
    )

    id: Mapped[int] = _key()
    investor_id: Mapped[int] = _reference("investors.id", "Whose money it is")
    kind: Mapped[TransactionKind] = mapped_column(
        _enum(TransactionKind, "transaction_kind"), comment="What the transaction is"
    )
    status: Mapped[TransactionStatus] = mapped_column(
        _enum(TransactionStatus, "transaction_status"),
        server_default=sa.text("'pending'"),
        comment="Where the transaction stands",
    )
    status_changed_at: Mapped[datetime] = _moment("When the status last changed")
    amount: Mapped[Decimal] = _amount("How much, always positive; the kind says which way it goes")
    currency: Mapped[str] = mapped_column(sa.Text(), comment="Currency of amount, ISO 4217")
    idempotency_key: Mapped[str] = mapped_column(
        sa.Text(),
        comment="The sender's name for this transaction, the same when it is sent again",
    )
    occurred_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), comment="When it happened, as the provider says"
    )
    value_date: Mapped[date] = mapped_column(
        sa.Date(),
        server_default=sa.text("(now() AT TIME ZONE 'UTC')::date"),
        comment="Day from which the money counts, in UTC",
    )
    agreement_id: Mapped[int | None] = mapped_column(
        sa.BigInteger(),
        sa.ForeignKey("agreements.id", ondelete="RESTRICT"),
        index=True,
        comment="Agreement it rests on; null for those from before agreements were kept here",
    )


class TransactionStatusChange(Base):
    """One step on the way of a transaction; written by a trigger."""

    __tablename__ = "transaction_status_changes"
    __table_args__ = ({"comment": "The way each transaction went; written by a trigger"},)

    id: Mapped[int] = _key()
    transaction_id: Mapped[int] = mapped_column(
        sa.BigInteger(),
        sa.ForeignKey("transactions.id", ondelete="CASCADE"),
        index=True,
        comment="Transaction that changed",
    )
    from_status: Mapped[TransactionStatus | None] = mapped_column(
        _enum(TransactionStatus, "transaction_status"),
        comment="Status before; null for the first one",
    )
    to_status: Mapped[TransactionStatus] = mapped_column(
        _enum(TransactionStatus, "transaction_status"), comment="Status after"
    )
    changed_at: Mapped[datetime] = _moment("When it changed")


class VatRate(_Changing, Base):
    """A VAT rate and the days it is valid."""

    __tablename__ = "vat_rates"
    __table_args__ = (
        sa.CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="country_code_is_iso"),
        sa.CheckConstraint("rate >= 0 AND rate < 1", name="rate_is_a_share"),
        sa.CheckConstraint("valid_to > valid_from", name="ends_after_its_start"),
        sa.CheckConstraint("NOT is_reverse_charge OR rate = 0", name="reverse_charge_is_zero"),
        postgresql.ExcludeConstraint(
            (sa.text("coalesce(country_code, '')"), "="),
            ("category", "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("is_active"),
            using="gist",
            name="ex_vat_rates__one_rate_a_day",
        ),
        {"comment": "VAT rates and the days they are valid"},
    )

    id: Mapped[int] = _key()
    country_code: Mapped[str | None] = mapped_column(
        sa.Text(), comment="Country, ISO 3166-1 alpha-2; null for the default of all others"
    )
    category: Mapped[VatCategory] = mapped_column(
        _enum(VatCategory, "vat_category"), comment="Which of the country's rates"
    )
    rate: Mapped[Decimal] = mapped_column(
        sa.Numeric(6, 4), comment="Share of the net amount: 0.1900 is 19 %"
    )
    valid_from: Mapped[date] = mapped_column(sa.Date(), comment="First day it is valid")
    valid_to: Mapped[date | None] = mapped_column(
        sa.Date(), comment="First day it is no longer valid; null while no end is known"
    )
    is_active: Mapped[bool] = mapped_column(
        sa.Boolean(),
        server_default=sa.text("true"),
        comment="False for a rate entered by mistake",
    )
    is_reverse_charge: Mapped[bool] = mapped_column(
        sa.Boolean(),
        server_default=sa.text("false"),
        comment="Whether the customer owes the VAT, so that the invoice shows none",
    )


class Charge(_Changing, Base):
    """What an investor owes."""

    __tablename__ = "charges"
    __table_args__ = (
        sa.CheckConstraint("net_amount > 0", name="net_amount_is_positive"),
        sa.CheckConstraint("vat_amount >= 0 AND vat_amount < net_amount", name="vat_is_a_share"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso"),
        sa.UniqueConstraint("id", "currency"),
        sa.UniqueConstraint("invoice_number"),
        sa.Index(
            "ix_charges__due_on",
            "due_on",
            postgresql_where=sa.text("status = 'open' AND invoice_number IS NULL"),
        ),
        {"comment": "What investors owe"},
    )

    id: Mapped[int] = _key()
    investor_id: Mapped[int] = _reference("investors.id", "Who owes it", index=True)
    vat_rate_id: Mapped[int] = _reference(
        "vat_rates.id", "Rate that was valid when it was charged", index=True
    )
    description: Mapped[str] = mapped_column(sa.Text(), comment="What it is for")
    net_amount: Mapped[Decimal] = _amount("Amount before VAT")
    vat_amount: Mapped[Decimal] = _amount("VAT as invoiced, rounded once and kept")
    currency: Mapped[str] = mapped_column(
        sa.Text(), comment="Currency of net_amount and vat_amount, ISO 4217"
    )
    status: Mapped[ChargeStatus] = mapped_column(
        _enum(ChargeStatus, "charge_status"),
        server_default=sa.text("'open'"),
        comment="Where the charge stands",
    )
    status_changed_at: Mapped[datetime] = _moment("When the status last changed")
    due_on: Mapped[date] = mapped_column(sa.Date(), comment="Last day to pay")
    invoice_number: Mapped[str | None] = mapped_column(
        sa.Text(), comment="Number of its invoice; null until it is invoiced"
    )


class Credit(_Changing, Base):
    """What an investor may use against charges."""

    __tablename__ = "credits"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_is_positive"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso"),
        sa.UniqueConstraint("id", "currency"),
        sa.UniqueConstraint("repurchase_id"),
        {"comment": "What investors may use against charges, from shares bought back"},
    )

    id: Mapped[int] = _key()
    investor_id: Mapped[int] = _reference("investors.id", "Whose credit it is", index=True)
    repurchase_id: Mapped[int] = _reference(
        "transactions.id", "Transaction, a repurchase, the credit comes from"
    )
    amount: Mapped[Decimal] = _amount("How much was credited")
    currency: Mapped[str] = mapped_column(sa.Text(), comment="Currency of amount, ISO 4217")


class CreditApplication(_Changing, Base):
    """The use of a credit for a charge of the same currency."""

    __tablename__ = "credit_applications"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_is_positive"),
        sa.ForeignKeyConstraint(
            ["credit_id", "currency"], ["credits.id", "credits.currency"], ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["charge_id", "currency"], ["charges.id", "charges.currency"], ondelete="RESTRICT"
        ),
        sa.Index(None, "credit_id", "currency"),
        sa.Index(None, "charge_id", "currency"),
        {"comment": "Which credit was used for which charge"},
    )

    id: Mapped[int] = _key()
    credit_id: Mapped[int] = mapped_column(sa.BigInteger(), comment="Credit that is used")
    charge_id: Mapped[int] = mapped_column(sa.BigInteger(), comment="Charge it is used for")
    amount: Mapped[Decimal] = _amount("How much of the credit")
    currency: Mapped[str] = mapped_column(
        sa.Text(), comment="Currency of amount, of the credit and of the charge, ISO 4217"
    )
    applied_at: Mapped[datetime] = _moment("When it was used")


class AuditEntry(Base):
    """One change of one row; written by triggers."""

    __tablename__ = "audit_log"
    __table_args__ = (
        sa.CheckConstraint(
            "(before IS NULL) = (action = 'insert') AND (after IS NULL) = (action = 'delete')",
            name="before_and_after",
        ),
        sa.Index("ix_audit_log__entity_table_entity_id", "entity_table", "entity_id"),
        sa.Index("ix_audit_log__at", "at", postgresql_using="brin"),
        {"comment": "Every change of every row of the ledger; written by triggers"},
    )

    id: Mapped[int] = _key()
    entity_table: Mapped[str] = mapped_column(sa.Text(), comment="Table of the row")
    entity_id: Mapped[int] = mapped_column(sa.BigInteger(), comment="The row's id")
    action: Mapped[AuditAction] = mapped_column(
        _enum(AuditAction, "audit_action"), comment="What was done to it"
    )
    actor: Mapped[str] = mapped_column(sa.Text(), comment="Who did it")
    at: Mapped[datetime] = _moment("When the transaction that did it began")
    before: Mapped[dict[str, object] | None] = mapped_column(
        postgresql.JSONB(none_as_null=True), comment="The row before; null for an insert"
    )
    after: Mapped[dict[str, object] | None] = mapped_column(
        postgresql.JSONB(none_as_null=True), comment="The row after; null for a delete"
    )
