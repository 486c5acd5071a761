"""Leave updates that change nothing out of the audit log.

Why: an application that saves what it has just read writes a row in which only updated_at is new.
Nine of ten entries said just that. CREATE OR REPLACE FUNCTION locks no table; the next statement
that fires the trigger runs the new text.

Revision ID: 0020
Revises: 0019
Create Date: 2025-09-01 09:00:00+00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0020"
down_revision: str | Sequence[str] | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        """
        CREATE OR REPLACE FUNCTION ledger_write_audit() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
            old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
            new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
        BEGIN
            IF TG_OP = 'UPDATE' AND old_row - 'updated_at' = new_row - 'updated_at' THEN
                RETURN NULL;
            END IF;
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


def downgrade() -> None:
    # Letter by letter the function of 0006.
    op.execute(
        """
        CREATE OR REPLACE FUNCTION ledger_write_audit() RETURNS trigger
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
