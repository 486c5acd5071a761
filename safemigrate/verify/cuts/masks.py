"""What IF NOT EXISTS takes for the thing it should make, found by making the thing."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from psycopg import sql

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    Action,
    AddColumn,
    CreateIndex,
    CreateSequence,
    CreateTable,
    CreateView,
    QualifiedName,
)
from safemigrate.sql import read_actions, split_statements
from safemigrate.trace.sessions import DriverSession
from safemigrate.verify.cuts.statements import Sending
from safemigrate.verify.definitions import join_definition, split_definition
from safemigrate.verify.differences import find_differences
from safemigrate.verify.snapshots import Snapshot, VersionTable, read_snapshot

__all__ = ["builds_beside", "find_masked", "says_if_not_exists"]

_IF_NOT_EXISTS = re.compile(r"\bIF\s+NOT\s+EXISTS\b", re.IGNORECASE)
_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
# Who owns a thing and who may use it is not said by CREATE.
_NOT_SAID = ("acl=", "owner=")
# pg_class.relkind: https://www.postgresql.org/docs/current/catalog-pg-class.html
_WORDS = {
    "S": "SEQUENCE",
    "I": "INDEX",
    "f": "FOREIGN TABLE",
    "i": "INDEX",
    "m": "MATERIALIZED VIEW",
    "p": "TABLE",
    "r": "TABLE",
    "v": "VIEW",
}
_RELATION = sql.SQL(
    "SELECT relkind::text, relnamespace::regnamespace::text, relname::text FROM pg_class"
    " WHERE relname = {name} AND relnamespace = {schema}"
)
_COLUMN = sql.SQL(
    "SELECT 'column', relnamespace::regnamespace::text, relname::text"
    " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
    " WHERE attrelid = to_regclass({table}) AND attname = {name} AND NOT attisdropped"
)


def says_if_not_exists(text: str) -> bool:
    """Return whether a statement says so, or may."""
    return _IF_NOT_EXISTS.search(text) is not None


def builds_beside(text: str) -> bool:
    """Return whether it is CREATE INDEX CONCURRENTLY, which leaves something when it fails."""
    return _CONCURRENTLY.search(text) is not None and any(
        isinstance(action, CreateIndex) and action.is_concurrent for action in _read(text)
    )


def find_masked(sending: Sending, version_table: VersionTable) -> tuple[str, ...]:
    """Return how what is there differs from what the statement would make, in lines.

    What is there is dropped, the statement makes its own, both are compared, and all of it is
    rolled back. None is there, or one that has all that the statement says and perhaps more: no
    lines. Of schemas, extensions and labels there is nothing to compare.
    Raises what the driver raises; the session is left as it was all the same.
    """
    session = sending.session
    things = [one for action in _read(sending.statement.sql) for one in _name_thing(action)]
    with _undone(session, "safemigrate_mask", is_outside=sending.statement.is_autocommit):
        there = [(thing, row) for thing in things for row in session.ask(thing.query)]
        strangers = tuple(
            f"- {thing.kind} {row[1]}.{row[2]}, for a {_WORDS[row[0]].lower()} has its name"
            for thing, row in there
            if thing.column is None and _WORDS.get(row[0]) != thing.kind.upper()
        )
        if strangers or not there:
            return strangers
        # several can be made at once, and only some of them be there
        text = _CONCURRENTLY.sub("", sending.statement.sql, count=1)
        with _undone(session, "safemigrate_found"):
            sending.send(text)
            found = _look(session, version_table)
        for thing, row in there:
            session.run(thing.removal(row[1], row[2]))
        without = _look(session, version_table)
        sending.send(text)
        made = _look(session, version_table)
    wanted = {key: one for key, one in made.items() if without.get(key) != one}
    kept = {key: one for key, one in found.items() if key in wanted}
    return find_differences(Snapshot(wanted, {}), Snapshot(kept, {}))


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something that IF NOT EXISTS looks for, by its name.

    `query` returns its kind as the catalog has it, and schema and name of its relation, quoted.
    """

    kind: str
    query: str
    column: str | None = None

    def removal(self, schema: str, name: str) -> str:
        """Return the statement that drops it; `schema` is quoted, `name` is not."""
        relation = sql.SQL("{}.{}").format(sql.SQL(schema), sql.Identifier(name))
        if self.column is not None:
            drop = sql.SQL("ALTER TABLE {} DROP COLUMN {} CASCADE")
            return drop.format(relation, sql.Identifier(self.column)).as_string()
        return sql.SQL("DROP {} {} CASCADE").format(sql.SQL(self.kind), relation).as_string()


def _name_thing(action: Action) -> Iterator[_Thing]:
    match action:
        case CreateTable(table=name, takes_existing=True):
            yield _Thing("table", _find_relation(name))
        case CreateSequence(sequence=name):
            yield _Thing("sequence", _find_relation(name))
        case CreateView(view=name, is_materialized=True):
            yield _Thing("materialized view", _find_relation(name))
        case CreateIndex(name=str(name), table=table, takes_existing=True):
            yield _Thing("index", _find_index(name, table))
        case AddColumn(table=table, column=column, takes_existing=True):
            query = _COLUMN.format(table=_spell(table), name=sql.Literal(column.name))
            yield _Thing("column", query.as_string(), column.name)
        case _:
            pass


def _find_relation(name: QualifiedName) -> str:
    # it is looked for only where it would be made
    schema = (
        sql.SQL("current_schema()::regnamespace")
        if name.schema is None
        else sql.SQL("to_regnamespace({})").format(_quote(name.schema))
    )
    return _RELATION.format(name=sql.Literal(name.name), schema=schema).as_string()


def _find_index(name: str, table: QualifiedName) -> str:
    schema = sql.SQL("(SELECT relnamespace FROM pg_class WHERE oid = to_regclass({}))")
    return _RELATION.format(name=sql.Literal(name), schema=schema.format(_spell(table))).as_string()


def _spell(name: QualifiedName) -> sql.Literal:
    parts = [part for part in name if part is not None]
    return sql.Literal(sql.Identifier(*parts).as_string())


def _quote(name: str) -> sql.Literal:
    return sql.Literal(sql.Identifier(name).as_string())


def _look(session: DriverSession, version_table: VersionTable) -> Mapping[tuple[str, str], str]:
    """Return the objects as the session sees them, without what CREATE does not say."""
    with _undone(session, "safemigrate_look"):
        objects = read_snapshot(session.ask, version_table).objects
    return {key: _leave_out(definition) for key, definition in objects.items()}


def _leave_out(definition: str) -> str:
    parts = split_definition(definition)
    return join_definition(part for part in parts if not part.startswith(_NOT_SAID))


@contextmanager
def _undone(session: DriverSession, name: str, *, is_outside: bool = False) -> Iterator[None]:
    """Roll back what the block does; `is_outside`: the session is in no transaction."""
    save = "BEGIN" if is_outside else f"SAVEPOINT {name}"
    session.run(save)
    try:
        yield
    finally:
        if is_outside:
            session.run("ROLLBACK")
        else:
            session.run(f"ROLLBACK TO SAVEPOINT {name}")
            session.run(f"RELEASE SAVEPOINT {name}")


def _read(text: str) -> tuple[Action, ...]:
    actions: list[Action] = []
    for statement in split_statements(text):
        # what does not parse is the server's to refuse
        with suppress(SqlSyntaxError):
            actions += read_actions(statement.sql)
    return tuple(actions)
