"""A function with its owner's rights that looks up names in its caller's way."""

from collections.abc import Iterator

from safemigrate.model import CreateFunction, Finding, Remedy, Severity
from safemigrate.recipes import set_search_path
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["security_definer_without_search_path"]


@rule(family=Family.SECURITY, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def security_definer_without_search_path(context: Context) -> Iterator[Finding]:
    """Without a search_path of its own, a SECURITY DEFINER function can be made to run other code.

    ## What it does

    Finds `CREATE FUNCTION` and `CREATE PROCEDURE` with `SECURITY DEFINER` and without
    `SET search_path`.

    ## Why is this unsafe?

    The function runs with the rights of its owner, and finds tables, functions and operators by the
    `search_path` of its caller. Whoever can create a temporary table, or anything in a schema, puts
    another one in the place of what the body means, and that code runs as the owner.

    ## Example

    ```sql
    CREATE FUNCTION check_password(word text) RETURNS boolean LANGUAGE sql SECURITY DEFINER
      AS 'SELECT true';
    ```

    ## Use instead

    Set the path for the function, with `pg_temp` at the end: where it is not named, it comes first.

    ```sql
    CREATE FUNCTION check_password(word text) RETURNS boolean LANGUAGE sql SECURITY DEFINER
      SET search_path = public, pg_temp
      AS 'SELECT true';
    ```

    ```python
    op.execute(
        "CREATE FUNCTION check_password(word text) RETURNS boolean LANGUAGE sql SECURITY DEFINER "
        "SET search_path = public, pg_temp AS 'SELECT true'"
    )
    ```

    ## When it is safe

    Where every name in the body has its schema, operators included. `ALTER FUNCTION … SET
    search_path` in a later statement is not seen.

    ## References

    - PostgreSQL manual, "CREATE FUNCTION", Writing SECURITY DEFINER Functions Safely
    """
    for event, action in context.events(CreateFunction):
        has_path = any(setting.name == "search_path" for setting in action.settings)
        if not action.is_definer or has_path:
            continue
        sql = event.statement.sql
        advice = "let the function set its search_path, with pg_temp at the end"
        yield context.finding(
            event,
            f'"{event.before.resolve_new(action.name)}" runs with its owner\'s rights and looks up '
            "names as its caller says",
            why=(
                "whoever can create a temporary table puts it in the place of what the body means, "
                "and what it brings runs as the owner"
            ),
            remedy=Remedy(advice) if event.is_in_body else set_search_path(sql, event.before),
        )
