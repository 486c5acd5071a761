"""JSON kept as text, which cannot be compared."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_jsonb
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["json_type"]


@rule(family=Family.TYPES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def json_type(context: Context) -> Iterator[Finding]:
    """A column of type json breaks DISTINCT, GROUP BY and UNION over its table.

    ## What it does

    Finds columns of type `json`, and arrays of it, in new tables, new columns and changes of type.

    ## Why is this unsafe?

    `json` is text that was checked once. It has no `=`, so `SELECT DISTINCT *`, `GROUP BY` and
    `UNION` over a row with such a column fail, also in queries that worked before it came.
    It is parsed again each time a value is taken out of it, and no GIN index searches it.
    Changing to `jsonb` later rewrites the table.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN details json;
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

    Where the text must come back letter by letter, with its spaces, its order of keys and the keys
    it has twice, as for a document whose signature is checked.

    ## References

    - PostgreSQL manual, "JSON Types"
    """
    for new in new_types(context):
        if new.type.name == "json" and new.type.schema is None:
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is json, which cannot be compared',
                why="json has no =: DISTINCT, GROUP BY and UNION over the column fail",
                remedy=use_jsonb(new.column, new.type.dimensions),
                offset=new.offset,
            )
