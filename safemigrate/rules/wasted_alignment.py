"""Columns in an order that leaves gaps in every row."""

from collections.abc import Iterator

from safemigrate.model import Catalog, ColumnType, Finding, QualifiedName, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_tables, rule
from safemigrate.rulekit.alignment import FIXED_LENGTHS, Width, best_order, count_padding

__all__ = ["wasted_alignment"]

_WORTH_IT = 8
_ENUM = (4, 4)


@rule(
    family=Family.DESIGN,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def wasted_alignment(context: Context) -> Iterator[Finding]:
    """Columns in an unlucky order leave unused bytes in every row.

    ## What it does

    Finds new tables whose rows carry at least eight bytes of padding that another order of their
    columns would spare. Behind a value of variable length only padding that is certain counts.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    A `bigint` begins at a multiple of eight bytes, an `integer` at one of four. What stands before
    it is filled up to there, in each row on disk, in memory and in the log. The order of columns
    cannot be changed later.

    ## Example

    ```sql
    CREATE TABLE dish (is_hot boolean, id bigint PRIMARY KEY, is_new boolean, made_at timestamptz);
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, made_at timestamptz, is_hot boolean, is_new boolean);
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        sa.Column("is_hot", sa.Boolean()),
        sa.Column("is_new", sa.Boolean()),
    )
    ```

    ## When it is safe

    For tables that stay small, where an order that people understand is worth more.

    ## References

    - PostgreSQL manual, "Database Page Layout", Table Row Layout
    """
    for new in new_tables(context):
        action = new.action
        if action.inherits or action.like or action.has_query:
            continue
        columns = [(one.name, _width(one.type, context.passage.after)) for one in action.columns]
        padding = count_padding([width for _, width in columns])
        if padding >= _WORTH_IT:
            yield context.finding(
                new.event,
                f'table "{new.event.before.resolve_new(action.table)}" has {padding} bytes of '
                "padding in each row",
                why="wide values stand behind narrow ones, which are filled up to their alignment",
                remedy=Remedy(advice=f"order the columns: {', '.join(best_order(columns))}"),
            )


def _width(written: ColumnType, catalog: Catalog) -> Width | None:
    """Return length and alignment, None for what is of variable length, or not known."""
    base, _ = catalog.base_type(written)
    if base.dimensions:
        return None
    if catalog.resolve(QualifiedName(base.schema, base.name)) in catalog.enums:
        return _ENUM
    return None if base.schema else FIXED_LENGTHS.get(base.name)
