"""Prepared statements that a new type makes fail."""

from collections.abc import Iterator

from safemigrate.model import AlterColumnType, Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, rule

__all__ = ["changed_result_type"]


@rule(family=Family.BREAKAGE, severity=Severity.INFO, since="0.1.0", is_default=False)
def changed_result_type(context: Context) -> Iterator[Finding]:
    """Statements prepared before a change of type fail until they are prepared again.

    ## What it does

    Finds changes of a column's type that rewrite nothing, on a table that was there before the
    migration. The ones that rewrite have findings of their own.
    The rule is off unless it is selected: it concerns only applications that keep prepared
    statements, and not those whose driver prepares again by itself.

    ## Why is this unsafe?

    A prepared statement that returns the column fails in every session that has it, each time it
    is executed, with "cached plan must not change result type", SQLSTATE 0A000; its transaction is
    lost with it. A longer limit is a new type as well: `varchar(100)` in place of `varchar(50)`.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN name TYPE varchar(100);
    ```

    ## Use instead

    Give new text columns no limit in the type, so that it need not change; limit them by a CHECK.
    Where the type must change, let the sessions go afterwards, by a restart of the application or
    of its pool.

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_name_length CHECK (length(name) <= 100) NOT VALID;
    ```

    ```python
    op.create_check_constraint(
        "recipe_name_length", "recipe", "length(name) <= 100", postgresql_not_valid=True
    )
    ```

    ## When it is safe

    Where the application prepares no statements, or prepares them again, and on a column or table
    that the same migration creates.

    ## References

    - PostgreSQL manual, "PREPARE", Notes
    - PostgreSQL manual, "PL/pgSQL under the Hood", Plan Caching
    """
    for event, action in context.events(AlterColumnType):
        if context.is_new(event, action.table) or event.facts.rewrites:
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        column = event.before.column(action.table, action.column)
        if column is not None and column.type == action.type:
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'statements that return "{action.column}" of "{table}" fail until prepared again',
            why='the server answers them with "cached plan must not change result type", in every '
            "session that has prepared them before",
            remedy=Remedy(
                "let the application prepare again on SQLSTATE 0A000, or restart it right after"
            ),
        )
