"""Types, functions, sequences, extensions, privileges: what carries no rows."""

import re
from collections.abc import Iterable, Iterator

from safemigrate.model import (
    Action,
    AddEnumValue,
    AlterDomain,
    AlterSequence,
    ChangeCluster,
    ChangePrivileges,
    CreateEnum,
    CreateExtension,
    CreateSequence,
    DomainChange,
    QualifiedName,
    RenameEnumValue,
)
from safemigrate.sql.expressions import (
    name_of_range,
    name_of_strings,
    read_expression,
    read_strings,
    read_type,
)
from safemigrate.sql.parser import nodes

__all__ = [
    "CLUSTER_COMMANDS",
    "kind_of",
    "read_alter_domain",
    "read_alter_enum",
    "read_alter_sequence",
    "read_cluster_command",
    "read_create_enum",
    "read_create_extension",
    "read_create_sequence",
    "read_privileges",
    "read_role",
]


def kind_of(object_type: int) -> str:
    """Return what the parser calls a kind of object, as SQL writes it: `MATERIALIZED VIEW`."""
    name = str(nodes.ObjectType.Name(object_type)).removeprefix("OBJECT_")
    return _KINDS.get(name, name.replace("_", " "))


_KINDS = {
    "AMOP": "OPERATOR",
    "AMPROC": "OPERATOR",
    "FDW": "FOREIGN DATA WRAPPER",
    "FOREIGN_SERVER": "SERVER",
    "MATVIEW": "MATERIALIZED VIEW",
    "OPCLASS": "OPERATOR CLASS",
    "OPFAMILY": "OPERATOR FAMILY",
    "STATISTIC_EXT": "STATISTICS",
    "TSCONFIGURATION": "TEXT SEARCH CONFIGURATION",
    "TSDICTIONARY": "TEXT SEARCH DICTIONARY",
    "TSPARSER": "TEXT SEARCH PARSER",
    "TSTEMPLATE": "TEXT SEARCH TEMPLATE",
}


def read_role(role: nodes.RoleSpec) -> str:
    """Return the role's name; `public`, `current_user` and their like in lower case."""
    kind = str(nodes.RoleSpecType.Name(role.roletype))
    return str(role.rolename) or kind.removeprefix("ROLESPEC_").lower()


def read_create_enum(node: nodes.Node) -> list[Action]:
    """Return the action of CREATE TYPE … AS ENUM."""
    enum = node.create_enum_stmt
    name = name_of_strings(read_strings(enum.type_name))
    return [CreateEnum(name, read_strings(enum.vals))]


def read_alter_enum(node: nodes.Node) -> list[Action]:
    """Return the action of ALTER TYPE … ADD VALUE or RENAME VALUE."""
    change = node.alter_enum_stmt
    name = name_of_strings(read_strings(change.type_name))
    if change.old_val:
        return [RenameEnumValue(name, change.old_val, change.new_val)]
    is_placed = bool(change.new_val_neighbor)
    return [AddEnumValue(name, change.new_val, is_placed, change.skip_if_new_val_exists)]


# The letters of AlterDomainStmt.subtype (src/include/nodes/parsenodes.h).
_DOMAIN_CHANGES = {
    "T": DomainChange.DEFAULT,
    "N": DomainChange.DROP_NOT_NULL,
    "O": DomainChange.SET_NOT_NULL,
    "C": DomainChange.ADD_CHECK,
    "X": DomainChange.DROP_CONSTRAINT,
    "V": DomainChange.VALIDATE,
}


def read_alter_domain(node: nodes.Node) -> list[Action]:
    """Return the action of ALTER DOMAIN."""
    change = node.alter_domain_stmt
    domain = name_of_strings(read_strings(change.type_name))
    kind = _DOMAIN_CHANGES[change.subtype]
    if kind is not DomainChange.ADD_CHECK:
        return [AlterDomain(domain, kind, change.name or None)]
    constraint = getattr(change, "def").constraint
    if constraint.contype == nodes.ConstrType.CONSTR_NOTNULL:
        return [AlterDomain(domain, DomainChange.SET_NOT_NULL, constraint.conname or None)]
    return [
        AlterDomain(
            domain,
            kind,
            constraint.conname or None,
            read_expression(constraint.raw_expr),
            is_not_valid=constraint.skip_validation,
        )
    ]


def read_create_extension(node: nodes.Node) -> list[Action]:
    """Return the action of CREATE EXTENSION."""
    extension = node.create_extension_stmt
    return [CreateExtension(extension.extname, extension.if_not_exists)]


def read_create_sequence(node: nodes.Node) -> list[Action]:
    """Return the action of CREATE SEQUENCE."""
    sequence = node.create_seq_stmt
    return [
        CreateSequence(
            name_of_range(sequence.sequence),
            _read_owner(sequence.options),
            takes_existing=sequence.if_not_exists,
        )
    ]


