"""The way back from an action, as Alembic code that keeps nobody waiting."""

from collections.abc import Sequence
from dataclasses import replace

from safemigrate.catalog import choose_constraint_name, choose_index_name
from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterColumnType,
    AlterSequence,
    Analyze,
    AttachPartition,
    Catalog,
    ChangeRows,
    Cluster,
    ConstraintDefinition,
    ConstraintKind,
    CreateDomain,
    CreateEnum,
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreatePolicy,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateTrigger,
    CreateView,
    DoBlock,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropTable,
    LockTable,
    NoTableAction,
    QualifiedName,
    RefreshView,
    Reindex,
    RelationKind,
    RenameColumn,
    RenameConstraint,
    RenameEnumValue,
    RenameIndex,
    RenameObject,
    RenameSchema,
    RenameTable,
    RenameType,
    RowChange,
    RowSecurity,
    SetDefault,
    SetNotNull,
    SetRowSecurity,
    SetSchema,
    SetVariable,
    TransactionControl,
    Truncate,
    Vacuum,
    ValidateConstraint,
)
from safemigrate.recipes.concurrent_index import build_index_concurrently, drop_index_concurrently
from safemigrate.recipes.constraint import constraint_steps
from safemigrate.recipes.not_null import not_null_steps
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    autocommit,
    code_string,
    schema_argument,
    sql_string,
    type_sql,
)
from safemigrate.recipes.steps import Step
from safemigrate.recipes.way_back import NOTHING_KNOWN, Made, WayBack, find_earlier
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = ["find_way_back"]

_TEXTS = frozenset({"character varying", "character", "text"})
_OPPOSITE = {
    RowSecurity.ENABLE: RowSecurity.DISABLE,
    RowSecurity.DISABLE: RowSecurity.ENABLE,
    RowSecurity.FORCE: RowSecurity.NO_FORCE,
    RowSecurity.NO_FORCE: RowSecurity.FORCE,
}
_CONSTRAINT_TYPES = {
    ConstraintKind.CHECK: "check",
    ConstraintKind.FOREIGN_KEY: "foreignkey",
    ConstraintKind.PRIMARY_KEY: "primary",
    ConstraintKind.UNIQUE: "unique",
}
# What leaves nothing in the schema that would have to be taken back.
_TRACELESS = (
    Analyze
    | Cluster
    | DoBlock
    | LockTable
    | NoTableAction
    | RefreshView
    | Reindex
    | SetVariable
    | TransactionControl
    | Vacuum
)


def find_way_back(action: Action, before: Catalog, made: Made) -> WayBack:
    """Return how to come back to `before`, the catalog that the action meets."""
    if isinstance(action, _TRACELESS):
        return WayBack()
    if isinstance(action, ChangeRows):
        return _leave_rows(action, before.resolve(action.table), made)
    found = (
        find_earlier(action, before, made)
        or _take_away(action, before)
        or _rename_back(action)
        or _put_column_back(action, before)
        or _put_constraint_back(action, before, made)
    )
    if found is not None:
        return found
    if isinstance(action, DropIndex):
        definition = made.index(before.resolve(action.index))
        if definition is not None and definition.name is not None:
            remedy = build_index_concurrently(definition, definition.name, before)
            return WayBack(remedy.alembic)
    return WayBack(reason=_name_loss(action))


def _leave_rows(action: ChangeRows, table: QualifiedName, made: Made) -> WayBack:
    """Return the empty way back of what fills a new table or column, which goes with it."""
    columns = action.columns if action.change is RowChange.UPDATE else ()
    if made.is_new(table, "") or (columns and all(made.is_new(table, one) for one in columns)):
        return WayBack()
    name = quote_name(action.table)
    if action.change is RowChange.DELETE:
        return WayBack(reason=f"the rows deleted from {name} are gone")
    if action.change is RowChange.UPDATE:
        return WayBack(reason=f"the values that rows of {name} had are gone")
    return WayBack(reason=f"nobody knows which rows {name} had before")


def _name_loss(action: Action) -> str:
    """Return what the action leaves nobody to bring back."""
    match action:
        case DropColumn(table=table, column=column):
            return f"the values of {quote_identifier(column)} in {quote_name(table)} are gone"
        case DropTable(table=table) | Truncate(table=table):
            return f"the rows of {quote_name(table)} are gone"
        case AddEnumValue(label=label):
            return f"a label of an enum, such as {quote_literal(label)}, cannot be taken away"
    return NOTHING_KNOWN


