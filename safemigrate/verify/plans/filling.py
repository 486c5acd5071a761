"""Databases with something for the planner to go by: production's statistics, or generated rows."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection, open_connection
from safemigrate.verify.plans.expectations import Expectation
from safemigrate.verify.plans.statistics import (
    FIRST_WITH_STATISTICS,
    Statistic,
    put_statistics,
    read_statistics,
)
from safemigrate.verify.rows import fill_tables
from safemigrate.verify.stage import Stage, State

__all__ = ["Ground", "open_ground"]

_ROWS = 2_000

# What a view reads, down to the tables; a materialized view has rows of its own besides.
_TABLES = """
WITH RECURSIVE read (oid) AS (
    SELECT to_regclass(wanted.name)::oid FROM unnest(%s::text[]) AS wanted (name)
    UNION
    SELECT d.refobjid
    FROM read AS v
    JOIN pg_rewrite AS r ON r.ev_class = v.oid
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
)
SELECT n.nspname, c.relname, c.relkind = 'm',
    (SELECT coalesce(array_agg(pn.nspname || E'\\x1f' || p.relname), '{}')
     FROM pg_partition_tree(c.oid) AS leaf
     JOIN pg_class AS p ON p.oid = leaf.relid AND leaf.isleaf
     JOIN pg_namespace AS pn ON pn.oid = p.relnamespace)
FROM read JOIN pg_class AS c ON c.oid = read.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_'
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """A database to plan queries in.

    `generated`: tables with rows of our own instead of production's statistics, `empty`: those
    that got none, and why. `words`: what plans go by there.
    """

    connection: Connection
    generated: frozenset[QualifiedName]
    empty: Mapping[QualifiedName, str]
    words: str


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, or a materialized view, that queries read; `leaves`: its partitions."""

    name: QualifiedName
    is_view: bool
    leaves: tuple[QualifiedName, ...]


@contextmanager
def open_ground(
    stage: Stage, state: State, expectations: Iterable[Expectation]
) -> Iterator[Ground]:
    """Yield a copy of the database at that state on which the queries can be planned.

    An empty table proves nothing: a table gets what production's statistics say of it, where they
    are given and the server can take them, and else rows. Raises ConfigError for statistics that
    cannot be read.
    """
    statistics, words = _find_statistics(stage)
    with stage.database(state) as bench:
        tables = tuple(_list_tables(bench.connection, expectations))
        known = {one.relation for one in statistics}
        strange = [one for one in tables if known.isdisjoint({one.name, *one.leaves})]
        empty = _fill(bench.connection, strange)
        if statistics:
            sized = {
                part for one in tables if one not in strange for part in (one.name, *one.leaves)
            }
            put_statistics(bench.connection, statistics, sized)
        with open_connection(bench.url) as connection:
            yield Ground(connection, frozenset(one.name for one in strange), empty, words)


def _find_statistics(stage: Stage) -> tuple[tuple[Statistic, ...], str]:
    """Return production's statistics, none where they do not help, and what plans go by."""
    path = stage.choices.statistics
    words = f"{_ROWS:,} generated rows a table"
    if path is None:
        return (), words
    if stage.server.kind != "embedded" or stage.server.version.major < FIRST_WITH_STATISTICS:
        return (), f"{words}, as only an embedded server from 18 on takes statistics"
    return read_statistics(path), "production's statistics"


def _list_tables(connection: Connection, expectations: Iterable[Expectation]) -> Iterator[_Table]:
    names = {name for one in expectations for name in one.tables}
    quoted = [sql.Identifier(*filter(None, name)).as_string() for name in sorted(names, key=str)]
    for schema, name, is_view, leaves in connection.execute(_TABLES, (quoted,)):
        split = (leaf.split("\x1f") for leaf in leaves)
        yield _Table(
            QualifiedName(schema, name), is_view, tuple(QualifiedName(*one) for one in split)
        )


def _fill(connection: Connection, tables: Iterable[_Table]) -> Mapping[QualifiedName, str]:
    """Generate rows in the tables, look through them as autovacuum would; return what got none."""
    tables = tuple(tables)
    if not tables:
        return {}
    # VACUUM takes a row for visible to all when its commit is known to be in the log on disk
    connection.execute("SET synchronous_commit = on")
    filling = fill_tables(connection, [one.name for one in tables if not one.is_view], _ROWS)
    for one in tables:
        if one.is_view:
            connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(_quote(one.name)))
    # without VACUUM no page is known to be visible to all, and no scan can be index-only
    names = sql.SQL(", ").join(_quote(one.name) for one in tables)
    connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(names))
    return {
        one.name: filling.unsolved.get(one.name, "no rows could be generated")
        for one in tables
        if not one.is_view and not filling.rows.get(one.name)
    }


def _quote(name: QualifiedName) -> sql.Identifier:
    return sql.Identifier(*filter(None, name))
