"""What a schema is made of, as a set that can be compared with another one."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import Catalog, ConstraintKind

__all__ = ["SchemaPart", "list_parts"]


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


def list_parts(catalog: Catalog) -> Iterator[SchemaPart]:
    """Yield what the history shows of the schema, but for triggers, policies and NOT NULL."""
    for table in catalog.tables.values():
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
    for index in catalog.indexes.values():
        if index.constraint is None:
            yield SchemaPart("index", str(index.table), index.name.name)
    for kind, names in (
        ("type", catalog.enums),
        ("domain", catalog.domains),
        ("function", catalog.functions),
    ):
        yield from (SchemaPart(kind, str(name)) for name in names)
