"""A time of day that names a shift from UTC, and no date to apply it on."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["time_with_time_zone"]


@rule(family=Family.TYPES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def time_with_time_zone(context: Context) -> Iterator[Finding]:
    """A time with time zone is wrong for half of the year where clocks are changed.

    ## What it does

    Finds columns of type `time with time zone` (`timetz`), and arrays of it, in new tables, new
    columns and changes of type.

    ## Why is this unsafe?

    The type keeps a shift from UTC, not a zone. Which shift a place has depends on the date, and
    the type has none: `09:00+01`, written in winter, is 10 o'clock in the same place in summer.
    The manual advises against it; it is there because the standard asks for it.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN opens_at timetz;
    ```

    ## Use instead

    The time on the clock of the place, with the zone's name beside it where it is not clear; or
    `timestamptz` for a moment.

    ```sql
    ALTER TABLE recipe ADD COLUMN opens_at time, ADD COLUMN time_zone text;
    ```

    ```python
    op.add_column("recipe", sa.Column("opens_at", sa.Time()))
    op.add_column("recipe", sa.Column("time_zone", sa.Text()))
    ```

    ## When it is safe

    To take over values of a system that knows no more than the shift.

    ## References

    - PostgreSQL manual, "Date/Time Types", Time Zones
    - PostgreSQL wiki, "Don't Do This", Don't use timetz
    """
    for new in new_types(context):
        if new.type.name == "time with time zone":
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is a time with time zone',
                why="it keeps a shift from UTC without the date that says whether the shift holds",
                remedy=use_type(new.column, "time", "sa.Time()", dimensions=new.type.dimensions),
                offset=new.offset,
            )
