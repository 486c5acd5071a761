"""Statements tried as somebody else, and taken back."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex

import psycopg
from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection
from safemigrate.verify.tenants.guarded import GuardedTable, Relation, View
from safemigrate.verify.tenants.rows import Query, keep_rows, raw

__all__ = [
    "Actor",
    "Count",
    "Guise",
    "Outcome",
    "Rights",
    "act",
    "choose_actors",
    "find_target",
    "read_rights",
    "staged",
    "stand_ins",
]

INSUFFICIENT_PRIVILEGE = "42501"
_LONGEST = "5s"

# The schemas that a project's own objects are in.
_SCHEMAS = """
    SELECT nspname FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'safemigrate')
"""
# A view takes what it can pass on to its table, and no more.
_RIGHTS = """
    SELECT has_any_column_privilege(r.oid, c.oid, 'SELECT'),
           has_table_privilege(r.oid, c.oid, 'DELETE')
               AND pg_relation_is_updatable(c.oid, false) & 16 > 0,
           array(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
                    AND NOT attisdropped AND has_column_privilege(r.oid, c.oid, attnum, 'INSERT')
                    AND pg_column_is_updatable(c.oid, attnum, false)),
           array(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
                    AND NOT attisdropped AND has_column_privilege(r.oid, c.oid, attnum, 'UPDATE')
                    AND pg_column_is_updatable(c.oid, attnum, false))
      FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE rolname = %s AND nspname = %s AND relname = %s
"""
# CMD_DELETE of nodes.h is 4: the fifth bit. TRIGGER_TYPE_INSTEAD of pg_trigger.h is 64.
_PASSES_ON = """
    WITH RECURSIVE below AS (
      SELECT %(view)s::oid AS relation
      UNION
      SELECT d.refobjid FROM below JOIN pg_rewrite r ON r.ev_class = relation
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                        AND d.refclassid = 'pg_class'::regclass
        JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'v'
    )
    SELECT pg_relation_is_updatable(%(view)s::oid, false) & 16 > 0
       AND NOT EXISTS (SELECT FROM below JOIN pg_trigger ON tgrelid = relation
                        WHERE tgtype & 64 > 0)
       AND NOT EXISTS (SELECT FROM below JOIN pg_rewrite ON ev_class = relation
                        WHERE ev_type <> '1')
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """A role that tries things.

    `shown`: as a reader knows it. `is_made`: for one transaction, as a member of nothing; what
    PUBLIC may, it may. `is_endowed`: it is given every right on the table, for nobody has one.
    """

    name: str
    shown: str
    is_made: bool = False
    is_endowed: bool = False


