"""Changes of tables that the project watches."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, QualifiedName, Remedy, Severity
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    new_columns,
    rule,
    written_constraints,
)

__all__ = ["change_of_watched_table"]


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def change_of_watched_table(context: Context) -> Iterator[Finding]:
    """A column or foreign key more on a table that everybody uses costs all of them.

    ## What it does

    Finds columns added to a table of the option `watched-tables`, and foreign keys that other
    tables get to it. Without the option it finds nothing.
    A table is named with its schema or, in the default one, without.

    ## Why is this unsafe?

    A wide table is slow for every query on it. A foreign key to it locks it when it is made, makes
    every DELETE from it look into one table more, and lets every INSERT into that table lock its
    rows. The project lists the tables where this has been felt.

    ## Example

    With `watched-tables = ["recipe"]`:

    ```sql
    ALTER TABLE recipe ADD COLUMN calories integer;
    ```

    ## Use instead

    A table of its own, without a foreign key where the program can do without:

    ```sql
    CREATE TABLE nutrition (recipe_id bigint PRIMARY KEY, calories integer);
    ```

    ```python
    op.create_table(
        "nutrition",
        sa.Column("recipe_id", sa.BigInteger(), primary_key=True),
        sa.Column("calories", sa.Integer()),
    )
    ```

    ## When it is safe

    Where those who answer for the table agree, and an ignore comment says why.

    ## References

    - PostgreSQL manual, "Constraints", Foreign Keys
    - PostgreSQL manual, "Explicit Locking", Row-Level Locks
    """
    watched = {_read(name) for name in context.options.watched_tables}
    for event, action in new_columns(context) if watched else ():
        table = event.before.resolve(action.table)
        if table in {event.before.resolve(name) for name in watched}:
            yield context.finding(
                event,
                f'table "{table}" gets another column, "{action.column.name}", and is watched',
                why="the project lists it under watched-tables: it is wide or busy enough",
                remedy=Remedy(advice="put the column into a table of its own"),
            )
    for new in written_constraints(context) if watched else ():
        reference = new.definition.reference
        if new.definition.kind is not ConstraintKind.FOREIGN_KEY or reference is None:
            continue
        far = new.event.before.resolve(reference.table)
        if far != new.table and far in {new.event.before.resolve(name) for name in watched}:
            yield context.finding(
                new.event,
                f'table "{far}" gets another foreign key to it, "{new.name}" of "{new.table}", and '
                "is watched",
                why=f"each row deleted in {far} is looked for in {new.table}, and each one that is "
                "written there locks one here",
                remedy=Remedy(advice="keep the number without a foreign key, or agree on one"),
                offset=new.offset,
            )


def _read(name: str) -> QualifiedName:
    schema, _, table = name.rpartition(".")
    return QualifiedName(schema or None, table)
