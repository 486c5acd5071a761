"""Columns that every INSERT must know."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, WrittenColumn, rule, written_columns

__all__ = ["column_without_default"]


@rule(
    family=Family.DESIGN,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def column_without_default(context: Context) -> Iterator[Finding]:
    """A column without a default is NULL, or an error, for every program that does not know it.

    ## What it does

    Finds columns without a default, in new tables and new columns. Not those of a primary or
    foreign key, and not what is generated, an identity or a serial.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    A release that runs beside the new one, a script or an import writes rows without the column.
    Where it is NOT NULL such an INSERT fails; elsewhere it leaves a NULL that nobody meant.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN servings integer;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN servings integer DEFAULT 4;
    ```

    ```python
    op.add_column("recipe", sa.Column("servings", sa.Integer(), server_default=sa.text("4")))
    ```

    ## When it is safe

    Where no value is right unless somebody gave it, as a name.

    ## References

    - PostgreSQL manual, "Default Values"
    """
    for new in written_columns(context):
        if _lacks_default(new):
            yield context.finding(
                new.event,
                f'column "{new.name}" of "{new.table}" has no default',
                why="an INSERT that does not name it leaves NULL, or fails where it is NOT NULL",
                remedy=Remedy(advice="give it the value that a row has unless it says another"),
                offset=new.offset,
            )


def _lacks_default(new: WrittenColumn) -> bool:
    column = new.at_end
    if column is None or column.default is not None or column.is_identity:
        return False
    keys = (ConstraintKind.PRIMARY_KEY, ConstraintKind.FOREIGN_KEY)
    return column.generated is None and not any(any(new.constraints(kind)) for kind in keys)