@dataclass(frozen=True, slots=True)
class Guise:
    """What the application sets before a statement; `user`: the role it logs in as, or ""."""

    settings: Mapping[str, str] = field(default_factory=dict)
    user: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """A question for somebody whom no policy binds, under these settings, answered by a number."""

    query: Query
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a statement: the rows it saw or changed, or why it was refused.

    `value`: the first column of the first row, where it returns rows.
    """

    count: int = 0
    value: str = ""
    sqlstate: str = ""
    message: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether a right, or a policy, is in the way."""
        return self.sqlstate == INSUFFICIENT_PRIVILEGE


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role may do with a relation; columns by plain name."""

    may_select: bool
    may_delete: bool
    inserts: frozenset[str]
    updates: frozenset[str]


def choose_actors(table: GuardedTable) -> tuple[Actor, ...]:
    """Return the roles to try: those with rights; where there are none, one that is given all."""
    actors = []
    for name in table.granted:
        if name:
            actors.append(Actor(name, f"role {name}"))
        else:
            actors.append(Actor(_make_name(), "role PUBLIC", is_made=True))
    return tuple(actors)


def stand_ins(table: GuardedTable) -> tuple[Actor, ...]:
    """Return who is given every right: the roles that policies name, else one made for it."""
    named = {one for policy in table.policies for one in policy.roles if one} - {table.owner}
    if named:
        return tuple(
            Actor(one, f"role {one} with every right", is_endowed=True) for one in sorted(named)
        )
    name = _make_name()
    return (Actor(name, "a role with every right", is_made=True, is_endowed=True),)


def _make_name() -> str:
    # roles are the cluster's, and others may be at work there
    return f"safemigrate_{token_hex(4)}"


@contextmanager
def staged(
    connection: Connection,
    table: GuardedTable,
    kept: Iterable[str],
    actor: Actor,
    *,
    has_owner: bool = False,
) -> Iterator[None]:
    """Let there be only those rows, and the role, until the block ends; then all is as before.

    `has_owner`: what is tried has its owner's rights, whom FORCE ROW LEVEL SECURITY must bind.
    """
    with connection.transaction(force_rollback=True):
        keep_rows(connection, table, kept)
        role = sql.Identifier(actor.name)
        if actor.is_made:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        for row in connection.execute(_SCHEMAS).fetchall():
            schema = sql.Identifier(row[0])
            _grant(connection, "GRANT USAGE ON SCHEMA {} TO {}", schema, role)
            if actor.is_endowed:
                _grant(connection, "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}", schema, role)
                _grant(connection, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {} TO {}", schema, role)
                _grant(
                    connection, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {} TO {}", schema, role
                )
        if actor.is_endowed:
            _grant(
                connection,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}",
                table.identifier,
                role,
            )
        if has_owner and table.is_forced:
            _lower_owners(connection, table)
        yield


def _lower_owners(connection: Connection, table: GuardedTable) -> None:
    """Give the table, and what reads it with its owner's rights, to an owner without more.

    The owner here may be a superuser, whom not even FORCE binds; in production it is not.
    """
    owner = sql.Identifier(_make_name())
    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(owner))
    for row in connection.execute(_SCHEMAS).fetchall():
        names = sql.Identifier(row[0]), owner
        connection.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(*names))
        connection.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA {} TO {}").format(*names))
    statements = [
        sql.SQL("ALTER TABLE {} OWNER TO {}").format(table.identifier, owner),
        *(
            sql.SQL("ALTER VIEW {} OWNER TO {}").format(one.identifier, owner)
            for one in table.views
            if one.owner == table.owner and not one.is_kept
        ),
        *(
            sql.SQL("ALTER ROUTINE {} OWNER TO {}").format(raw(one.identity), owner)
            for one in table.functions
            if one.owner == table.owner
        ),
    ]
    for statement in statements:
        connection.execute(statement)


def _grant(connection: Connection, text: str, *names: sql.Identifier) -> None:
    connection.execute(sql.SQL(text).format(*names))


def read_rights(connection: Connection, relation: Relation, actor: Actor) -> Rights:
    """Return what the role may do there; call it inside `staged`."""
    row = connection.execute(_RIGHTS, (actor.name, relation.schema, relation.name)).fetchone()
    if row is None:
        return Rights(may_select=False, may_delete=False, inserts=frozenset(), updates=frozenset())
    return Rights(bool(row[0]), bool(row[1]), frozenset(row[2]), frozenset(row[3]))


def find_target(
    connection: Connection, view: View, settings: Mapping[str, str]
) -> QualifiedName | None:
    """Return the table that a view passes on what is written to it; None where it takes nothing.

    Only for views that the server passes on by itself: what rules and INSTEAD OF triggers do is
    not known.
    `settings`: what conditions of the view may ask for. Raises psycopg.Error where that is not
    enough to plan it.
    https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
    """
    row = connection.execute(_PASSES_ON, {"view": view.oid}).fetchone()
    if row is None or not row[0]:
        return None
    query = sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) DELETE FROM {}").format(view.identifier)
    with connection.transaction(force_rollback=True):
        _set(connection, settings)
        row = connection.execute(query).fetchone()
    plan = row[0][0]["Plan"] if row else {}
    return QualifiedName(plan["Schema"], plan["Relation Name"]) if plan else None


def act(
    connection: Connection,
    actor: Actor,
    guise: Guise,
    statement: Query,
    *,
    check: Count | None = None,
    is_unguarded: bool = False,
) -> Outcome:
    """Return what came of the statement, which is taken back; call it inside `staged`.

    `check`: what is asked afterwards, whose answer is the count then.
    `is_unguarded`: with row_security off, which whom it binds may not have.
    """
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(
                sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(_LONGEST))
            )
            _dress(connection, actor, guise)
            if is_unguarded:
                connection.execute("SET LOCAL row_security = off")
            cursor = connection.execute(statement)
            first = cursor.fetchone() if cursor.description else None
            count = cursor.rowcount
            if check is not None:
                connection.execute("RESET ROLE")
                _set(connection, check.settings)
                row = connection.execute(check.query).fetchone()
                count = 0 if row is None else int(row[0])
    except psycopg.Error as error:
        message = error.diag.message_primary or type(error).__name__
        return Outcome(sqlstate=error.sqlstate or "", message=message)
    return Outcome(count, "" if first is None else str(first[0]))


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, true)", (name, value))


def _dress(connection: Connection, actor: Actor, guise: Guise) -> None:
    _set(connection, guise.settings)
    role = sql.Identifier(actor.name)
    if guise.user:
        user = sql.Identifier(guise.user)
        connection.execute(sql.SQL("CREATE ROLE {} IN ROLE {}").format(user, role))
        role = user
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
