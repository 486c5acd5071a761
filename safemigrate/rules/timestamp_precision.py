"""A timestamp that is rounded when it is stored."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["timestamp_precision"]

_TIMESTAMPS = frozenset({"timestamp with time zone", "timestamp without time zone"})
_ALL_DIGITS = 6


@rule(family=Family.TYPES, severity=Severity.INFO, since="0.1.0", directions=UPGRADE_ONLY)
def timestamp_precision(context: Context) -> Iterator[Finding]:
    """A timestamp with fewer digits is rounded, so that a moment can be stored before it comes.

    ## What it does

    Finds columns of type `timestamptz(n)` and `timestamp(n)` with fewer than six digits, and arrays
    of them, in new tables, new columns and changes of type.

    ## Why is this unsafe?

    The value is rounded, not cut off. With `timestamptz(0)`, `now()` is stored up to half a second
    in the future: `WHERE cooked_at <= now()` misses the row just written, and the last half second
    of a day counts for the next one.
    It saves nothing: the value takes eight bytes all the same.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN cooked_at timestamptz(0);
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN cooked_at timestamptz;
    -- where whole seconds are wanted, in the query:
    SELECT date_trunc('second', cooked_at) FROM recipe;
    ```

    ```python
    op.add_column("recipe", sa.Column("cooked_at", sa.DateTime(timezone=True)))
    ```

    ## When it is safe

    Where the values come with as few digits, and none is the present.

    ## References

    - PostgreSQL manual, "Date/Time Types"
    - PostgreSQL wiki, "Don't Do This", Don't use timestamp(0) or timestamptz(0)
    """
    for new in new_types(context):
        digits = new.type.modifiers
        if new.type.name in _TIMESTAMPS and digits and digits[0] < _ALL_DIGITS:
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" rounds its times to {digits[0]} digits '
                "of a second",
                why="a rounded moment can be later than the one it stands for",
                remedy=use_type(
                    new.column,
                    "timestamptz",
                    "sa.DateTime(timezone=True)",
                    dimensions=new.type.dimensions,
                ),
                offset=new.offset,
            )
