"""A table as two schemas have it: what its rows meet so that both take them."""

import msgspec

from safemigrate.verify.rows.tables import Check, Schema, Table, Type

__all__ = ["bind", "find_other_type"]


def bind(table: Table, other: Schema | None) -> Table:
    """Return the table with the conditions, keys and references that it has in the other schema.

    Those of columns that are not here are left out, and so is all of a table that is not there.
    """
    there = None if other is None else other.tables.get(table.qualified)
    if there is None:
        return table
    names = {one.name for one in table.columns or ()}
    required = {one.name for one in there.columns or () if not one.is_nullable}
    own = {one.expression for one in table.checks or ()}
    keys = {one.columns for one in table.keys or ()}
    references = {(one.target, one.columns) for one in table.references or ()}
    return msgspec.structs.replace(
        table,
        columns=tuple(
            msgspec.structs.replace(one, is_nullable=False) if one.name in required else one
            for one in table.columns or ()
        ),
        checks=(
            *(table.checks or ()),
            *(
                Check(one.name, one.expression, one.columns)
                for one in there.checks or ()
                if one.expression not in own and names.issuperset(one.reads)
            ),
        ),
        keys=(
            *(table.keys or ()),
            *(
                one
                for one in there.keys or ()
                if one.columns not in keys and names.issuperset(one.columns or ())
            ),
        ),
        references=(
            *(table.references or ()),
            *(
                one
                for one in there.references or ()
                if (one.target, one.columns) not in references and names.issuperset(one.columns)
            ),
        ),
    )


def find_other_type(
    table: Table, column: str, other: Schema | None
) -> tuple[Type, int, str] | None:
    """Return the type that a column has in the other schema, with its modifier and as SQL.

    None where it is the same one, or the column is not there.
    """
    there = None if other is None else other.tables.get(table.qualified)
    if there is None or other is None:
        return None
    own = {one.name: one.sql for one in table.columns or ()}
    for one in there.columns or ():
        if one.name == column and one.sql != own[column]:
            return other.types[one.type], one.modifier, one.sql
    return None