def read_alter_sequence(node: nodes.Node) -> list[Action]:
    """Return the action of ALTER SEQUENCE."""
    sequence = node.alter_seq_stmt
    types = [
        read_type(option.def_elem.arg.type_name)
        for option in sequence.options
        if option.def_elem.defname == "as"
    ]
    return [
        AlterSequence(
            name_of_range(sequence.sequence),
            types[0] if types else None,
            _read_owner(sequence.options),
        )
    ]


def _read_owner(options: Iterable[nodes.Node]) -> QualifiedName | None:
    """Return the table of OWNED BY table.column; None without, and for NONE."""
    for option in options:
        if option.def_elem.defname == "owned_by":
            parts = read_strings(option.def_elem.arg.list.items)
            return name_of_strings(parts[:-1]) if len(parts) > 1 else None
    return None


def read_privileges(node: nodes.Node) -> list[Action]:
    """Return the action of GRANT or REVOKE on objects."""
    grant = node.grant_stmt
    is_of_schema = grant.targtype == nodes.GrantTargetType.ACL_TARGET_ALL_IN_SCHEMA
    return [
        ChangePrivileges(
            is_revoke=not grant.is_grant,
            kind=kind_of(grant.objtype),
            privileges=tuple(
                item.access_priv.priv_name.upper() or "ALL" for item in grant.privileges
            ),
            grantees=tuple(read_role(item.role_spec) for item in grant.grantees),
            tables=tuple(
                name_of_range(item.range_var)
                for item in grant.objects
                if item.HasField("range_var")
            ),
            schemas=read_strings(grant.objects) if is_of_schema else (),
            has_grant_option=grant.grant_option,
            objects=() if is_of_schema else tuple(_read_others(grant.objects)),
        )
    ]


def _read_others(objects: Iterable[nodes.Node]) -> Iterator[QualifiedName]:
    """Yield the names of what a GRANT names beside relations."""
    for item in objects:
        if item.HasField("object_with_args"):
            yield name_of_strings(read_strings(item.object_with_args.objname))
        elif item.HasField("list"):
            yield name_of_strings(read_strings(item.list.items))
        elif item.HasField("string"):
            yield QualifiedName(None, item.string.sval)


CLUSTER_COMMANDS = {
    "alter_database_refresh_coll_stmt": "ALTER DATABASE",
    "alter_database_set_stmt": "ALTER DATABASE",
    "alter_database_stmt": "ALTER DATABASE",
    "alter_role_set_stmt": "ALTER ROLE",
    "alter_role_stmt": "ALTER ROLE",
    "alter_system_stmt": "ALTER SYSTEM",
    "alter_table_space_options_stmt": "ALTER TABLESPACE",
    "create_role_stmt": "CREATE ROLE",
    "create_subscription_stmt": "CREATE SUBSCRIPTION",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "createdb_stmt": "CREATE DATABASE",
    "drop_role_stmt": "DROP ROLE",
    "drop_subscription_stmt": "DROP SUBSCRIPTION",
    "drop_table_space_stmt": "DROP TABLESPACE",
    "dropdb_stmt": "DROP DATABASE",
    "grant_role_stmt": "GRANT ROLE",
}
"""Statements that reach beyond the database, by the parser's name for them."""


def read_cluster_command(node: nodes.Node) -> list[Action]:
    """Return the action of a statement among `CLUSTER_COMMANDS`."""
    which = node.WhichOneof("node") or ""
    statement: nodes.CreateRoleStmt = getattr(node, which)
    kind = CLUSTER_COMMANDS[which]
    if which == "grant_role_stmt" and not node.grant_role_stmt.is_grant:
        kind = "REVOKE ROLE"
    fields = statement.DESCRIPTOR.fields_by_name
    for field in ("dbname", "tablespacename", "subname"):
        if field in fields:
            return [ChangeCluster(kind, getattr(statement, field))]
    # A role is a name in CREATE ROLE, and more than a name elsewhere.
    role = getattr(statement, "role", "") if "role" in fields else ""
    if not isinstance(role, str):
        role = read_role(role)
    options = statement.options if "options" in fields and "role" in fields else ()
    return [ChangeCluster(kind, role, has_password=any(map(_is_plain_password, options)))]


def _is_plain_password(option: nodes.Node) -> bool:
    """Return whether it is PASSWORD with the word itself, not with what a server keeps of it."""
    if option.def_elem.defname != "password" or not option.def_elem.HasField("arg"):
        return False
    return _VERIFIER.match(option.def_elem.arg.string.sval) is None


# Manual: "Password Authentication"; what CREATE ROLE takes as encrypted already.
_VERIFIER = re.compile(r"SCRAM-SHA-256\$|md5[0-9a-f]{32}\Z")