def _take_away(action: Action, before: Catalog) -> WayBack | None:
    """Return how what the action makes is dropped."""
    match action:
        case CreateTable(table=table):
            call = alembic_call("drop_table", code_string(table.name), schema_argument(table))
            return WayBack(call)
        case AddColumn(table=table, column=column):
            return WayBack(_drop_column(table, column.name))
        case CreateIndex():
            return _drop_index(action, before)
        case CreateView(view=view):
            kind = "MATERIALIZED VIEW" if action.is_materialized else "VIEW"
            return _execute(f"DROP {kind} {quote_name(view)}")
        case CreateFunction(name=name):
            arguments = ", ".join(type_sql(one) for one in action.arguments)
            return _execute(f"DROP ROUTINE {quote_name(name)}({arguments})")
        case AttachPartition(table=table, partition=partition):
            return _execute(
                f"ALTER TABLE {quote_name(table)} DETACH PARTITION {quote_name(partition)}"
            )
    dropped = _name_object(action)
    return None if dropped is None else _execute(f"DROP {dropped}")


def _name_object(action: Action) -> str | None:
    """Return what the action makes as DROP names it, where it carries no rows."""
    match action:
        case CreateTrigger(name=name, table=table):
            return f"TRIGGER {quote_identifier(name)} ON {quote_name(table)}"
        case CreatePolicy(name=name, table=table, is_altered=False):
            return f"POLICY {quote_identifier(name)} ON {quote_name(table)}"
        case CreateEnum(type=made):
            return f"TYPE {quote_name(made)}"
        case CreateDomain(domain=made):
            return f"DOMAIN {quote_name(made)}"
        case CreateSchema(name=name):
            return f"SCHEMA {quote_identifier(name)}"
        case CreateExtension(name=name):
            return f"EXTENSION {quote_identifier(name)}"
        case CreateSequence(sequence=made):
            return f"SEQUENCE {quote_name(made)}"
    return None


def _execute(sql: str) -> WayBack:
    return WayBack(alembic_execute(sql))


def _drop_column(table: QualifiedName, column: str) -> str:
    return alembic_call(
        "drop_column", code_string(table.name), code_string(column), schema_argument(table)
    )


def _drop_index(action: CreateIndex, before: Catalog) -> WayBack:
    name = action.name or choose_index_name(action, before)
    index = QualifiedName(action.table.schema, name)
    table = before.table(action.table)
    if table is not None and table.kind is RelationKind.PARTITIONED_TABLE:
        # It cannot be dropped concurrently; without parts it holds nobody up.
        return _execute(f"DROP INDEX {quote_name(index)}")
    return WayBack(drop_index_concurrently(DropIndex(index), action.table).alembic)


def _rename_back(action: Action) -> WayBack | None:
    """Return how what the action renames gets its old name."""
    match action:
        case RenameTable(table=table, new_name=new):
            call = alembic_call(
                "rename_table", code_string(new), code_string(table.name), schema_argument(table)
            )
            return WayBack(call)
        case RenameColumn(table=table, column=name, new_name=new):
            return _rename(f"TABLE {quote_name(table)} RENAME COLUMN", new, name)
        case RenameConstraint(table=table, name=name, new_name=new):
            return _rename(f"TABLE {quote_name(table)} RENAME CONSTRAINT", new, name)
        case RenameIndex(index=named, new_name=new):
            return _rename_object("INDEX", named, new)
        case RenameType(type=named, new_name=new):
            return _rename_object("TYPE", named, new)
        case RenameObject(kind=kind, name=named, new_name=new):
            return _rename_object(kind, named, new)
        case RenameSchema(name=name, new_name=new):
            return _rename("SCHEMA", new, name, " RENAME")
    return _change_back(action)


def _change_back(action: Action) -> WayBack | None:
    match action:
        case RenameEnumValue(type=name, label=label, new_label=new):
            change = f"RENAME VALUE {quote_literal(new)} TO {quote_literal(label)}"
            return _execute(f"ALTER TYPE {quote_name(name)} {change}")
        case SetSchema(table=table, new_schema=new) if table.schema is not None:
            moved = quote_name(QualifiedName(new, table.name))
            return _execute(f"ALTER TABLE {moved} SET SCHEMA {quote_identifier(table.schema)}")
        case SetRowSecurity(table=table, change=changed):
            opposite = _OPPOSITE[changed].value
            return _execute(f"ALTER TABLE {quote_name(table)} {opposite} ROW LEVEL SECURITY")
        case AlterSequence(sequence=name, type=None, owner=owner) if owner is not None:
            return _execute(f"ALTER SEQUENCE {quote_name(name)} OWNED BY NONE")
    return None


