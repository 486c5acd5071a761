"""Money in the type of that name."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["money_type"]


@rule(family=Family.TYPES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def money_type(context: Context) -> Iterator[Finding]:
    """The type money means another currency and another scale on every server.

    ## What it does

    Finds columns of type `money`, and arrays of it, in new tables, new columns and changes of type.

    ## Why is this unsafe?

    A `money` value is a bare count of cents: the server's lc_monetary says which currency to print
    and how many digits stand behind the point.
    Another setting, on the next server or in one session, shows 1,234.56 dollars as as many yen;
    a dump restored there cannot be trusted. Division drops the fraction of a cent.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN price money;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN price numeric(19, 4);
    ```

    ```python
    op.add_column("recipe", sa.Column("price", sa.Numeric(19, 4)))
    ```

    ## When it is safe

    When one currency and one locale are certain for ever.

    ## References

    - PostgreSQL manual, "Monetary Types"
    - PostgreSQL wiki, "Don't Do This", Don't use money
    """
    for new in new_types(context):
        if new.type.name == "money" and new.type.schema is None:
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is of type money',
                why="lc_monetary decides the currency and the scale: another server shows others",
                remedy=use_type(
                    new.column,
                    "numeric(19, 4)",
                    "sa.Numeric(19, 4)",
                    dimensions=new.type.dimensions,
                ),
                offset=new.offset,
            )
