"""Rows that everybody sees again."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, RowSecurity, SetRowSecurity, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, number_transaction, rule

__all__ = ["disabled_row_security"]

_OPPOSITES = {
    RowSecurity.DISABLE: RowSecurity.ENABLE,
    RowSecurity.NO_FORCE: RowSecurity.FORCE,
}


@rule(family=Family.SECURITY, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def disabled_row_security(context: Context) -> Iterator[Finding]:
    """Without row security, everybody who may read the table reads the rows of all others.

    ## What it does

    Finds `DISABLE ROW LEVEL SECURITY` and `NO FORCE ROW LEVEL SECURITY` in an upgrade, on a table
    that was there before the migration, unless the same transaction turns it on again.

    ## Why is this unsafe?

    The policies stay and do nothing. Every role with SELECT sees the rows of all tenants from the
    moment of the commit, and no statement fails. NO FORCE does so for the table's owner, which is
    often the role that the application runs as.

    ## Example

    ```sql
    ALTER TABLE recipe DISABLE ROW LEVEL SECURITY;
    ```

    ## Use instead

    To let one role see all rows, give it a policy, or BYPASSRLS. For a change of the rows, turn
    row security off and on in one transaction: ALTER TABLE keeps everybody else out until its end.

    ```sql
    CREATE POLICY recipe_audit ON recipe FOR SELECT TO auditor USING (true);
    ```

    ```python
    op.execute("CREATE POLICY recipe_audit ON recipe FOR SELECT TO auditor USING (true)")
    ```

    ## When it is safe

    Where everybody who may read the table may see all of its rows. On a table that the same
    migration creates, and where the history shows that it was off, nothing is found.

    ## References

    - PostgreSQL manual, "Row Security Policies"
    - PostgreSQL manual, "ALTER TABLE", DISABLE ROW LEVEL SECURITY
    """
    events = list(context.events(SetRowSecurity))
    for number, (event, action) in enumerate(events):
        opposite = _OPPOSITES.get(action.change)
        if opposite is None or context.is_new(event, action.table) or _was_off(event, action):
            continue
        name = event.before.resolve(action.table)
        if any(
            later.change is opposite
            and other.before.resolve(later.table) == name
            and event.statement.transaction is not None
            and number_transaction(other) == number_transaction(event)
            for other, later in events[number + 1 :]
        ):
            continue
        is_all = action.change is RowSecurity.DISABLE
        who = "every role that may read it" if is_all else "its owner"
        yield context.finding(
            event,
            f'without row security, {who} sees all rows of "{name}"',
            why="its policies stay, and do not bind them from the moment of the commit",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="give the role that is to see all rows a policy of its own",
                reason="nothing in it is secret since release <version>",
                when="where everybody who may read the table may see all of its rows",
            ),
        )


def _was_off(event: Event, action: SetRowSecurity) -> bool:
    """Return whether there was no row security to be disabled."""
    table = event.before.table(action.table)
    return table is not None and not table.is_older and not table.has_row_security
