"""EXPLAIN sent for a query, with its placeholders, on any version."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from safemigrate.model import QualifiedName, ServerVersion
from safemigrate.trace import Connection, describe_fault
from safemigrate.verify.plans.expectations import Expectation
from safemigrate.verify.plans.judging import Relations
from safemigrate.verify.plans.trees import PlanNode, read_plan

__all__ = ["Refusal", "ask_plan", "read_relations", "without"]

# https://www.postgresql.org/docs/16/release-16.html, E.15.3.1.4: the option GENERIC_PLAN
_FIRST_WITH_GENERIC_PLAN = 16
_PREPARED = sql.Identifier("safemigrate_plan")
_OPTIONS = sql.SQL("EXPLAIN (FORMAT JSON, VERBOSE) ")
_GENERIC_OPTIONS = sql.SQL("EXPLAIN (FORMAT JSON, VERBOSE, GENERIC_PLAN) ")

_RELATIONS = """
SELECT n.nspname, c.relname, c.relispartition AND c.relkind IN ('r', 'f'), pn.nspname, p.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid AND i.inhseqno = 1
LEFT JOIN pg_class AS p ON p.oid = i.inhparent
LEFT JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm', 'i', 'I')
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the server does not plan a query: it lacks a table, a column, or something else."""

    reason: str


def ask_plan(
    connection: Connection, expectation: Expectation, version: ServerVersion
) -> PlanNode | Refusal:
    """Return how the server plans the query in the state that it is in.

    With placeholders: for the parameters where they are given, else for any values.
    `connection` is in autocommit mode.
    """
    query = sql.SQL(expectation.query)
    try:
        if not expectation.has_placeholders:
            return _ask(connection, _OPTIONS + query)
        is_generic = expectation.parameters is None
        if is_generic and version.major >= _FIRST_WITH_GENERIC_PLAN:
            return _ask(connection, _GENERIC_OPTIONS + query)
        return _ask_prepared(connection, expectation, query)
    except psycopg.Error as error:
        if connection.closed:
            raise
        return Refusal(describe_fault(error))


def _ask(connection: Connection, statement: sql.Composed) -> PlanNode:
    row = connection.execute(statement).fetchone()
    return read_plan(None if row is None else row[0])


def _ask_prepared(connection: Connection, expectation: Expectation, query: sql.SQL) -> PlanNode:
    """Return the plan of a prepared statement: for its parameters, or the generic one."""
    given = expectation.parameters
    mode = "force_generic_plan" if given is None else "force_custom_plan"
    connection.execute("SELECT set_config('plan_cache_mode', %s, false)", (mode,))
    # else the NULLs that stand for any value would prune every partition when the plan is begun
    pruning = "on" if given else "off"
    connection.execute("SELECT set_config('enable_partition_pruning', %s, false)", (pruning,))
    connection.execute(sql.SQL("PREPARE {} AS ").format(_PREPARED) + query)
    try:
        values = given or _nulls(connection)
        execute = sql.SQL("EXECUTE {} ({})").format(
            _PREPARED, sql.SQL(", ").join(map(sql.Literal, values))
        )
        return _ask(connection, _OPTIONS + execute)
    finally:
        connection.execute(sql.SQL("DEALLOCATE {}").format(_PREPARED))
        connection.execute("RESET enable_partition_pruning")


def _nulls(connection: Connection) -> tuple[None, ...]:
    """Return a NULL for each placeholder of the prepared statement."""
    row = connection.execute(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = %s",
        (_PREPARED.as_string().strip('"'),),
    ).fetchone()
    return (None,) * (0 if row is None else int(row[0]))


@contextmanager
def without(connection: Connection, *scans: str) -> Iterator[None]:
    """Let the planner use these kinds of scans, such as `seqscan`, where there is no other way."""
    names = [f"enable_{scan}" for scan in scans]
    for name in names:
        connection.execute("SELECT set_config(%s, 'off', false)", (name,))
    try:
        yield
    finally:
        for name in names:
            connection.execute(sql.SQL("RESET {}").format(sql.Identifier(name)))


def read_relations(connection: Connection) -> Relations:
    """Return the tables and indexes of the database, but for the system's own."""
    names: set[QualifiedName] = set()
    parents: dict[QualifiedName, QualifiedName] = {}
    partitions: set[QualifiedName] = set()
    for schema, name, is_leaf, parent_schema, parent in connection.execute(_RELATIONS):
        own = QualifiedName(schema, name)
        names.add(own)
        if is_leaf:
            partitions.add(own)
        if parent is not None:
            parents[own] = QualifiedName(parent_schema, parent)
    return Relations(frozenset(names), parents, frozenset(partitions))
