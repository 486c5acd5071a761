"""The recipes as changes of the user's own statement, as far as they end in the same schema.

Each reads its own result back: a fix is there only when the new text does what it should and
nothing else. Where what the history does not show could make it fail, it has a doubt.
"""

from collections.abc import Sequence
from dataclasses import replace

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    Action,
    AddConstraint,
    Catalog,
    Code,
    ConstraintDefinition,
    ConstraintKind,
    CreateIndex,
    DetachPartition,
    DropIndex,
    Effect,
    Event,
    Fix,
    QualifiedName,
    RelationKind,
    Replacement,
    Rewording,
    SetNotNull,
    Statement,
    ValidateConstraint,
)
from safemigrate.recipes.key import key_steps
from safemigrate.recipes.not_null import not_null_steps
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.recipes.steps import Step
from safemigrate.sql import (
    add_at_end,
    add_behind,
    list_keywords,
    quote_identifier,
    read_actions,
)

__all__ = [
    "fix_constraint",
    "fix_index_build",
    "fix_index_drop",
    "fix_not_null",
    "fix_outside",
    "fix_unique",
    "fix_validation",
    "leave_unfixed",
]

_CONCURRENTLY = (("postgresql_concurrently", "True"),)
_NOT_VALID = (("postgresql_not_valid", "True"),)

_OPERATIONS = {
    ConstraintKind.CHECK: "create_check_constraint",
    ConstraintKind.FOREIGN_KEY: "create_foreign_key",
    ConstraintKind.NOT_NULL: "execute",
}

_MORE = "the statement does more than this"
_COMMENT = "a comment stands in the statement"
_KEPT = (
    "with IF NOT EXISTS a second run would keep the INVALID index that a failed concurrent build "
    "leaves"
)

# Words behind ADD UNIQUE that say more than a constraint's definition holds.
_UNREAD = frozenset({"TABLESPACE", "USING", "WITH", "WITHOUT"})


def leave_unfixed(sql: str, reason: str) -> Fix:
    """Return the fix that is none: the statement stays as it is, and the user is told why."""
    return Fix(Rewording(sql, ""), doubt=reason)


def fix_index_build(sql: str, action: CreateIndex, catalog: Catalog) -> Fix:
    """Return CREATE INDEX with CONCURRENTLY; `sql` is the statement, as in all of these."""
    reworded = add_behind(sql, "INDEX", "CONCURRENTLY")
    if not _does(reworded, replace(action, is_concurrent=True)):
        return leave_unfixed(sql, _MORE)
    if _is_partitioned(action.table, catalog):
        return leave_unfixed(sql, f'"{action.table.name}" is partitioned')
    return Fix(
        Rewording(reworded, "create_index", _CONCURRENTLY, is_outside=True),
        Effect.ADDS,
        # Dropping it first, as the help says, would build one anew that is there and as it should.
        doubt=_KEPT if action.takes_existing else _doubt_kind(action.table, catalog),
    )


def fix_index_drop(sql: str, action: DropIndex, catalog: Catalog) -> Fix:
    """Return DROP INDEX with CONCURRENTLY, which takes one index and no CASCADE."""
    reworded = add_behind(sql, "INDEX", "CONCURRENTLY")
    if action.is_cascade:
        return leave_unfixed(sql, "CONCURRENTLY takes no CASCADE")
    if not _does(reworded, replace(action, is_concurrent=True)):
        return leave_unfixed(sql, _MORE)
    index = catalog.index(action.index)
    if index is not None and _is_partitioned(index.table, catalog):
        return leave_unfixed(sql, f'"{index.table.name}" is partitioned')
    doubt = f'nothing shows which table has index "{action.index.name}" (--schema can)'
    return Fix(
        Rewording(reworded, "drop_index", _CONCURRENTLY, is_outside=True),
        Effect.REMOVES,
        doubt=doubt if index is None else _doubt_kind(index.table, catalog),
    )


def fix_constraint(sql: str, action: AddConstraint, name: str, catalog: Catalog) -> Fix | None:
    """Return ADD CONSTRAINT with NOT VALID, and the validation; `name` is given or chosen."""
    constraint = action.constraint
    if constraint.kind not in _OPERATIONS:
        return None
    reworded = add_at_end(sql, "NOT VALID")
    head = sql[: action.offset]
    validation = f"{head}VALIDATE CONSTRAINT {quote_identifier(name)}"
    if not (
        _does(reworded, replace(action, constraint=replace(constraint, is_not_valid=True)))
        and _does(validation, ValidateConstraint(action.table, name, offset=action.offset))
        and not _has_comment(head)
    ):
        return leave_unfixed(sql, _COMMENT if _does(sql, action) else _MORE)
    return Fix(
        Rewording(
            reworded,
            _OPERATIONS[constraint.kind],
            _NOT_VALID,
            then=Code(validation, alembic_execute(validation)),
        ),
        Effect.ADDS,
        doubt=_doubt_name(constraint) or _doubt_validation(action, catalog),
    )


