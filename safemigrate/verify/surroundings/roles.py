"""Roles, which a server has once for all its databases, kept apart for each database of a proof.

A revision is run on many copies of a database, in any order and at the same time. A role that its
upgrade creates would be there already the second time, and could not be dropped while another copy
grants it something. So a role that the history creates is made once and stays until the end; which
database has it is written in a table of that database, in the transaction that creates the role,
and copied with it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import Engine

from safemigrate.errors import ServerError
from safemigrate.server import Server
from safemigrate.source import find_sqlstate
from safemigrate.source.connecting import listening
from safemigrate.sql import NamedRoles, quote_literal, read_roles, split_statements
from safemigrate.trace import Connection, describe_fault, open_connection
from safemigrate.trace.sessions import DriverSession, TransactionState

__all__ = ["list_roles", "prepare_for_roles", "replaying_roles", "standing_roles"]

_ROLE_COMMAND = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:CREATE|DROP)\s+(?:ROLE|USER(?!\s+MAPPING)|GROUP)\b",
    re.DOTALL | re.IGNORECASE,
)
_CREATES = re.compile(r"\bCREATE\s+(?:ROLE|USER|GROUP)\s+\"?(\w+)", re.IGNORECASE)
_IF_EXISTS = re.compile(r"\bIF\s+EXISTS\b", re.IGNORECASE)
_SAVEPOINT = "safemigrate_role"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DUPLICATE_OBJECT = "42710"
_UNIQUE_VIOLATION = "23505"  # two databases create it at the same time
_DEPENDENT_OBJECTS = "2BP01"
_UNDEFINED_OBJECT = "42704"
# What DROP ROLE says of dependents that it cannot name (shdepend.c).
_ELSEWHERE = re.compile(r"\d+ objects? in database |and \d+ other database")
_TABLE = sql.Identifier("safemigrate", "role")


def list_roles(statements: Iterable[str]) -> NamedRoles:
    """Return the roles that statements use, create and drop; several may stand in one text."""
    used: set[str] = set()
    created: set[str] = set()
    dropped: set[str] = set()
    for text in statements:
        # what a body creates is seen by its words, for it is text as well
        created.update(name.lower() for name in _CREATES.findall(text))
        for piece in split_statements(text):
            named = read_roles(piece.sql)
            used |= named.used
            created |= named.created
            dropped |= named.dropped
    return NamedRoles(frozenset(used), frozenset(created), frozenset(dropped))


@contextmanager
def standing_roles(server: Server, named: NamedRoles) -> Iterator[frozenset[str]]:
    """Have the roles that are used and never created; yield those that were there before anybody.

    They may log in nowhere. At the end they are dropped from a server that is somebody's, and so
    are those that the history has created there. Raises ServerError when they cannot be made.
    """
    with open_connection(server.url("postgres")) as connection, ExitStack() as stack:
        before = _read_names(connection)
        if server.states is not None and not server.states.is_new:
            # an earlier run has made them
            before -= named.created
        missing = sorted(named.used - named.created - before)
        if server.kind == "url":
            stack.callback(_drop, server, (named.used | named.created) - before)
        try:
            for name in missing:
                create = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name))
                connection.execute(create)
        except psycopg.Error as err:
            raise ServerError(
                f'the revisions name the role "{name}", which cannot be made there: '
                f"{describe_fault(err)}",
                "create it by hand, or give the role in the URL the attribute CREATEROLE",
            ) from err
        yield before | frozenset(missing)


def _read_names(connection: Connection) -> frozenset[str]:
    rows = connection.execute("SELECT rolname::text FROM pg_roles").fetchall()
    return frozenset(str(name) for (name,) in rows)


def _drop(server: Server, names: Iterable[str]) -> None:
    """Drop the roles that can be: one that a database which is not ours grants something stays."""
    with open_connection(server.url("postgres")) as connection:
        for name in sorted(names):
            statement = sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name))
            try:
                connection.execute(statement)
            except psycopg.Error as err:
                if find_sqlstate(err) != _DEPENDENT_OBJECTS:
                    raise ServerError(
                        f'the role "{name}" is left behind on the server: {describe_fault(err)}',
                        "drop it by hand",
                    ) from err


def prepare_for_roles(connection: Connection) -> None:
    """Make the table of the roles that a database has, where revisions may write it as anybody."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS safemigrate")
    connection.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} (name text PRIMARY KEY)").format(_TABLE)
    )
    connection.execute("GRANT USAGE ON SCHEMA safemigrate TO PUBLIC")
    connection.execute(sql.SQL("GRANT SELECT, INSERT, DELETE ON {} TO PUBLIC").format(_TABLE))


