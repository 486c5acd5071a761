"""Row security that hides every row."""

from collections.abc import Iterator

from safemigrate.model import (
    Confidence,
    CreatePolicy,
    DropPolicy,
    Event,
    Finding,
    RowSecurity,
    SetRowSecurity,
    Severity,
)
from safemigrate.recipes import enable_with_policy, replace_policy
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, find_after, find_at_end, rule

__all__ = ["row_security_without_policy"]


@rule(family=Family.SECURITY, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def row_security_without_policy(context: Context) -> Iterator[Finding]:
    """With row security and no policy, nobody but the owner sees or writes a row.

    ## What it does

    Finds `ENABLE ROW LEVEL SECURITY` in an upgrade on a table that has no policy when the
    migration ends, and `DROP POLICY` of the last one of a table with row security.
    A table that the same migration creates may get its policies in a later one.

    ## Why is this unsafe?

    Without a policy all is denied: from the moment of the commit SELECT, UPDATE and DELETE find no
    row, and INSERT fails, for every role that does not own the table, is no superuser, and has not
    BYPASSRLS. No statement says why.

    ## Example

    ```sql
    ALTER TABLE recipe ENABLE ROW LEVEL SECURITY;
    ```

    ## Use instead

    Create the policies in the same transaction.

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

    Where nobody but the owner is to see the table. For a table that the history does not create
    the finding has low confidence: it may have policies.

    ## References

    - PostgreSQL manual, "Row Security Policies"
    """
    for event, action in context.events(SetRowSecurity, DropPolicy):
        is_enabled = isinstance(action, SetRowSecurity) and action.change is RowSecurity.ENABLE
        if not is_enabled and not _drops_last(event, action):
            continue
        if not _ends_without_policy(context, event, action):
            continue
        table = event.before.table(action.table)
        name = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'dropping policy "{action.name}", the last one of "{name}", hides all its rows'
            if isinstance(action, DropPolicy)
            else f'row security of "{name}" without a policy hides all its rows',
            why=(
                "from the commit on, nobody but the owner sees or writes a row, and no statement "
                "says why"
            ),
            remedy=replace_policy(action)
            if isinstance(action, DropPolicy)
            else enable_with_policy(action, "open-policy"),
            confidence=Confidence.LOW if table is None or table.is_older else None,
        )


def _drops_last(event: Event, action: SetRowSecurity | DropPolicy) -> bool:
    table = event.before.table(action.table)
    return isinstance(action, DropPolicy) and table is not None and table.policies == {action.name}


def _ends_without_policy(
    context: Context, event: Event, action: SetRowSecurity | DropPolicy
) -> bool:
    """Return whether the migration leaves the table with row security and no policy."""
    if event.before.table(action.table) is None:
        wanted = event.before.resolve(action.table)
        made = (other.before.resolve(new.table) for other, new in context.events(CreatePolicy))
        return wanted not in made
    after = find_after(context, event, action.table)
    if after is None or after.policies or not after.has_row_security:
        return False
    end = find_at_end(context, event, action.table)
    return not (context.is_new(event, action.table) and end is not None and end.policies)
