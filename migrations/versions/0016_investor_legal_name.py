"""Rename investors.full_name to legal_name without renaming it.

Why: RENAME COLUMN takes a moment and breaks every program that still says full_name, among them
the release that is running while this is deployed. So the new name is a new column, a trigger
keeps both in step whichever of them a program writes, and the old one stays, marked as
deprecated.

All steps of 0008 to 0011 in one revision: each autocommit block ends the transaction before it,
so the CHECK is added, validated and used in three transactions. That is shorter to read. A
failure in the middle leaves the first half done, which four revisions would not.

Revision ID: 0016
Revises: 0015
Create Date: 2025-05-05 09:00:00+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    add_column_in_step()
    with op.get_context().autocommit_block():
        backfill()
    op.create_check_constraint(
        op.f("ck_investors__legal_name_is_there"),
        "investors",
        "legal_name IS NOT NULL",
        postgresql_not_valid=True,
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE investors VALIDATE CONSTRAINT ck_investors__legal_name_is_there")
    op.alter_column("investors", "legal_name", existing_type=sa.Text(), nullable=False)
    op.drop_constraint(op.f("ck_investors__legal_name_is_there"), "investors", type_="check")


def add_column_in_step() -> None:
    op.add_column(
        "investors",
        sa.Column("legal_name", sa.Text(), comment="Name as in the register or the passport"),
    )
    op.alter_column(
        "investors",
        "full_name",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="Deprecated, always equal to legal_name, which is to be used instead",
        existing_comment="Name as the investor gave it",
    )
    op.execute(
        """
        CREATE FUNCTION ledger_keep_names_in_step() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                NEW.legal_name := coalesce(NEW.legal_name, NEW.full_name);
                NEW.full_name := NEW.legal_name;
            ELSIF NEW.legal_name IS DISTINCT FROM OLD.legal_name THEN
                NEW.full_name := NEW.legal_name;
            ELSE
                NEW.legal_name := NEW.full_name;
            END IF;
            RETURN NEW;
        END
        $$
        """
    )
    op.execute(
        """
        COMMENT ON FUNCTION ledger_keep_names_in_step() IS
            'Trigger: keeps full_name and legal_name equal while programs write either'
        """
    )
    op.execute(
        """
        CREATE TRIGGER investors_names BEFORE INSERT OR UPDATE ON investors
            FOR EACH ROW EXECUTE FUNCTION ledger_keep_names_in_step()
        """
    )
    op.execute(
        """
        COMMENT ON TRIGGER investors_names ON investors IS
            'Keeps full_name and legal_name equal'
        """
    )


def backfill() -> None:
    # Any UPDATE would do: the trigger fills the new column from the old one.
    op.execute(
        """
        DO $$
        DECLARE
            done_to bigint := 0;
            batch_to bigint;
        BEGIN
            LOOP
                SELECT max(id) INTO batch_to FROM (
                    SELECT id FROM investors WHERE id > done_to ORDER BY id LIMIT 1000
                ) AS batch;
                EXIT WHEN batch_to IS NULL;
                PERFORM set_config('ledger.actor', 'revision 0016', true);
                UPDATE investors SET legal_name = full_name
                WHERE id > done_to AND id <= batch_to AND legal_name IS NULL;
                COMMIT;
                done_to := batch_to;
            END LOOP;
        END
        $$
        """
    )


def downgrade() -> None:
    # safemigrate: accept[keeps-rows] only updated_at moves, and the rows were indeed updated
    op.execute("DROP TRIGGER investors_names ON investors")
    op.execute("DROP FUNCTION ledger_keep_names_in_step()")
    op.alter_column(
        "investors",
        "full_name",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="Name as the investor gave it",
        existing_comment="Deprecated, always equal to legal_name, which is to be used instead",
    )
    op.drop_column("investors", "legal_name")