@contextmanager
def replaying_roles(there_before: frozenset[str]) -> Iterator[None]:
    """Let CREATE ROLE and DROP ROLE of a revision mean its own database, inside the block.

    `there_before`: roles that no revision has made; for them both commands do what they do. The
    database went through `prepare_for_roles`.
    """

    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        send = partial(cursor.execute, statement, parameters)
        return _replay(statement, send, context, there_before)

    def execute_no_params(cursor: Any, statement: str, context: Any) -> bool:
        return _replay(statement, partial(cursor.execute, statement), context, there_before)

    with (
        listening(Engine, "do_execute", execute),
        listening(Engine, "do_execute_no_params", execute_no_params),
    ):
        yield


def _replay(
    statement: str, send: Callable[[], object], context: Any, there_before: frozenset[str]
) -> bool:
    """Return whether the statement was taken to the server, so that the dialect need not."""
    if not _ROLE_COMMAND.match(statement):
        return False
    named = read_roles(statement)
    names = (named.created | named.dropped) - there_before
    if not names or (named.created | named.dropped) != names:
        return False
    session = DriverSession(context.root_connection.connection.dbapi_connection)
    if named.created:
        (name,) = names
        _create(session, send, name)
    else:
        _forget(session, send, sorted(names), is_lenient=bool(_IF_EXISTS.search(statement)))
    return True


def _create(session: DriverSession, send: Callable[[], object], name: str) -> None:
    if _has(session, name):
        # this database has it: the server says so in its own words
        send()
        return
    try:
        _guarded(session, send)
    except Exception as err:
        if find_sqlstate(err) not in {_DUPLICATE_OBJECT, _UNIQUE_VIOLATION}:
            raise
    session.run(f"INSERT INTO safemigrate.role VALUES ({quote_literal(name)})")  # noqa: S608 - quoted


def _forget(
    session: DriverSession, send: Callable[[], object], names: list[str], *, is_lenient: bool
) -> None:
    """Take the roles from this database, if nothing in it depends on them; they stay elsewhere."""
    for name in names:
        if not is_lenient and not _has(session, name):
            message = quote_literal(f'role "{name}" does not exist')
            session.run(
                f"DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '{_UNDEFINED_OBJECT}',"
                f" MESSAGE = {message}; END$$"
            )
    try:
        _guarded(session, send, is_kept=False)
    except Exception as err:
        if not _is_dependent_elsewhere(err):
            raise
    for name in names:
        session.run(f"DELETE FROM safemigrate.role WHERE name = {quote_literal(name)}")  # noqa: S608 - as above


def _has(session: DriverSession, name: str) -> bool:
    query = f"SELECT FROM safemigrate.role WHERE name = {quote_literal(name)}"
    return bool(session.ask(query))


def _guarded(session: DriverSession, send: Callable[[], object], *, is_kept: bool = True) -> None:
    """Send in a savepoint of a transaction; `is_kept`: what it does is not taken back."""
    is_own = session.state is TransactionState.IDLE and session.is_autocommit
    if is_own:
        session.run("BEGIN")
    session.run(f"SAVEPOINT {_SAVEPOINT}")
    try:
        send()
    except Exception:
        session.run(f"ROLLBACK TO {_SAVEPOINT}")
        if is_own:
            session.run("ROLLBACK")
        raise
    session.run(f"{'RELEASE' if is_kept else 'ROLLBACK TO'} {_SAVEPOINT}")
    if is_own:
        session.run("COMMIT")


def _is_dependent_elsewhere(error: BaseException) -> bool:
    """Return whether only other databases keep a role from being dropped."""
    if find_sqlstate(error) != _DEPENDENT_OBJECTS:
        return False
    cause = getattr(error, "orig", None) or error
    detail = getattr(getattr(cause, "diag", None), "message_detail", None) or getattr(
        cause, "detail", ""
    )
    lines = str(detail or "").splitlines()
    return bool(lines) and all(_ELSEWHERE.search(line) for line in lines)
