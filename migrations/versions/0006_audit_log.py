"""An audit log that triggers fill.

Why: auditors ask who changed what, and when, and what it was before. A trigger sees every program
and every psql session; code in the application sees only itself. Before and after are JSONB, so
that the log needs no change when a table gets a column.

The actor is the setting ledger.actor, which the application sets at the start of a transaction
(SET LOCAL), else the role that logged in. Rows are only ever added: the trigger function of 0002
refuses the rest.

Each CREATE TRIGGER takes SHARE ROW EXCLUSIVE on its table for a moment: readers go on, writers
wait.

Revision ID: 0006
Revises: 0005
Create Date: 2025-02-17 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("CREATE TYPE audit_action AS ENUM ('insert', 'update', 'delete')")
    op.execute(
        """
        COMMENT ON TYPE audit_action IS
            'What was done to a row: insert = written; update = changed; delete = removed'
        """
    )
    create_audit_log()
    create_function()
    create_triggers()


def create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            comment="Number given by the database",
        ),
        sa.Column("entity_table", sa.Text(), nullable=False, comment="Table of the row"),
        sa.Column("entity_id", sa.BigInteger(), nullable=False, comment="The row's id"),
        sa.Column(
            "action",
            postgresql.ENUM(name="audit_action", create_type=False),
            nullable=False,
            comment="What was done to it",
        ),
        sa.Column("actor", sa.Text(), nullable=False, comment="Who did it"),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the transaction that did it began",
        ),
        sa.Column("before", postgresql.JSONB(), comment="The row before; null for an insert"),
        sa.Column("after", postgresql.JSONB(), comment="The row after; null for a delete"),
        sa.CheckConstraint(
            "(before IS NULL) = (action = 'insert') AND (after IS NULL) = (action = 'delete')",
            name=op.f("ck_audit_log__before_and_after"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        comment="Every change of every row of the ledger; written by triggers",
    )
    op.create_index(
        op.f("ix_audit_log__entity_table_entity_id"), "audit_log", ["entity_table", "entity_id"]
    )
    op.execute(
        """
        COMMENT ON INDEX ix_audit_log__entity_table_entity_id IS 'The history of one row';
        COMMENT ON CONSTRAINT ck_audit_log__before_and_after ON audit_log IS
            'An insert has no before, a delete has no after';
        CREATE TRIGGER audit_log_is_final BEFORE UPDATE OR DELETE ON audit_log
            FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
        COMMENT ON TRIGGER audit_log_is_final ON audit_log IS
            'Refuses to change or delete an entry';
        CREATE TRIGGER audit_log_is_kept BEFORE TRUNCATE ON audit_log
            FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
        COMMENT ON TRIGGER audit_log_is_kept ON audit_log IS
            'Refuses to empty the table, which row triggers would not see';
        """
    )


def create_function() -> None:
    # SECURITY DEFINER: nobody but this function needs the right to write the log.
    op.execute(
        """
        CREATE FUNCTION ledger_write_audit() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
            old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
            new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
        BEGIN
            INSERT INTO audit_log (entity_table, entity_id, action, actor, before, after)
            VALUES (
                TG_TABLE_NAME,
                (coalesce(new_row, old_row) ->> 'id')::bigint,
                lower(TG_OP)::audit_action,
                coalesce(nullif(current_setting('ledger.actor', true), ''), session_user),
                old_row,
                new_row
            );
            RETURN NULL;
        END
        $$
        """
    )
    op.execute(
        """
        COMMENT ON FUNCTION ledger_write_audit() IS
            'Trigger: writes a change into audit_log; the actor is the setting ledger.actor'
        """
    )


def create_triggers() -> None:
    op.execute(
        """
        CREATE TRIGGER investor_sources_audit AFTER INSERT OR UPDATE OR DELETE ON investor_sources
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER investors_audit AFTER INSERT OR UPDATE OR DELETE ON investors
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER referrals_audit AFTER INSERT OR UPDATE OR DELETE ON referrals
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER agreements_audit AFTER INSERT OR UPDATE OR DELETE ON agreements
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER agreement_versions_audit AFTER INSERT ON agreement_versions
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER transactions_audit AFTER INSERT OR UPDATE OR DELETE ON transactions
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER vat_rates_audit AFTER INSERT OR UPDATE OR DELETE ON vat_rates
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER charges_audit AFTER INSERT OR UPDATE OR DELETE ON charges
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER credits_audit AFTER INSERT OR UPDATE OR DELETE ON credits
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        CREATE TRIGGER credit_applications_audit
            AFTER INSERT OR UPDATE OR DELETE ON credit_applications
            FOR EACH ROW EXECUTE FUNCTION ledger_write_audit();
        """
    )
    op.execute(
        """
        COMMENT ON TRIGGER investor_sources_audit ON investor_sources IS 'Fills audit_log';
        COMMENT ON TRIGGER investors_audit ON investors IS 'Fills audit_log';
        COMMENT ON TRIGGER referrals_audit ON referrals IS 'Fills audit_log';
        COMMENT ON TRIGGER agreements_audit ON agreements IS 'Fills audit_log';
        COMMENT ON TRIGGER agreement_versions_audit ON agreement_versions IS 'Fills audit_log';
        COMMENT ON TRIGGER transactions_audit ON transactions IS 'Fills audit_log';
        COMMENT ON TRIGGER vat_rates_audit ON vat_rates IS 'Fills audit_log';
        COMMENT ON TRIGGER charges_audit ON charges IS 'Fills audit_log';
        COMMENT ON TRIGGER credits_audit ON credits IS 'Fills audit_log';
        COMMENT ON TRIGGER credit_applications_audit ON credit_applications IS 'Fills audit_log';
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TRIGGER credit_applications_audit ON credit_applications;
        DROP TRIGGER credits_audit ON credits;
        DROP TRIGGER charges_audit ON charges;
        DROP TRIGGER vat_rates_audit ON vat_rates;
        DROP TRIGGER transactions_audit ON transactions;
        DROP TRIGGER agreement_versions_audit ON agreement_versions;
        DROP TRIGGER agreements_audit ON agreements;
        DROP TRIGGER referrals_audit ON referrals;
        DROP TRIGGER investors_audit ON investors;
        DROP TRIGGER investor_sources_audit ON investor_sources;
        """
    )
    op.execute("DROP FUNCTION ledger_write_audit()")
    op.drop_table("audit_log")
    op.execute("DROP TYPE audit_action")
