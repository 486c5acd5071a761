"""The columns of a foreign key beside those they reference."""

from dataclasses import dataclass

from safemigrate.facts.references import KeyFit, judge_key_types
from safemigrate.model import Catalog, ColumnType, ConstraintKind, QualifiedName
from safemigrate.rulekit.written import WrittenConstraint

__all__ = ["ReferencePair", "reference_pairs"]


@dataclass(frozen=True, slots=True)
class ReferencePair:
    """A column of a foreign key: its type, and that of the key's column it references.

    Both are base types, free of domains.
    """

    column: str
    type: ColumnType
    key: ColumnType

    @property
    def fit(self) -> KeyFit:
        """How the two types go together."""
        return judge_key_types(self.key, self.type)


def reference_pairs(written: WrittenConstraint, catalog: Catalog) -> list[ReferencePair]:
    """Return the pairs of a foreign key as the catalog has them, as far as both types are known."""
    reference = written.definition.reference
    if written.definition.kind is not ConstraintKind.FOREIGN_KEY or reference is None:
        return []
    far = catalog.resolve(reference.table)
    keys = reference.columns or _primary_key(catalog, far)
    found = []
    for column, key in zip(written.definition.columns, keys, strict=False):
        near_type, far_type = _type(catalog, written.table, column), _type(catalog, far, key)
        if near_type is not None and far_type is not None:
            found.append(ReferencePair(column, near_type, far_type))
    return found


def _primary_key(catalog: Catalog, table: QualifiedName) -> tuple[str, ...]:
    found = catalog.table(table)
    for one in found.constraints.values() if found else ():
        if one.kind is ConstraintKind.PRIMARY_KEY:
            return one.columns
    return ()


def _type(catalog: Catalog, table: QualifiedName, column: str) -> ColumnType | None:
    found = catalog.column(table, column)
    return None if found is None or found.type is None else catalog.base_type(found.type)[0]
