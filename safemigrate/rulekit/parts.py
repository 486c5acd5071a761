"""What a schema is made of, as a set that can be compared with another one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from safemigrate.model import Catalog, ConstraintKind, Index, Table

__all__ = ["SchemaPart", "list_differing_parts"]


@dataclass(frozen=True, slots=True, order=True)
class SchemaPart:
    """A relation, type or function, or what a table has, which `name` then says."""

    kind: str
    of: str
    name: str = ""

    def __str__(self) -> str:
        return (
            f'{self.kind} "{self.name}" of "{self.of}"' if self.name else f'{self.kind} "{self.of}"'
        )


def list_differing_parts(*catalogs: Catalog) -> list[frozenset[SchemaPart]]:
    """Return what the history shows of each schema, but for triggers, policies and NOT NULL.

    What none of them has changed is left out of all.
    """
    first, *others = catalogs
    tables = {name for one in others for name in first.tables.list_differing(one.tables)}
    indexes = {name for one in others for name in first.indexes.list_differing(one.indexes)}
    return [
        frozenset(
            (
                *_list_tables(filter(None, map(one.tables.get, tables))),
                *_list_indexes(filter(None, map(one.indexes.get, indexes))),
                *_list_names(one),
            )
        )
        for one in catalogs
    ]


def _list_tables(tables: Iterable[Table]) -> Iterator[SchemaPart]:
    for table in tables:
        name = str(table.name)
        if not table.is_older:
            yield SchemaPart(table.kind.value, name)
        for column in table.columns.values():
            # One without a type is shown only because something about it has changed.
            if column.type is not None:
                yield SchemaPart("column", name, column.name)
        for constraint in table.constraints.values():
            if constraint.kind is not ConstraintKind.NOT_NULL:
                yield SchemaPart("constraint", name, constraint.name)


def _list_indexes(indexes: Iterable[Index]) -> Iterator[SchemaPart]:
    for index in indexes:
        if index.constraint is None:
            yield SchemaPart("index", str(index.table), index.name.name)


def _list_names(catalog: Catalog) -> Iterator[SchemaPart]:
    for kind, names in (
        ("type", catalog.enums),
        ("domain", catalog.domains),
        ("function", catalog.functions),
    ):
        yield from (SchemaPart(kind, str(name)) for name in names)
