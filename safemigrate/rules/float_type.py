"""Numbers that are kept as binary fractions."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, names_money, new_types, rule

__all__ = ["float_type"]

_FLOATS = frozenset({"real", "double precision"})


@rule(
    family=Family.TYPES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def float_type(context: Context) -> Iterator[Finding]:
    """A floating-point column keeps most decimal fractions as something near them.

    ## What it does

    Finds columns of type `real` and `double precision`, and arrays of them, in new tables, new
    columns and changes of type. An opinion, and off until the project selects it.
    Columns whose name says money are left to the rule float-for-money.

    ## Why is this unsafe?

    0.1 has no exact binary fraction, so `=` fails where people see equal numbers, and a sum
    depends on the order in which the rows were added up: it differs from run to run.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN ounces real;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN ounces numeric;
    ```

    ```python
    op.add_column("recipe", sa.Column("ounces", sa.Numeric()))
    ```

    ## When it is safe

    For what is measured and never exact: temperatures, coordinates, vectors of a model.

    ## References

    - PostgreSQL manual, "Numeric Types", Floating-Point Types
    """
    for new in new_types(context):
        if new.type.name in _FLOATS and not names_money(new.column):
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is {new.type}, which is not exact',
                why="most decimal fractions are stored as something near them, and sums drift",
                remedy=use_type(
                    new.column, "numeric", "sa.Numeric()", dimensions=new.type.dimensions
                ),
                offset=new.offset,
            )
