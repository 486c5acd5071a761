"""Types that the project does not want."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.model import ColumnDefinition, ColumnType, Finding, Remedy, Severity
from safemigrate.recipes import declare_column
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    NewType,
    find_forbidden,
    rule,
    written_types,
)

__all__ = ["forbidden_type"]

# What people use instead; for all others, text.
_INSTEAD = {
    "bigint": ColumnType("numeric", (19, 0)),
    "character": ColumnType("text"),
    "character varying": ColumnType("text"),
    "double precision": ColumnType("numeric"),
    "integer": ColumnType("bigint"),
    "json": ColumnType("jsonb"),
    "money": ColumnType("numeric", (19, 4)),
    "numeric": ColumnType("bigint"),
    "real": ColumnType("numeric"),
    "smallint": ColumnType("bigint"),
    "time with time zone": ColumnType("time without time zone"),
    "timestamp without time zone": ColumnType("timestamp with time zone"),
}
_LAST_RESORTS = (ColumnType("text"), ColumnType("character varying"), ColumnType("jsonb"))


@rule(family=Family.TYPES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def forbidden_type(context: Context) -> Iterator[Finding]:
    """A column of a type that the project forbids will have to be changed again.

    ## What it does

    Finds columns of the types in the option `forbidden-types`, and arrays of them, in new tables,
    new columns and changes of type. Without the option it finds nothing.
    A type without a length or precision means all of them: `char` forbids `char(2)`.
    The rules about single types, such as char-type, leave these to it.

    ## Why is this unsafe?

    The project has said so, mostly because code or another system cannot handle the type.
    Once there are rows, the change to another type rewrites the table with everybody shut out.

    ## Example

    With `forbidden-types = ["xml", "char", "serial"]`:

    ```sql
    ALTER TABLE recipe ADD COLUMN details xml;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN details text;
    ```

    ```python
    op.add_column("recipe", sa.Column("details", sa.Text()))
    ```

    ## When it is safe

    Where the project agrees on an exception, and an ignore comment says why.

    ## References

    - PostgreSQL manual, "Data Types"
    """
    for new in written_types(context):
        said = find_forbidden(context, new.type, is_serial=new.is_serial)
        if said is not None:
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is of the forbidden type {said}',
                why=f'the project lists "{said}" under forbidden-types',
                remedy=_choose_other(context, new),
                offset=new.offset,
            )


def _choose_other(context: Context, new: NewType) -> Remedy:
    """Return the column with the first other type that is not forbidden as well."""
    if new.is_serial and find_forbidden(context, new.type, is_serial=False) is None:
        identity = ColumnDefinition(new.column, new.type, is_identity=True)
        return declare_column("make it an identity column", identity)
    first = _INSTEAD.get(new.type.name)
    for kind in (first, *_LAST_RESORTS) if first else _LAST_RESORTS:
        if find_forbidden(context, kind, is_serial=False) is None:
            written = replace(kind, dimensions=new.type.dimensions)
            return declare_column(f"declare it {written}", ColumnDefinition(new.column, written))
    return Remedy(advice="declare it of a type that the project allows")
