"""The roles that a statement names."""

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import Message

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.limits import read_with_room
from safemigrate.sql.parser import nodes, parse_statement, walk_nodes

__all__ = ["NamedRoles", "read_roles"]

_NONE = "none"


@dataclass(frozen=True, slots=True)
class NamedRoles:
    """Names as PostgreSQL stores them: `created` by the statement, `dropped`, or only `used`."""

    used: frozenset[str] = frozenset()
    created: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()


def read_roles(sql: str) -> NamedRoles:
    """Return the roles that one statement names; none for what does not parse.

    What stands in a body, such as that of DO, is not read.
    """
    try:
        return read_with_room(sql, lambda text: _read(parse_statement(text)))
    except SqlSyntaxError:
        return NamedRoles()


def _read(tree: nodes.Node) -> NamedRoles:
    statement = getattr(tree, tree.WhichOneof("node") or "", None)
    if isinstance(statement, nodes.CreateRoleStmt):
        return NamedRoles(_names(tree), created=frozenset({statement.role}))
    if isinstance(statement, nodes.DropRoleStmt):
        return NamedRoles(dropped=_names(tree))
    if isinstance(statement, nodes.VariableSetStmt) and statement.name in {
        "role",
        "session_authorization",
    }:
        values = (one.a_const.sval.sval for one in statement.args)
        return NamedRoles(frozenset(name for name in values if name not in {"", _NONE}))
    return NamedRoles(_names(tree))


def _names(tree: nodes.Node) -> frozenset[str]:
    return frozenset(name for one in walk_nodes(tree) for name in _list_names(one))


def _list_names(message: Message) -> Iterator[str]:
    """Yield the roles among the fields of a message; CURRENT_USER and PUBLIC are none."""
    if isinstance(message, nodes.GrantRoleStmt):
        yield from (one.access_priv.priv_name for one in message.granted_roles)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        values = value if field.is_repeated else [value]
        for one in values:
            spec = one.role_spec if isinstance(one, nodes.Node) else one
            if isinstance(spec, nodes.RoleSpec) and spec.rolename:
                yield spec.rolename
