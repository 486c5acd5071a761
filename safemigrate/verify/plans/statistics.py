"""Production's statistics in a throwaway database: how big its tables are, and what is in them."""

import math
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from psycopg import sql
from psycopg.errors import InvalidSchemaName, UndefinedColumn, UndefinedTable

from safemigrate.errors import ConfigError
from safemigrate.model import QualifiedName
from safemigrate.source.excerpt import show_path
from safemigrate.source.text import read_text
from safemigrate.trace import Connection
from safemigrate.verify.plans.trees import read_plan

__all__ = ["FIRST_WITH_STATISTICS", "Statistic", "put_statistics", "read_statistics"]

# https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-ADMIN-STATSMOD
FIRST_WITH_STATISTICS = 18
# As pg_dump writes it: outside of strings there is neither a parenthesis nor a semicolon.
_RESTORE = re.compile(
    r"^SELECT \* FROM pg_catalog\.pg_restore_(?:relation|attribute)_stats\("
    r"[^');]*(?:'[^']*'[^');]*)*\);",
    re.MULTILINE,
)
_ARGUMENT = re.compile(r"'(schemaname|relname)',\s*'((?:[^']|'')*)'")
# An item of an index: its header, its line pointer, and pages nine tenths full
# (https://www.postgresql.org/docs/18/storage-page-layout.html).
_ITEM_BYTES = 12
_FILL = 0.9
_PAGE_HEADER_BYTES = 40
_UNKNOWN_WIDTH = 16

_INDEXES = """
SELECT n.nspname, ic.relname, c.oid::regclass::text, c.reltuples,
    pg_get_expr(i.indpred, i.indrelid),
    (SELECT sum(coalesce((SELECT max(s.stawidth) FROM pg_statistic AS s
                          WHERE s.starelid = i.indrelid AND s.staattnum = k.number), %(width)s))
     FROM unnest(i.indkey::smallint[]) AS k (number))
FROM pg_index AS i
JOIN pg_class AS ic ON ic.oid = i.indexrelid AND ic.relkind = 'i'
JOIN pg_namespace AS n ON n.oid = ic.relnamespace
JOIN pg_class AS c ON c.oid = i.indrelid
WHERE i.indrelid = ANY (%(tables)s::oid[])
"""

_FILES = """
SELECT pg_relation_filepath(c.oid), c.relpages
FROM pg_class AS c
WHERE c.relpages > 0 AND pg_relation_filepath(c.oid) IS NOT NULL
    AND (c.oid = ANY (%(tables)s::oid[])
        OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = ANY (%(tables)s::oid[])))
"""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statement that restores what is known of a table, of one of its columns, or an index."""

    relation: QualifiedName
    sql: str


def read_statistics(path: Path) -> tuple[Statistic, ...]:
    """Return the statements of a file that `pg_dump --statistics-only` wrote.

    Raises ConfigError for a file that has none.
    """
    found = _read(read_text(path, error=ConfigError))
    if not found:
        raise ConfigError(
            f'"{show_path(path)}" has no statistics',
            "write it with pg_dump 18 or later: pg_dump --statistics-only",
        )
    return found


@lru_cache(maxsize=2)  # one file is asked for once a revision
def _read(text: str) -> tuple[Statistic, ...]:
    return tuple(_pick(text))


def _pick(text: str) -> Iterator[Statistic]:
    for match in _RESTORE.finditer(text):
        names = {key: value.replace("''", "'") for key, value in _ARGUMENT.findall(match[0])}
        if len(names) == len({"schemaname", "relname"}):
            yield Statistic(QualifiedName(names["schemaname"], names["relname"]), match[0])


def put_statistics(
    connection: Connection, statistics: Iterable[Statistic], tables: Collection[QualifiedName]
) -> None:
    """Restore the statistics of the tables and their indexes, as far as the database has them.

    An index that the statistics do not know is new: it is given the size that it would have.
    `connection` is a superuser's, in autocommit mode, on PostgreSQL 18 or later, and the server's
    files are ours to change. Sessions opened from now on see how long they are.
    """
    arguments = {"tables": _find_oids(connection, tables), "width": _UNKNOWN_WIDTH}
    rows = connection.execute(_INDEXES, arguments).fetchall()
    wanted = {*tables, *(QualifiedName(row[0], row[1]) for row in rows)}
    known = {
        one.relation for one in statistics if one.relation in wanted and _restore(connection, one)
    }
    # what is in memory only would be written over what is made longer
    connection.execute("CHECKPOINT")
    _extend_files(connection, arguments)
    for schema, index, table, count, predicate, width in connection.execute(_INDEXES, arguments):
        name = QualifiedName(schema, index)
        if name not in known:
            held = count if predicate is None else _estimate(connection, table, predicate)
            _invent(connection, name, max(float(held), 0.0), int(width))
    _extend_files(connection, arguments)


def _restore(connection: Connection, statistic: Statistic) -> bool:
    """Run the statement; return whether the database has what it is about."""
    try:
        connection.execute(statistic.sql.encode())
    except (InvalidSchemaName, UndefinedColumn, UndefinedTable):
        return False
    return True


def _estimate(connection: Connection, table: str, predicate: str) -> float:
    """Return how many rows a partial index holds; both texts are the server's own words."""
    query = f"EXPLAIN (FORMAT JSON) SELECT FROM ONLY {table} WHERE {predicate}"
    return read_plan(connection.execute(query.encode()).fetchall()[0][0]).rows