def fix_unique(
    sql: str, action: AddConstraint, definition: ConstraintDefinition, catalog: Catalog
) -> Fix | None:
    """Return the unique index built concurrently, and the constraint made of it.

    `definition`: the constraint, its name filled in.
    """
    words = list_keywords(sql[action.offset :])
    if definition.index is not None:
        return None
    if reason := _why_not_plain(sql, action):
        return leave_unfixed(sql, reason)
    if unread := sorted(words & _UNREAD):
        return leave_unfixed(sql, f"what it says with {' and '.join(unread)} would be lost")
    if _is_partitioned(action.table, catalog):
        return leave_unfixed(sql, f'"{action.table.name}" is partitioned')
    steps = key_steps(action.table, definition, catalog)
    return Fix(
        Replacement(_join(steps), "create_unique_constraint"),
        Effect.ADDS,
        doubt=_doubt_name(action.constraint) or _doubt_kind(action.table, catalog),
    )


def fix_not_null(sql: str, action: SetNotNull, catalog: Catalog) -> Fix:
    """Return SET NOT NULL behind a validated CHECK, which is dropped again."""
    if reason := _why_not_plain(sql, action):
        return leave_unfixed(sql, reason)
    table = catalog.table(action.table)
    doubt = f'nothing shows all constraints of "{action.table.name}" (--schema can)'
    add, validate, use = not_null_steps(action.table, (action.column,), catalog)
    validate = replace(validate, alembic=autocommit(validate.alembic))
    return Fix(
        Replacement(_join((add, validate, use)), "alter_column"),
        Effect.ADDS,
        doubt="" if table is not None and table.has_all_columns else doubt,
    )


def fix_outside(sql: str, action: CreateIndex | DropIndex | DetachPartition) -> Fix:
    """Return the concurrent statement as it is, but outside a transaction."""
    operation, effect = "execute", Effect.REMOVES
    if isinstance(action, CreateIndex):
        operation, effect = "create_index", Effect.ADDS
    elif isinstance(action, DropIndex):
        operation = "drop_index"
    if not _does(sql, action):
        return leave_unfixed(sql, _MORE)
    return Fix(Rewording(sql, operation, is_outside=True), effect)


def fix_validation(
    statement: Statement, action: ValidateConstraint, additions: Sequence[Event]
) -> Fix:
    """Return VALIDATE CONSTRAINT as it is, but outside the transaction that adds the constraint.

    `additions`: of constraints NOT VALID, by the same migration.
    """
    if not _does(statement.sql, action):
        return leave_unfixed(statement.sql, _MORE)
    companions = tuple(event.statement.ordinal for event in additions)
    change = Rewording(statement.sql, "execute", is_outside=True)
    return Fix(change, Effect.ADDS, companions=companions)


def _does(sql: str, action: Action) -> bool:
    """Return whether the statement is this action, and no more."""
    try:
        return tuple(read_actions(sql)) == (action,)
    except SqlSyntaxError:
        return False


def _why_not_plain(sql: str, action: AddConstraint | SetNotNull) -> str:
    """Return what the statement says beside its action, a comment included; empty for nothing."""
    if not _does(sql, action):
        return _MORE
    if _has_comment(sql):
        return _COMMENT
    extras = sorted(list_keywords(sql[: action.offset]) & _EXTRAS)
    return f"what it says with {' and '.join(extras)} would be lost" if extras else ""


def _has_comment(sql: str) -> bool:
    # Or what looks like one in a string.
    return "--" in sql or "/*" in sql


_EXTRAS = frozenset({"EXISTS", "ONLY"})


def _join(steps: tuple[Step, ...]) -> Code:
    return Code(
        "\n".join(step.sql for step in steps).removesuffix(";"),
        "\n".join(step.alembic for step in steps),
    )


def _is_partitioned(table: QualifiedName, catalog: Catalog) -> bool:
    found = catalog.table(table)
    return found is not None and found.kind is RelationKind.PARTITIONED_TABLE


def _doubt_kind(table: QualifiedName, catalog: Catalog) -> str:
    """Return why the table may not take the change: nothing shows what it is."""
    found = catalog.table(table)
    if found is not None and not found.is_older:
        return ""
    return f'"{table.name}" may be partitioned: nothing shows how it was made (--schema can)'


def _doubt_name(constraint: ConstraintDefinition) -> str:
    return "" if constraint.name else "the constraint has no name of its own"


def _doubt_validation(action: AddConstraint, catalog: Catalog) -> str:
    """Return why NOT VALID may be refused, or validating leave a part behind.

    A partitioned table takes no NOT VALID foreign key below 18, and one that references a
    partitioned table is kept once for each partition.
    """
    constraint = action.constraint
    tables = [action.table]
    if constraint.kind is ConstraintKind.CHECK:
        return ""
    if constraint.reference is not None:
        tables.append(constraint.reference.table)
    for table in tables:
        if _is_partitioned(table, catalog):
            return f'"{table.name}" is partitioned'
        if doubt := _doubt_kind(table, catalog):
            return doubt
    return ""
