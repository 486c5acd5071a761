"""A policy that does nothing."""

from collections.abc import Iterator

from safemigrate.model import CreatePolicy, Finding, Severity
from safemigrate.recipes import enable_for_policy
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, find_at_end, rule

__all__ = ["policy_without_row_security"]


@rule(family=Family.SECURITY, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def policy_without_row_security(context: Context) -> Iterator[Finding]:
    """A policy on a table without row security does nothing: everybody sees all rows.

    ## What it does

    Finds `CREATE POLICY` on a table whose row security the history never enables. A table that
    the history does not create is left out: it may have been enabled before.

    ## Why is this unsafe?

    CREATE POLICY alone is in force nowhere. Whoever reads the migration takes the rows for
    guarded, and no statement fails.

    ## Example

    ```sql
    CREATE POLICY recipe_own ON recipe USING (cook = current_user);
    ```

    ## Use instead

    Enable row security in the same transaction.

    ```sql
    BEGIN;
    SET LOCAL lock_timeout = '2s';
    CREATE POLICY recipe_own ON recipe USING (cook = current_user);
    ALTER TABLE recipe ENABLE ROW LEVEL SECURITY;
    COMMIT;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("CREATE POLICY recipe_own ON recipe USING (cook = current_user)")
    op.execute("ALTER TABLE recipe ENABLE ROW LEVEL SECURITY")
    ```

    ## When it is safe

    Where somebody enables row security by hand, or a later migration does, which is seen. Where
    the table's owner is to be bound as well, `FORCE ROW LEVEL SECURITY` is needed too.

    ## References

    - PostgreSQL manual, "Row Security Policies"
    """
    for event, action in context.events(CreatePolicy):
        if action.is_altered or event.before.table(action.table) is None:
            continue
        end = find_at_end(context, event, action.table)
        if end is None or end.is_older or end.has_row_security or action.name not in end.policies:
            continue
        yield context.finding(
            event,
            f'policy "{action.name}" does nothing: "{event.before.resolve(action.table)}" has no '
            "row security",
            why="everybody who may read the table sees all of its rows",
            remedy=enable_for_policy(action, event.statement.sql),
        )