def _invent(connection: Connection, index: QualifiedName, rows: float, width: int) -> None:
    block = _read_setting(connection, "block_size")
    item = _ITEM_BYTES + 8 * math.ceil(width / 8)
    pages = 1 + math.ceil(rows * item / ((block - _PAGE_HEADER_BYTES) * _FILL))
    connection.execute(
        "SELECT pg_restore_relation_stats('schemaname', %s::text, 'relname', %s::text,"
        " 'relpages', %s::integer, 'reltuples', %s::real)",
        (index.schema, index.name, pages, rows),
    )


def _extend_files(connection: Connection, arguments: Mapping[str, object]) -> None:
    """Make the files of the tables and their indexes as long as their statistics say.

    The planner goes by a file's length, and takes only the density of rows from the statistics.
    The files are sparse, and a page of zeros is a new page.
    """
    folder = Path(str(connection.execute("SHOW data_directory").fetchall()[0][0]))
    block = _read_setting(connection, "block_size")
    segment = _read_setting(connection, "segment_size")
    for place, pages in connection.execute(_FILES, arguments).fetchall():
        _extend(folder / place, int(pages), block, segment)


def _extend(first: Path, pages: int, block: int, segment: int) -> None:
    """Extend a relation's file, and make the further ones that a big relation has."""
    owner = first.stat()
    for number in range(math.ceil(pages / segment)):
        file = first if number == 0 else first.with_name(f"{first.name}.{number}")
        size = min(segment, pages - number * segment) * block
        if not file.exists():
            file.touch(mode=0o600)
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(file, owner.st_uid, owner.st_gid)
        if file.stat().st_size < size:
            os.truncate(file, size)


def _read_setting(connection: Connection, name: str) -> int:
    """Return a setting in the unit that the server counts it in."""
    query = "SELECT setting FROM pg_settings WHERE name = %s"
    return int(connection.execute(query, (name,)).fetchall()[0][0])


def _find_oids(connection: Connection, tables: Collection[QualifiedName]) -> list[int]:
    """Return the oids of those of the tables that are there."""
    names = [sql.Identifier(*filter(None, name)).as_string() for name in tables]
    rows = connection.execute(
        "SELECT to_regclass(name)::oid FROM unnest(%s::text[]) AS n (name)", (names,)
    )
    return [row[0] for row in rows if row[0] is not None]
