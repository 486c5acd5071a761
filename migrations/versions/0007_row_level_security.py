"""Row-level security: an investor sees their own rows, staff see all, others nothing.

Why: one forgotten WHERE in the application must not show an investor somebody else's money. The
database knows who asks from two settings that the application makes with SET LOCAL, so that they
end with the transaction, also behind a connection pool:

    ledger.investor_id   the investor who is logged in
    ledger.is_staff      on for staff

Without either, no row is seen. Policies call the functions inside a sub-select: the planner then
runs them once for a statement and not once for every row.

Security is enabled and not forced. The owner of the tables runs migrations, and a backfill that
skips the rows it may not see would be worse than none. The application must therefore log in as
another role, never as the owner and never as a superuser.

Roles belong to the cluster, not to the database, so no policy here names one.

Revision ID: 0007
Revises: 0006
Create Date: 2025-02-24 09:00:00+00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    create_functions()
    create_staff_policies()
    create_investor_policies()
    comment_on_policies()
    enable()


def create_functions() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger_investor_id() RETURNS bigint
        LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT nullif(current_setting('ledger.investor_id', true), '')::bigint
        $$;
        COMMENT ON FUNCTION ledger_investor_id() IS
            'The investor who asks: the setting ledger.investor_id, or null';
        CREATE FUNCTION ledger_is_staff() RETURNS boolean
        LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT coalesce(nullif(current_setting('ledger.is_staff', true), '')::boolean, false)
        $$;
        COMMENT ON FUNCTION ledger_is_staff() IS
            'Whether staff ask: the setting ledger.is_staff, or false';
        """
    )


def create_staff_policies() -> None:
    op.execute(
        """
        CREATE POLICY investors_staff ON investors
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY referrals_staff ON referrals
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY agreements_staff ON agreements
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY agreement_versions_staff ON agreement_versions
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY transactions_staff ON transactions
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY transaction_status_changes_staff ON transaction_status_changes
            FOR SELECT USING ((SELECT ledger_is_staff()));
        CREATE POLICY charges_staff ON charges
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY credits_staff ON credits
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY credit_applications_staff ON credit_applications
            USING ((SELECT ledger_is_staff())) WITH CHECK ((SELECT ledger_is_staff()));
        CREATE POLICY audit_log_staff ON audit_log
            FOR SELECT USING ((SELECT ledger_is_staff()));
        """
    )


def create_investor_policies() -> None:
    # A sub-select on another table is itself under that table's policies, so it can only narrow.
    op.execute(
        """
        CREATE POLICY investors_own ON investors
            FOR SELECT USING (id = (SELECT ledger_investor_id()));
        CREATE POLICY referrals_own ON referrals
            FOR SELECT USING (referrer_id = (SELECT ledger_investor_id()));
        CREATE POLICY agreements_own ON agreements
            FOR SELECT USING (
                investor_id = (SELECT ledger_investor_id()) AND deleted_at IS NULL
            );
        CREATE POLICY agreement_versions_own ON agreement_versions
            FOR SELECT USING (agreement_id IN (SELECT id FROM agreements));
        CREATE POLICY transactions_own ON transactions
            FOR SELECT USING (investor_id = (SELECT ledger_investor_id()));
        CREATE POLICY transaction_status_changes_own ON transaction_status_changes
            FOR SELECT USING (transaction_id IN (SELECT id FROM transactions));
        CREATE POLICY charges_own ON charges
            FOR SELECT USING (investor_id = (SELECT ledger_investor_id()));
        CREATE POLICY credits_own ON credits
            FOR SELECT USING (investor_id = (SELECT ledger_investor_id()));
        CREATE POLICY credit_applications_own ON credit_applications
            FOR SELECT USING (credit_id IN (SELECT id FROM credits));
        """
    )


def comment_on_policies() -> None:
    op.execute(
        """
        COMMENT ON POLICY investors_staff ON investors IS 'Staff see and write all';
        COMMENT ON POLICY referrals_staff ON referrals IS 'Staff see and write all';
        COMMENT ON POLICY agreements_staff ON agreements IS 'Staff see and write all';
        COMMENT ON POLICY agreement_versions_staff ON agreement_versions IS
            'Staff see and write all; a trigger keeps what is written';
        COMMENT ON POLICY transactions_staff ON transactions IS 'Staff see and write all';
        COMMENT ON POLICY transaction_status_changes_staff ON transaction_status_changes IS
            'Staff see all; only the trigger writes';
        COMMENT ON POLICY charges_staff ON charges IS 'Staff see and write all';
        COMMENT ON POLICY credits_staff ON credits IS 'Staff see and write all';
        COMMENT ON POLICY credit_applications_staff ON credit_applications IS
            'Staff see and write all';
        COMMENT ON POLICY audit_log_staff ON audit_log IS 'Staff see all; only the trigger writes';
        COMMENT ON POLICY investors_own ON investors IS 'Investors see themselves';
        COMMENT ON POLICY referrals_own ON referrals IS 'Investors see whom they recommended us to';
        COMMENT ON POLICY agreements_own ON agreements IS
            'Investors see their own agreements, but for those put away';
        COMMENT ON POLICY agreement_versions_own ON agreement_versions IS
            'Investors see the texts of the agreements they see';
        COMMENT ON POLICY transactions_own ON transactions IS 'Investors see their own';
        COMMENT ON POLICY transaction_status_changes_own ON transaction_status_changes IS
            'Investors see the way of the transactions they see';
        COMMENT ON POLICY charges_own ON charges IS 'Investors see their own';
        COMMENT ON POLICY credits_own ON credits IS 'Investors see their own';
        COMMENT ON POLICY credit_applications_own ON credit_applications IS
            'Investors see what the credits they see were used for';
        """
    )


def enable() -> None:
    op.execute("ALTER TABLE investors ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE referrals ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE agreements ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE agreement_versions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE transactions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE transaction_status_changes ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE charges ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE credits ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE credit_applications ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    disable()
    op.execute(
        """
        DROP POLICY credit_applications_own ON credit_applications;
        DROP POLICY credits_own ON credits;
        DROP POLICY charges_own ON charges;
        DROP POLICY transaction_status_changes_own ON transaction_status_changes;
        DROP POLICY transactions_own ON transactions;
        DROP POLICY agreement_versions_own ON agreement_versions;
        DROP POLICY agreements_own ON agreements;
        DROP POLICY referrals_own ON referrals;
        DROP POLICY investors_own ON investors;
        DROP POLICY audit_log_staff ON audit_log;
        DROP POLICY credit_applications_staff ON credit_applications;
        DROP POLICY credits_staff ON credits;
        DROP POLICY charges_staff ON charges;
        DROP POLICY transaction_status_changes_staff ON transaction_status_changes;
        DROP POLICY transactions_staff ON transactions;
        DROP POLICY agreement_versions_staff ON agreement_versions;
        DROP POLICY agreements_staff ON agreements;
        DROP POLICY referrals_staff ON referrals;
        DROP POLICY investors_staff ON investors;
        """
    )
    op.execute("DROP FUNCTION ledger_is_staff()")
    op.execute("DROP FUNCTION ledger_investor_id()")


def disable() -> None:
    op.execute("ALTER TABLE audit_log DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE credit_applications DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE credits DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE charges DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE transaction_status_changes DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE transactions DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE agreement_versions DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE agreements DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE referrals DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE investors DISABLE ROW LEVEL SECURITY")
