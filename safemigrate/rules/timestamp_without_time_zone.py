"""Times that do not say which zone they are in."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["timestamp_without_time_zone"]


@rule(
    family=Family.TYPES,
    severity=Severity.WARNING,
    since="0.1.0",
    directions=UPGRADE_ONLY,
)
def timestamp_without_time_zone(context: Context) -> Iterator[Finding]:
    """A timestamp without time zone does not say which moment it means.

    ## What it does

    Finds columns of type `timestamp` without time zone, in new tables, new columns and changes
    of type.

    ## Why is this unsafe?

    Two clients in different zones store and read different moments under the same text.
    Changing the type later rewrites the table, unless the session's TimeZone is UTC.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN cooked_at timestamp;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN cooked_at timestamptz;
    ```

    ```python
    op.add_column("recipe", sa.Column("cooked_at", sa.DateTime(timezone=True)))
    ```

    ## When it is safe

    For local wall-clock times that are meant without a place, such as opening hours.

    ## References

    - PostgreSQL manual, "Date/Time Types", Time Stamps
    - PostgreSQL wiki, "Don't Do This", Don't use timestamp (without time zone)
    """
    for new in new_types(context):
        if new.type.name == "timestamp without time zone":
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is a timestamp without time zone',
                why="the same text means another moment for every client's time zone",
                remedy=use_type(new.column, "timestamptz", "sa.DateTime(timezone=True)"),
                offset=new.offset,
            )
