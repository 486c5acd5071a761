"""A value date for transactions, 2 of 4: the old rows.

Why batches: one UPDATE of the whole table would hold the locks of all its rows until it ends, and
leave as many dead rows behind as there are live ones. A thousand at a time, each in a transaction
of its own, an application's UPDATE waits for milliseconds. COMMIT inside DO needs the autocommit
block. Run again after a failure it passes over the rows that are done.

Why the CHECK comes after and not before: NOT VALID spares the old rows only until somebody
updates them. With the CHECK in place first, settling an old transaction would fail until its
batch has come.

The change is audited like any other, under the name of this revision.

Revision ID: 0009
Revises: 0008
Create Date: 2025-03-11 09:00:00+00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(
            """
            DO $$
            DECLARE
                done_to bigint := 0;
                batch_to bigint;
            BEGIN
                LOOP
                    SELECT max(id) INTO batch_to FROM (
                        SELECT id FROM transactions WHERE id > done_to ORDER BY id LIMIT 1000
                    ) AS batch;
                    EXIT WHEN batch_to IS NULL;
                    PERFORM set_config('ledger.actor', 'revision 0009', true);
                    UPDATE transactions SET value_date = (occurred_at AT TIME ZONE 'UTC')::date
                    WHERE id > done_to AND id <= batch_to AND value_date IS NULL;
                    COMMIT;
                    done_to := batch_to;
                END LOOP;
            END
            $$
            """
        )
    op.create_check_constraint(
        op.f("ck_transactions__value_date_is_there"),
        "transactions",
        "value_date IS NOT NULL",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    # The dates stay: they are right, and the column goes with the next downgrade.
    # safemigrate: accept[keeps-rows] only updated_at moves, and the rows were indeed updated
    op.drop_constraint(op.f("ck_transactions__value_date_is_there"), "transactions", type_="check")
