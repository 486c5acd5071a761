"""Facts about labels of enums. Manual: "ALTER TYPE", Notes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from safemigrate.facts.situation import Situation
from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AlterColumnType,
    Catalog,
    Certainty,
    ChangeRows,
    ColumnDefinition,
    ColumnType,
    CreateIndex,
    CreateTable,
    Expression,
    Facts,
    QualifiedName,
    ServerVersion,
    SetDefault,
    TextConstant,
)

__all__ = ["UseOfLabel", "facts_of_new_labels", "find_new_labels", "keeps_labels"]

# From 17 on, the labels of an enum that the transaction itself has made can be used at once.
_KNOWS_NEW_ENUMS_SINCE = ServerVersion(17)

_TEXTS = frozenset({"text", "character varying"})


@dataclass(frozen=True, slots=True)
class UseOfLabel:
    """A label of an enum, used; `is_sure` is False where it may be a text of another type."""

    enum: QualifiedName
    label: str
    is_sure: bool


def facts_of_new_labels(action: Action, situation: Situation) -> Facts:
    """Return that the server refuses what uses a label that its own transaction has added.

    It refuses every constant of the type, also in a condition that no row meets
    (`check_safe_enum_use` in src/backend/utils/adt/enum.c).
    """
    found = find_new_labels(action, situation.catalog, situation.version)
    if not found:
        return Facts()
    is_sure = any(use.is_sure for use in found)
    return Facts(
        errors=tuple(f'unsafe use of new value "{use.label}" of enum type' for use in found),
        certainty=Certainty.KNOWN if is_sure else Certainty.UNKNOWN,
    )


def find_new_labels(
    action: Action, catalog: Catalog, version: ServerVersion
) -> tuple[UseOfLabel, ...]:
    """Return the labels that the action uses in the transaction that has added them.

    `catalog`: as the action finds it.
    """
    found: dict[tuple[QualifiedName, str], bool] = {}
    for enum, labels in catalog.new_labels.items():
        if enum in catalog.new_enums and version >= _KNOWS_NEW_ENUMS_SINCE:
            continue
        for text, column_type, is_sure in _uses(action, catalog):
            if text in labels and _may_be(column_type, enum, catalog):
                found[enum, text] = found.get((enum, text), False) or is_sure
    return tuple(UseOfLabel(enum, label, is_sure) for (enum, label), is_sure in found.items())


_Use = tuple[str, ColumnType | None, bool]
_Types = Mapping[str, ColumnType | None]


def _uses(action: Action, catalog: Catalog) -> Iterator[_Use]:  # noqa: C901 - one case each
    """Yield the texts with the types they are of; None for a type that is not known."""
    match action:
        case SetDefault(default=default):
            old = catalog.column(action.table, action.column)
            yield from _read(default, None if old is None else old.type)
        case AlterColumnType(using=using):
            for text, column_type, _ in _read(using, action.type):
                yield text, column_type, False
        case AddColumn(column=column):
            types = {**_types(catalog, [action.table]), column.name: column.type}
            yield from _written_at(column, types)
        case CreateTable(columns=columns):
            types = {column.name: column.type for column in columns}
            for column in columns:
                yield from _written_at(column, types)
            for constraint in action.constraints:
                yield from _compared(constraint.expression, types)
        case AddConstraint(constraint=constraint):
            yield from _compared(constraint.expression, _types(catalog, [action.table]))
        case CreateIndex(predicate=predicate):
            yield from _compared(predicate, _types(catalog, [action.table]))
        case ChangeRows():
            yield from _typed(action.texts, _types(catalog, [*action.reads, action.table]))
        case _:
            # What else may use a label is not read for constants.
            return


def _written_at(column: ColumnDefinition, types: _Types) -> Iterator[_Use]:
    yield from _read(column.default, column.type)
    for constraint in column.constraints:
        yield from _compared(constraint.expression, types)


def _read(expression: Expression | None, column_type: ColumnType | None) -> Iterator[_Use]:
    for constant in () if expression is None else expression.texts:
        yield constant.text, column_type, column_type is not None


def _compared(expression: Expression | None, types: _Types) -> Iterator[_Use]:
    return _typed(() if expression is None else expression.texts, types)


def _typed(texts: Iterable[TextConstant], types: _Types) -> Iterator[_Use]:
    for constant in texts:
        if constant.column is not None and constant.column in types:
            found = types[constant.column]
            yield constant.text, found, found is not None
        else:
            # It is of one of these, or of none.
            for each in types.values():
                yield constant.text, each, False


_UNKNOWN = ""


def _types(catalog: Catalog, tables: Iterable[QualifiedName]) -> _Types:
    """Return the columns of the tables with their types, those of the last one before others.

    Under the empty name stands one that the history does not show, where there may be such.
    """
    types: dict[str, ColumnType | None] = {}
    for name in tables:
        table = catalog.table(name)
        if table is None or not table.has_all_columns:
            types[_UNKNOWN] = None
        if table is not None:
            types |= {column.name: column.type for column in table.columns.values()}
    return types


def keeps_labels(path: tuple[ColumnType, ...], catalog: Catalog) -> bool:
    """Return whether every value of an enum is one of the last type, by way of those between.

    `path`: types that a value is cast to, one after the other, beginning with the enum. False
    where the first is no enum whose labels the catalog has.
    """
    labels = _labels(path[0], catalog)
    if not labels or path[0].dimensions != path[-1].dimensions:
        return False
    return all(_takes_labels(each, labels, path[0].dimensions, catalog) for each in path[1:])


def _takes_labels(
    column_type: ColumnType, labels: tuple[str, ...], dimensions: int, catalog: Catalog
) -> bool:
    base, is_constrained = catalog.base_type(column_type)
    if is_constrained:
        return False
    if base.schema is None and base.name in _TEXTS and not base.dimensions:
        # Unlimited text also holds an array, written out.
        if not base.modifiers:
            return True
        return not dimensions and max(map(len, labels)) <= base.modifiers[0]
    if base.dimensions != dimensions:
        return False
    is_text = base.schema is None and base.name in _TEXTS and not base.modifiers
    return is_text or set(labels) <= set(_labels(base, catalog))


def _labels(column_type: ColumnType, catalog: Catalog) -> tuple[str, ...]:
    """Return the labels of the enum that the type is, or is an array of; none where not known."""
    name = QualifiedName(column_type.schema, column_type.name)
    return catalog.enums.get(catalog.resolve(name), ())


def _may_be(column_type: ColumnType | None, enum: QualifiedName, catalog: Catalog) -> bool:
    if column_type is None:
        return True
    base, _ = catalog.base_type(replace(column_type, dimensions=0))
    return catalog.resolve(QualifiedName(base.schema, base.name)) == enum
