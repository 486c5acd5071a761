"""A new column whose value has to be computed for every row."""

from collections.abc import Iterator

from safemigrate.facts import Volatility, is_restricted, volatility_of_default
from safemigrate.model import ColumnDefinition, Finding, Generated, Severity
from safemigrate.recipes import add_column_in_steps
from safemigrate.rulekit import Context, Family, new_columns, rule

__all__ = ["volatile_default_rewrite"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def volatile_default_rewrite(context: Context) -> Iterator[Finding]:
    """A new column with a value of its own in every row rewrites the table with everybody shut out.

    ## What it does

    Finds `ADD COLUMN` with a volatile default, a serial type, an identity or a `STORED` generated
    value, on a table that was there before the migration.
    Of a domain with a condition, constrained-domain-rewrite speaks.

    ## Why is this unsafe?

    A default that is the same for all rows is stored once.
    A volatile one (`gen_random_uuid()`, `clock_timestamp()`, `nextval(…)`) is not, so the server
    writes the table and all its indexes anew and holds ACCESS EXCLUSIVE until it is done.
    Every read and write waits, and the table needs its space twice.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN token uuid DEFAULT gen_random_uuid();
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN token uuid;
    ALTER TABLE recipe ALTER COLUMN token SET DEFAULT gen_random_uuid();
    -- then, outside a transaction, fill the old rows in batches that commit one by one
    ```

    ```python
    op.add_column("recipe", sa.Column("token", sa.Uuid()))
    op.alter_column("recipe", "token", server_default=sa.text("gen_random_uuid()"))
    ```

    ## When it is safe

    With a constant or a stable function such as `now()`, which is computed once.
    With `GENERATED … VIRTUAL` (PostgreSQL 18).
    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", Notes
    - PostgreSQL manual, "Function Volatility Categories"
    """
    for event, action in new_columns(context):
        column = action.column
        volatility = volatility_of_default(column, event.before, context.passage.version)
        if volatility is Volatility.STABLE or is_restricted(column, event.before):
            continue
        table = event.before.resolve(action.table)
        may = "may rewrite" if volatility is Volatility.UNKNOWN else "rewrites"
        yield context.finding(
            event,
            f'adding column "{column.name}" {may} all of "{table}" with everybody shut out',
            why=(
                f"{_cause(column, volatility)}, so ADD COLUMN holds ACCESS EXCLUSIVE on {table} "
                "while every row and index entry is written anew: all reads and writes wait"
            ),
            remedy=add_column_in_steps(action, event.before),
        )


def _cause(column: ColumnDefinition, volatility: Volatility) -> str:
    """Return why each row needs a value of its own."""
    if column.is_identity or column.is_serial:
        return "every row gets a number of its own"
    if column.generated is Generated.STORED:
        return "the generated value is stored in every row"
    default = "" if column.default is None else column.default.sql
    if volatility is Volatility.UNKNOWN:
        return f"it is not known whether {default} is volatile"
    return f"{default} is volatile"