def _rename_object(kind: str, name: QualifiedName, new: str) -> WayBack:
    renamed = quote_name(QualifiedName(name.schema, new))
    return _execute(f"ALTER {kind} {renamed} RENAME TO {quote_identifier(name.name)}")


def _rename(what: str, new: str, old: str, verb: str = "") -> WayBack:
    names = f"{quote_identifier(new)}{verb} TO {quote_identifier(old)}"
    return _execute(f"ALTER {what} {names}")


def _put_column_back(action: Action, before: Catalog) -> WayBack | None:
    """Return how a column gets the type, default or NOT NULL that it had."""
    match action:
        case SetNotNull(table=table, column=name):
            old = before.column(table, name)
            if old is not None and old.is_not_null:
                return WayBack()
            return WayBack(_alter_column(table, name, "nullable=True"))
        case DropNotNull(table=table, column=name):
            return WayBack(_join(not_null_steps(table, (name,), before)))
        case SetDefault(table=table, column=name) | DropDefault(table=table, column=name):
            old = before.column(table, name)
            if old is None:
                return None
            default = "None" if old.default is None else f"sa.text({sql_string(old.default.sql)})"
            return WayBack(_alter_column(table, name, f"server_default={default}"))
        case AlterColumnType(table=table, column=name):
            old = before.column(table, name)
            if old is None or old.type is None:
                return None
            column, type_ = quote_identifier(name), type_sql(old.type)
            # Only from text there is no way but an explicit cast.
            is_explicit = action.type.name in _TEXTS and old.type.name not in _TEXTS
            using = f" USING {column}::{type_}" if is_explicit else ""
            table_name = quote_name(table)
            return _execute(f"ALTER TABLE {table_name} ALTER COLUMN {column} TYPE {type_}{using}")
    return None


def _alter_column(table: QualifiedName, column: str, change: str) -> str:
    return alembic_call(
        "alter_column",
        code_string(table.name),
        code_string(column),
        change,
        schema_argument(table),
    )


def _put_constraint_back(action: Action, before: Catalog, made: Made) -> WayBack | None:
    """Return how a table gets the constraints that it had."""
    match action:
        case AddConstraint(table=table, constraint=constraint):
            found = before.table(table)
            taken = found.constraints if found is not None else ()
            name = constraint.name or choose_constraint_name(table.name, constraint, taken)
            drop = _drop_constraint(table, name, constraint.kind)
            if constraint.index is None:
                return WayBack(drop)
            # The index it was made of goes with it, and was there before.
            index = made.index(before.beside(table, constraint.index))
            if index is None:
                return None
            remedy = build_index_concurrently(index, constraint.index, before)
            return WayBack(f"{drop}\n{remedy.alembic}")
        case ValidateConstraint(table=table, name=name):
            known = _find_constraint(table, name, before, made)
            steps = () if known is None else constraint_steps(table, known, before)
            if known is None or not steps:
                return None
            # There is no command that takes a validation back.
            return WayBack(f"{_drop_constraint(table, name, known.kind)}\n{steps[0].alembic}")
        case DropConstraint(table=table, name=name):
            known = _find_constraint(table, name, before, made)
            steps = () if known is None else constraint_steps(table, known, before)
            found = before.table(table)
            old = None if found is None else found.constraints.get(name)
            if old is not None and not old.is_valid:
                steps = steps[:1]
            return WayBack(_join(steps)) if steps else None
    return None


def _find_constraint(
    table: QualifiedName, name: str, before: Catalog, made: Made
) -> ConstraintDefinition | None:
    """Return the constraint as it was made, its name filled in."""
    known = made.constraint(before.resolve(table), name)
    if known is not None:
        return replace(known, name=name, is_not_valid=False, index=None)
    found = before.table(table)
    old = None if found is None else found.constraints.get(name)
    if old is None or old.kind is not ConstraintKind.CHECK or old.expression is None:
        return None
    return ConstraintDefinition(ConstraintKind.CHECK, name, expression=old.expression)


def _drop_constraint(table: QualifiedName, name: str, kind: ConstraintKind) -> str:
    word = _CONSTRAINT_TYPES.get(kind)
    return alembic_call(
        "drop_constraint",
        f"op.f({code_string(name)})",
        code_string(table.name),
        schema_argument(table),
        "" if word is None else f"type_={code_string(word)}",
    )


def _join(steps: Sequence[Step]) -> str:
    """Return the steps for one function: what validates runs outside of the others' transaction."""
    return "\n".join(
        autocommit(step.alembic) if " VALIDATE CONSTRAINT " in step.sql else step.alembic
        for step in steps
    )
