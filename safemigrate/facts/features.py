"""What a version of PostgreSQL does not know yet. Manual: "Release Notes" of each version."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AlterColumnOption,
    AlterConstraint,
    ChangeRows,
    ColumnDefinition,
    ColumnOption,
    ConstraintDefinition,
    ConstraintKind,
    CreateIndex,
    CreateTable,
    Generated,
    RowChange,
    ServerVersion,
    SetAccessMethod,
)

__all__ = ["Feature", "find_newer_features"]


@dataclass(frozen=True, slots=True)
class Feature:
    """A part of the syntax, and the major version that first had it."""

    name: str
    since: ServerVersion


_VIRTUAL = Feature("VIRTUAL", ServerVersion(18))
_NOT_ENFORCED = Feature("NOT ENFORCED", ServerVersion(18))
_NOT_NULL_CONSTRAINT = Feature("ADD CONSTRAINT … NOT NULL", ServerVersion(18))
_ENFORCED = Feature("ALTER CONSTRAINT … [NOT] ENFORCED", ServerVersion(18))
_SET_EXPRESSION = Feature("SET EXPRESSION", ServerVersion(17))
_NULLS_NOT_DISTINCT = Feature("NULLS NOT DISTINCT", ServerVersion(15))
_MERGE = Feature("MERGE", ServerVersion(15))
_ACCESS_METHOD = Feature("SET ACCESS METHOD", ServerVersion(15))


def find_newer_features(action: Action, version: ServerVersion) -> tuple[Feature, ...]:
    """Return what of the action's syntax came after the version, each once."""
    newer = [feature for feature in _features(action) if feature.since > version]
    return tuple(dict.fromkeys(newer)) if newer else ()


def _features(action: Action) -> Iterator[Feature]:  # noqa: C901 - one case each
    match action:
        case AddColumn(column=column):
            yield from _of_column(column)
        case CreateTable(columns=columns, constraints=constraints):
            for column in columns:
                yield from _of_column(column)
            for constraint in constraints:
                yield from _of_constraint(constraint)
        case AddConstraint(constraint=constraint):
            if constraint.kind is ConstraintKind.NOT_NULL:
                yield _NOT_NULL_CONSTRAINT
            yield from _of_constraint(constraint)
        case AlterConstraint(is_enforced=bool()):
            yield _ENFORCED
        case AlterColumnOption(option=ColumnOption.SET_EXPRESSION):
            yield _SET_EXPRESSION
        case CreateIndex(is_nulls_not_distinct=True):
            yield _NULLS_NOT_DISTINCT
        case ChangeRows(change=RowChange.MERGE):
            yield _MERGE
        case SetAccessMethod():
            yield _ACCESS_METHOD
        case _:
            # The other actions were there before every version that is supported.
            return


def _of_column(column: ColumnDefinition) -> Iterator[Feature]:
    if column.generated is Generated.VIRTUAL:
        yield _VIRTUAL
    for constraint in column.constraints:
        yield from _of_constraint(constraint)


def _of_constraint(constraint: ConstraintDefinition) -> Iterator[Feature]:
    if not constraint.is_enforced:
        yield _NOT_ENFORCED
    if constraint.is_nulls_not_distinct:
        yield _NULLS_NOT_DISTINCT
