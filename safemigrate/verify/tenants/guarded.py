"""The tables that row-level security is on, as a server describes them."""

from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct
from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection

__all__ = [
    "Column",
    "DefinerFunction",
    "GuardedTable",
    "Policy",
    "Reference",
    "Relation",
    "View",
    "read_functions",
    "read_guarded",
]


class Relation(Struct, frozen=True):
    """A relation by its name, plain and as the server quotes it."""

    schema: str
    name: str
    identity: str

    @property
    def qualified(self) -> QualifiedName:
        """The plain name."""
        return QualifiedName(self.schema, self.name)

    @property
    def identifier(self) -> sql.Identifier:
        """The name for a statement."""
        return sql.Identifier(self.schema, self.name)


class Column(Struct, frozen=True):
    """A column.

    `is_settable`: a statement may give it a value of its own. `is_numbered`: it gets the next
    number of a sequence where it is given none.
    """

    name: str
    type: str
    is_settable: bool
    is_numbered: bool


class Policy(Struct, frozen=True):
    """A policy; `roles` has "" for PUBLIC. `columns`: of the table. `reads`: other relations."""

    name: str
    is_permissive: bool
    roles: tuple[str, ...]
    using: str
    check: str
    columns: tuple[str, ...]
    reads: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Both expressions, without those that are not there."""
        return tuple(one for one in (self.using, self.check) if one)


class Reference(Relation, frozen=True):
    """A foreign key: the table it leads to, its columns, and the columns there."""

    columns: tuple[str, ...]
    keys: tuple[str, ...]


class View(Relation, frozen=True):
    """A view that reads the table, maybe through others; `is_kept`: a materialized one."""

    is_kept: bool
    owner: str
    oid: int


class DefinerFunction(Relation, frozen=True):
    """A function with the rights of its owner that may read the table.

    `kind`: pg_proc.prokind. `arguments`: the types of those that go in, of which the last
    `defaults` may be left out.
    """

    kind: str
    owner: str
    arguments: tuple[str, ...]
    defaults: int
    oid: int


class GuardedTable(Relation, frozen=True):
    """A table with row-level security, or with policies.

    `primary`: the columns of its primary key. `parts`: its partitions, and tables that inherit from
    it, without policies of their own. `granted`: the roles with a right on it, its views or its
    parts, or named by a policy, "" for PUBLIC; without owner, superusers and those who bypass
    row-level security.
    """

    is_enabled: bool
    is_forced: bool
    owner: str
    columns: tuple[Column, ...]
    primary: tuple[str, ...]
    policies: tuple[Policy, ...]
    references: tuple[Reference, ...]
    parts: tuple[Relation, ...]
    views: tuple[View, ...]
    functions: tuple[DefinerFunction, ...]
    has_triggers: bool
    granted: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """The expressions of all policies."""
        return tuple(dict.fromkeys(one for policy in self.policies for one in policy.conditions))


_FUNCTIONS = """
    SELECT format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)),
           proname, pg_get_functiondef(p.oid)
      FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
     WHERE prokind IN ('f', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend
                        WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
"""


def read_guarded(connection: Connection) -> tuple[GuardedTable, ...]:
    """Return the tables with row-level security, or policies, of the whole database."""
    with connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        row = connection.execute(_query().encode()).fetchone()
    return msgspec.json.decode(str(row[0]) if row else "[]", type=tuple[GuardedTable, ...])


def read_functions(connection: Connection) -> tuple[tuple[str, str, str], ...]:
    """Return identity, name and definition of every function that the project made."""
    rows = connection.execute(_FUNCTIONS).fetchall()
    return tuple((str(one), str(name), str(text)) for one, name, text in rows)


@cache
def _query() -> str:
    return (files("safemigrate.verify.tenants") / "reading.sql").read_text(encoding="utf-8")
