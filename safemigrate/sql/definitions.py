"""Columns and constraints, out of the parse tree."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from safemigrate.model import (
    ColumnDefinition,
    ColumnType,
    ConstraintDefinition,
    ConstraintKind,
    Expression,
    Generated,
    PartitionBound,
    Reference,
)
from safemigrate.sql.expressions import (
    SERIAL_TYPES,
    name_of_range,
    read_expression,
    read_strings,
    read_type,
)
from safemigrate.sql.parser import deparse_expression, nodes

__all__ = ["Positions", "read_bound", "read_column", "read_constraint"]

Positions = Callable[[int], int]
"""Translates the parser's byte offsets into character offsets."""

_KINDS = {
    nodes.ConstrType.CONSTR_PRIMARY: ConstraintKind.PRIMARY_KEY,
    nodes.ConstrType.CONSTR_UNIQUE: ConstraintKind.UNIQUE,
    nodes.ConstrType.CONSTR_FOREIGN: ConstraintKind.FOREIGN_KEY,
    nodes.ConstrType.CONSTR_CHECK: ConstraintKind.CHECK,
    nodes.ConstrType.CONSTR_EXCLUSION: ConstraintKind.EXCLUDE,
    nodes.ConstrType.CONSTR_NOTNULL: ConstraintKind.NOT_NULL,
}


def read_constraint(node: nodes.Constraint, positions: Positions) -> ConstraintDefinition:
    """Return a table constraint; of an inline one, the caller fills in the columns."""
    kind = _KINDS[node.contype]
    columns = read_strings(node.fk_attrs if kind is ConstraintKind.FOREIGN_KEY else node.keys)
    if kind is ConstraintKind.EXCLUDE:
        columns = tuple(
            element.list.items[0].index_elem.name
            for element in node.exclusions
            if element.list.items and element.list.items[0].index_elem.name
        )
    reference = None
    if kind is ConstraintKind.FOREIGN_KEY:
        reference = Reference(
            name_of_range(node.pktable),
            read_strings(node.pk_attrs),
            on_delete=_REFERENTIAL_ACTIONS.get(node.fk_del_action),
            on_update=_REFERENTIAL_ACTIONS.get(node.fk_upd_action),
            on_delete_columns=read_strings(node.fk_del_set_cols),
            is_match_full=node.fk_matchtype == "f",
        )
    is_enforced = node.is_enforced or kind not in _ENFORCEABLE
    return ConstraintDefinition(
        kind=kind,
        name=node.conname or None,
        columns=columns,
        reference=reference,
        expression=read_expression(node.raw_expr) if node.HasField("raw_expr") else None,
        is_not_valid=node.skip_validation and is_enforced,
        is_enforced=is_enforced,
        is_deferrable=node.deferrable,
        is_deferred=node.initdeferred,
        index=node.indexname or None,
        included=read_strings(node.including),
        is_nulls_not_distinct=node.nulls_not_distinct,
        is_local=node.is_no_inherit,
        offset=positions(node.location),
    )


# By the letters of pg_constraint.confdeltype; "a" is NO ACTION, the default.
_REFERENTIAL_ACTIONS = {
    "c": "CASCADE",
    "d": "SET DEFAULT",
    "n": "SET NULL",
    "r": "RESTRICT",
}

# Only these can be NOT ENFORCED (18); the parser leaves the flag unset on the others.
_ENFORCEABLE = frozenset({ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY})


def read_bound(bound: nodes.PartitionBoundSpec) -> PartitionBound | None:
    """Return the bound of a partition; None for the default one."""
    if bound.is_default:
        return None
    return PartitionBound(
        lower=tuple(map(_read_limit, bound.lowerdatums)),
        upper=tuple(map(_read_limit, bound.upperdatums)),
        values=tuple(map(deparse_expression, bound.listdatums)),
    )


def _read_limit(datum: nodes.Node) -> str | None:
    # The parser takes MINVALUE and MAXVALUE for columns.
    return None if datum.HasField("column_ref") else deparse_expression(datum)


def read_column(node: nodes.ColumnDef, positions: Positions) -> ColumnDefinition:
    """Return a column with everything written inline."""
    written = read_type(node.type_name)
    is_serial = written.schema is None and written.name in SERIAL_TYPES
    column = _Column(is_not_null=is_serial)
    for item in node.constraints:
        column.add(item.constraint, node.colname, positions)
    return ColumnDefinition(
        name=node.colname,
        type=ColumnType(SERIAL_TYPES[written.name]) if is_serial else written,
        is_not_null=column.is_not_null,
        default=column.default,
        generated=column.generated,
        is_identity=column.is_identity,
        constraints=tuple(column.constraints),
        is_serial=is_serial,
        collation=".".join(read_strings(node.coll_clause.collname)) or None,
        offset=positions(node.location),
    )


@dataclass(slots=True)
class _Column:
    """What the constraints of a column say so far."""

    is_not_null: bool
    default: Expression | None = None
    generated: Generated | None = None
    is_identity: bool = False
    constraints: list[ConstraintDefinition] = field(default_factory=list)

    def add(self, node: nodes.Constraint, name: str, positions: Positions) -> None:
        """Take in what one of them says."""
        types = nodes.ConstrType
        match node.contype:
            case types.CONSTR_NOTNULL:
                self.is_not_null = True
            case types.CONSTR_DEFAULT:
                self.default = read_expression(node.raw_expr)
            case types.CONSTR_IDENTITY:
                self.is_identity = self.is_not_null = True
            case types.CONSTR_GENERATED:
                is_virtual = node.generated_kind == "v"
                self.generated = Generated.VIRTUAL if is_virtual else Generated.STORED
                self.default = read_expression(node.raw_expr)
            case types.CONSTR_ATTR_NOT_ENFORCED if self.constraints:
                self.constraints[-1] = replace(self.constraints[-1], is_enforced=False)
            case contype if contype in _KINDS:
                constraint = replace(read_constraint(node, positions), columns=(name,))
                self.constraints.append(constraint)
                self.is_not_null |= constraint.kind is ConstraintKind.PRIMARY_KEY
