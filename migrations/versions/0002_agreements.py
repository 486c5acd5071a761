"""Agreements, and versions of them that nobody can change.

Why: what an investor signed must be shown years later, letter by letter. The agreement is the
thing that moves (a status, a soft delete); a version is the text that was signed, named by the
SHA-256 of its content. A trigger refuses every UPDATE, DELETE and TRUNCATE of a version, also
from the owner of the table, who is beyond the reach of REVOKE and of row-level security.

Revision ID: 0002
Revises: 0001
Create Date: 2025-01-20 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("CREATE TYPE agreement_status AS ENUM ('draft', 'sent', 'signed', 'ended')")
    op.execute(
        """
        COMMENT ON TYPE agreement_status IS
            'Where an agreement stands: draft = being written; sent = with the investor; '
            'signed = in force; ended = no longer in force, kept for the records'
        """
    )
    create_agreements()
    create_agreement_versions()
    refuse_changes()


def create_agreements() -> None:
    op.create_table(
        "agreements",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column("investor_id", sa.BigInteger(), nullable=False, comment="Whose agreement it is"),
        sa.Column("title", sa.String(50), nullable=False, comment="Title shown to the investor"),
        sa.Column(
            "status",
            postgresql.ENUM(name="agreement_status", create_type=False),
            server_default=sa.text("'draft'"),
            nullable=False,
            comment="Where the agreement stands",
        ),
        sa.Column(
            "status_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the status last changed",
        ),
        sa.Column(
            "signed_at",
            sa.DateTime(timezone=True),
            comment="When the investor signed; null until then",
        ),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            comment="When it was put away; null while it is shown. Rows are never deleted",
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
            "status <> 'signed' OR signed_at IS NOT NULL",
            name=op.f("ck_agreements__signed_has_a_time"),
        ),
        sa.ForeignKeyConstraint(
            ["investor_id"],
            ["investors.id"],
            name=op.f("fk_agreements__investor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        comment="Agreements with investors; the text is in agreement_versions",
    )
    op.create_index(op.f("ix_agreements__investor_id"), "agreements", ["investor_id"])
    op.execute(
        """
        CREATE TRIGGER agreements_updated_at BEFORE UPDATE ON agreements
            FOR EACH ROW EXECUTE FUNCTION ledger_set_updated_at();
        CREATE TRIGGER agreements_status_changed_at BEFORE UPDATE ON agreements
            FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
            EXECUTE FUNCTION ledger_set_status_changed_at();
        COMMENT ON INDEX ix_agreements__investor_id IS 'Agreements of an investor';
        COMMENT ON CONSTRAINT ck_agreements__signed_has_a_time ON agreements IS
            'A signature without a time proves nothing';
        COMMENT ON TRIGGER agreements_updated_at ON agreements IS 'Keeps updated_at';
        COMMENT ON TRIGGER agreements_status_changed_at ON agreements IS 'Keeps status_changed_at';
        """
    )


def create_agreement_versions() -> None:
    op.create_table(
        "agreement_versions",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column(
            "agreement_id", sa.BigInteger(), nullable=False, comment="Agreement it is a text of"
        ),
        sa.Column(
            "version_number",
            sa.Integer(),
            nullable=False,
            comment="1 for the first text of an agreement, then counting up",
        ),
        sa.Column(
            "content_sha256",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the document, 32 bytes",
        ),
        sa.Column(
            "storage_key", sa.Text(), nullable=False, comment="Where the document itself is kept"
        ),
        sa.Column("created_by", sa.Text(), nullable=False, comment="Who wrote this version"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was written",
        ),
        sa.CheckConstraint(
            "version_number > 0", name=op.f("ck_agreement_versions__number_is_positive")
        ),
        sa.CheckConstraint(
            "octet_length(content_sha256) = 32",
            name=op.f("ck_agreement_versions__sha256_has_32_bytes"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreements.id"],
            name=op.f("fk_agreement_versions__agreement_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_versions")),
        # Also the index of the foreign key: agreement_id stands first.
        sa.UniqueConstraint(
            "agreement_id",
            "version_number",
            name=op.f("uq_agreement_versions__agreement_id_version_number"),
        ),
        comment="The texts of an agreement; written once, never changed",
    )
    op.execute(
        """
        COMMENT ON CONSTRAINT ck_agreement_versions__number_is_positive ON agreement_versions IS
            'Versions are counted from 1';
        COMMENT ON CONSTRAINT ck_agreement_versions__sha256_has_32_bytes ON agreement_versions IS
            'A cut or hex-encoded digest is refused';
        COMMENT ON CONSTRAINT uq_agreement_versions__agreement_id_version_number
            ON agreement_versions IS
            'A number names one text';
        """
    )


def refuse_changes() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger_refuse_change() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% of "%" refused: its rows are written once', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation',
                      HINT = 'write a new row instead';
        END
        $$;
        COMMENT ON FUNCTION ledger_refuse_change() IS
            'Trigger: refuses to change or delete what may only be added to';
        CREATE TRIGGER agreement_versions_are_final BEFORE UPDATE OR DELETE ON agreement_versions
            FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
        COMMENT ON TRIGGER agreement_versions_are_final ON agreement_versions IS
            'Refuses to change or delete a version';
        CREATE TRIGGER agreement_versions_are_kept BEFORE TRUNCATE ON agreement_versions
            FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
        COMMENT ON TRIGGER agreement_versions_are_kept ON agreement_versions IS
            'Refuses to empty the table, which row triggers would not see';
        """
    )


def downgrade() -> None:
    op.drop_table("agreement_versions")
    op.drop_table("agreements")
    op.execute("DROP FUNCTION ledger_refuse_change()")
    op.execute("DROP TYPE agreement_status")
