"""Add a constraint without looking at the rows, and look at them afterwards."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from safemigrate.model import (
    Catalog,
    ConstraintDefinition,
    ConstraintKind,
    QualifiedName,
    RelationKind,
    Remedy,
    Table,
    ValidateConstraint,
)
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    autocommit,
    code_string,
    constraint_sql,
    schema_argument,
    sql_string,
)
from safemigrate.recipes.steps import Step, as_written, sql_step, write_steps
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["check_steps", "foreign_key_steps", "validate_apart"]


def check_steps(table: QualifiedName, constraint: ConstraintDefinition) -> tuple[Step, ...]:
    """Return the steps that add the named CHECK NOT VALID and validate it."""
    return _add(table, constraint, _create_check(table, constraint)), _validate(table, constraint)


def foreign_key_steps(
    table: QualifiedName, constraint: ConstraintDefinition, catalog: Catalog
) -> tuple[Step, ...]:
    """Return the steps that add the named foreign key NOT VALID and validate it.

    Below 18 a partitioned table takes no NOT VALID foreign key, so its partitions get theirs one
    by one, and the parent then takes them over without a look at the rows. Empty where the
    catalog knows no partition of such a table.
    """
    found = catalog.table(table)
    if found is None or found.kind is not RelationKind.PARTITIONED_TABLE:
        call = _create_foreign_key(table, constraint, catalog)
        return _add(table, constraint, call), _validate(table, constraint)
    leaves = list(_leaves(found, catalog))
    if not leaves:
        return ()
    steps: list[Step] = []
    for leaf in leaves:
        partition = as_written(leaf.name, table)
        call = _create_foreign_key(partition, constraint, catalog)
        steps.append(replace(_add(partition, constraint, call), is_apart=bool(steps)))
        steps.append(_validate(partition, constraint))
    parent = f"ALTER TABLE {quote_name(table)} ADD {_definition(constraint)}"
    return (*steps, sql_step(parent, is_apart=True, note="the parent takes them over unread"))


def validate_apart(action: ValidateConstraint) -> Remedy:
    """Return how to validate the constraint once the transaction that adds it has ended."""
    step = _validate(action.table, ConstraintDefinition(ConstraintKind.CHECK, action.name))
    return write_steps(
        "commit first, and validate it in a transaction of its own: the next revision, or an "
        "autocommit block",
        [Step(step.sql, autocommit(step.alembic), note="after the COMMIT of what adds it")],
    )


def _leaves(table: Table, catalog: Catalog) -> Iterator[Table]:
    """Yield the partitions that hold rows."""
    for child in catalog.partitions_of(table.name):
        if child.kind is not RelationKind.PARTITIONED_TABLE:
            yield child


def _definition(constraint: ConstraintDefinition) -> str:
    return constraint_sql(constraint, constraint.name or "")


def _add(table: QualifiedName, constraint: ConstraintDefinition, call: str) -> Step:
    """Return the step that adds the constraint; `call` is empty where Alembic cannot say it."""
    sql = f"ALTER TABLE {quote_name(table)} ADD {_definition(constraint)} NOT VALID"
    return Step(f"{sql};", call or alembic_execute(sql))


def _validate(table: QualifiedName, constraint: ConstraintDefinition) -> Step:
    name = quote_identifier(constraint.name or "")
    return sql_step(f"ALTER TABLE {quote_name(table)} VALIDATE CONSTRAINT {name}", is_apart=True)


def _create_check(table: QualifiedName, constraint: ConstraintDefinition) -> str:
    """Return the call of Alembic's; empty for NO INHERIT, which it does not know."""
    if constraint.is_local or constraint.expression is None:
        return ""
    return alembic_call(
        "create_check_constraint",
        # A naming convention would change a plain name, and VALIDATE would not find it.
        f"op.f({code_string(constraint.name or '')})",
        code_string(table.name),
        sql_string(constraint.expression.sql),
        schema_argument(table),
        "postgresql_not_valid=True",
    )


def _create_foreign_key(
    table: QualifiedName, constraint: ConstraintDefinition, catalog: Catalog
) -> str:
    """Return the call of Alembic's; empty where it cannot say all of it."""
    reference = constraint.reference
    if reference is None or reference.on_delete_columns:
        return ""
    # Alembic must be told the columns of the far side.
    far = reference.columns or catalog.primary_key(reference.table)
    if not far:
        return ""
    return alembic_call(
        "create_foreign_key",
        f"op.f({code_string(constraint.name or '')})",
        code_string(table.name),
        code_string(reference.table.name),
        _strings(constraint.columns),
        _strings(far),
        schema_argument(table, "source_schema"),
        schema_argument(reference.table, "referent_schema"),
        f'ondelete="{reference.on_delete}"' if reference.on_delete else "",
        f'onupdate="{reference.on_update}"' if reference.on_update else "",
        'match="FULL"' if reference.is_match_full else "",
        "deferrable=True" if constraint.is_deferrable else "",
        'initially="DEFERRED"' if constraint.is_deferred else "",
        "postgresql_not_valid=True",
    )


def _strings(names: Sequence[str]) -> str:
    return f"[{', '.join(map(code_string, names))}]"
