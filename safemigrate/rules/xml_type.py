"""Columns of type xml."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_jsonb
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["xml_type"]


@rule(
    family=Family.TYPES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def xml_type(context: Context) -> Iterator[Finding]:
    """A column of type xml can be neither compared nor indexed.

    ## What it does

    Finds columns of type `xml`, and arrays of it, in new tables, new columns and changes of type.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    `xml` has no operators: `=`, DISTINCT, GROUP BY and every kind of index are missing.
    Each look inside parses the whole document again.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN details xml;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN details jsonb;
    ```

    ```python
    from sqlalchemy.dialects.postgresql import JSONB

    op.add_column("recipe", sa.Column("details", JSONB()))
    ```

    A document that is only stored and handed out is well kept as `text`.

    ## When it is safe

    Where the server shall refuse what is not well-formed, and nothing searches in it.

    ## References

    - PostgreSQL manual, "XML Type", Accessing XML Values
    """
    for new in new_types(context):
        if new.type.name == "xml" and new.type.schema is None:
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is xml, which cannot be compared',
                why="xml has no operators: no =, no DISTINCT, no GROUP BY, and no index on it",
                remedy=use_jsonb(new.column, new.type.dimensions),
                offset=new.offset,
            )
