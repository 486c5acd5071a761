"""Columns of the type hstore."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_jsonb
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["hstore_type"]


@rule(
    family=Family.TYPES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def hstore_type(context: Context) -> Iterator[Finding]:
    """A column of type hstore holds text only, one level deep, and needs an extension.

    ## What it does

    Finds columns of type `hstore`, and arrays of it, in new tables, new columns and changes of
    type. An opinion, and off until the project selects it.

    ## Why is this unsafe?

    Numbers, booleans and lists come back as text, and there is no nesting. The type belongs to an
    extension, so every server, dump and driver has to know it. `jsonb` does the same without.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN details hstore;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN details jsonb;
    ```

    ```python
    from sqlalchemy.dialects.postgresql import JSONB

    op.add_column("recipe", sa.Column("details", JSONB()))
    ```

    ## When it is safe

    In a database that keeps such columns already.

    ## References

    - PostgreSQL manual, "hstore"
    - PostgreSQL manual, "JSON Types"
    """
    for new in new_types(context):
        if new.type.name == "hstore":
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is hstore, which holds text only',
                why="numbers and lists come back as text, and every server needs the extension",
                remedy=use_jsonb(new.column, new.type.dimensions),
                offset=new.offset,
            )
