"""A policy that lets everybody do everything."""

from collections.abc import Iterator

from safemigrate.model import Confidence, CreatePolicy, Event, Expression, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, find_after, rule

__all__ = ["open_policy"]


@rule(family=Family.SECURITY, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def open_policy(context: Context) -> Iterator[Finding]:
    """A policy that is true for every role opens the table, whatever its other policies say.

    ## What it does

    Finds permissive policies for every role whose `USING` or `WITH CHECK` is `true`.

    ## Why is this unsafe?

    Permissive policies are joined by OR: one that is true for a command makes all others for that
    command void. `USING (true)` shows every row, and lets every row be updated or deleted where
    the policy is not for SELECT alone; `WITH CHECK (true)` takes any new row, also one in another
    tenant's name.

    ## Example

    ```sql
    CREATE POLICY recipe_all ON recipe USING (true);
    ```

    ## Use instead

    Say who sees which rows, or for which role all rows are.

    ```sql
    CREATE POLICY recipe_own ON recipe USING (cook = current_user);
    CREATE POLICY recipe_audit ON recipe FOR SELECT TO auditor USING (true);
    ```

    ```python
    op.execute("CREATE POLICY recipe_own ON recipe USING (cook = current_user)")
    op.execute("CREATE POLICY recipe_audit ON recipe FOR SELECT TO auditor USING (true)")
    ```

    ## When it is safe

    Where all rows are for everybody, as in a list of countries, and as the base that restrictive
    policies narrow. A policy that the migration drops again is not found.

    ## References

    - PostgreSQL manual, "CREATE POLICY"
    """
    for event, action in context.events(CreatePolicy):
        # ALTER POLICY without TO leaves the roles as they are.
        is_for_all = "public" in action.roles or not action.roles
        if not action.is_permissive or not is_for_all or _is_dropped(context, event, action):
            continue
        opened = [
            words
            for words, expression in (("USING", action.using), ("WITH CHECK", action.check))
            if _is_true(expression)
        ]
        if not opened:
            continue
        command = "" if action.command == "ALL" else f" {action.command}"
        yield context.finding(
            event,
            f'policy "{action.name}" opens "{event.before.resolve(action.table)}" to every role'
            + (f" for{command}" if command else ""),
            why=(
                f"its {opened[0]} is true, and permissive policies are joined by OR: all others "
                "for the same command are void"
            ),
            remedy=Remedy("say who sees which rows, or name the role that all rows are for"),
            confidence=Confidence.MEDIUM if action.is_altered and not action.roles else None,
        )


def _is_true(expression: Expression | None) -> bool:
    return expression is not None and expression.sql.lower() == "true"


def _is_dropped(context: Context, event: Event, action: CreatePolicy) -> bool:
    if event.before.table(action.table) is None:
        return False
    after = find_after(context, event, action.table)
    return after is None or action.name not in after.policies
