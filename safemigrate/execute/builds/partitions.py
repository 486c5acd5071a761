"""CREATE INDEX CONCURRENTLY on a partitioned table, which PostgreSQL refuses as one statement.

The index of the parent is made alone, that of each partition concurrently, and attached; with the
last one the parent's becomes valid. Each step looks at the catalog first, so that a run that was
cut off goes on.
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from psycopg import sql
from sqlalchemy.engine import Connection

from safemigrate.catalog import choose_index_name
from safemigrate.errors import RevisionFailedError
from safemigrate.execute.builds.build import Build
from safemigrate.execute.builds.carrying import carry_through
from safemigrate.execute.builds.definitions import FoundIndex, foresee_definition, list_indexes
from safemigrate.execute.builds.indexes import IndexBuild, refuse_another
from safemigrate.execute.builds.looking import Relation
from safemigrate.execute.builds.parentage import Body, list_leaves, list_partitions, read_body
from safemigrate.execute.builds.short_steps import ShortSteps
from safemigrate.execute.builds.watching import Part, describe_start
from safemigrate.execute.failures import mark_cleared_up
from safemigrate.model import Catalog, CreateIndex, QualifiedName
from safemigrate.recipes.concurrent_index import build_index

__all__ = ["PartitionedBuild"]

Answer = TypeVar("Answer")

# A partition may be added while its siblings are at work.
_MOST_ROUNDS = 5
_FOREIGN = "f"


class PartitionedBuild:
    """Makes the index of a partitioned table, partition by partition."""

    def __init__(
        self, build: Build, action: CreateIndex, table: Relation, steps: ShortSteps
    ) -> None:
        self._build = build
        self._action = action
        self._table = table
        self._steps = steps
        self._has_changed = False
        self._number = 0
        self._count = 0

    def carry(self, before: Catalog) -> None:
        """Make the index; `before`: the catalog that the statement meets.

        Raises what a build does, and RevisionFailedError where it cannot be made so. What is done
        by then stays, and the next run goes on from there.
        """
        try:
            self._carry(before)
        except Exception as err:
            mark_cleared_up(err, is_cleared_up=not self._has_changed)
            raise

    def _carry(self, before: Catalog) -> None:
        self._count_leaves()
        self._action = replace(self._action, name=self._choose_name(before))
        index = self._find_own()
        if index is not None and index.is_valid and self._action.takes_existing:
            return
        if index is None or index.is_valid:
            # the server refuses a name that is taken
            only = replace(self._action, is_concurrent=False, is_only=True, takes_existing=False)
            self._change(build_index(only, self._action.name or ""))
        for _ in range(_MOST_ROUNDS):
            index = self._find_own()
            if index is None or index.is_valid:
                break
            self._number = 0
            self._fill(self._table, index)
        if index is None or not index.is_valid:
            raise RevisionFailedError(
                f'the index of "{self._table}" did not become valid, because something changed it, '
                "or its partitions, meanwhile"
            )

    def _count_leaves(self) -> None:
        leaves = self._ask(lambda one: list_leaves(one, self._table.oid))
        self._count = len(leaves)
        foreign = next((leaf for leaf in leaves if leaf.kind == _FOREIGN), None)
        if foreign is not None:
            raise RevisionFailedError(
                f'"{foreign}" is a foreign table, and the index of "{self._table}" cannot be put '
                "together from those of its partitions; build it without CONCURRENTLY"
            )

    def _choose_name(self, before: Catalog) -> str:
        """Return the name that is written, else that of an unfinished one, else PostgreSQL's."""
        if self._action.name is not None:
            return self._action.name
        indexes, wanted = self._ask(self._read_own)
        unfinished = (one for one in indexes if not one.is_valid and one.definition == wanted)
        found = next(unfinished, None)
        return choose_index_name(self._action, before) if found is None else found.relation.name

    def _find_own(self) -> FoundIndex | None:
        """Return the index of the parent, None where there is none yet."""
        indexes, wanted = self._ask(self._read_own)
        named = (one for one in indexes if one.relation.name == self._action.name)
        found = next(named, None)
        if found is None or found.definition == wanted:
            return found
        if self._action.takes_existing:
            raise refuse_another(found)
        return None

    def _read_own(self, connection: Connection) -> tuple[tuple[FoundIndex, ...], str | None]:
        return (
            list_indexes(connection, self._table.oid),
            foresee_definition(connection, self._table, self._action),
        )

    def _fill(self, table: Relation, index: FoundIndex) -> None:
        """Give every partition an index that is a part of this one."""
        for partition in self._ask(lambda one: list_partitions(one, table.oid)):
            found = self._find_part(partition, index) or self._make(partition, index)
            if not partition.is_partitioned:
                self._number += 1
            elif not found.is_valid:
                self._fill(partition, found)
            if found.parent is None:
                attach = sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
                    index.relation.identifier, found.relation.identifier
                )
                self._change(attach.as_string())

    def _find_part(self, partition: Relation, index: FoundIndex) -> FoundIndex | None:
        """Return the partition's index that is a part of the parent's, or can become one."""
        indexes = self._ask(lambda connection: list_indexes(connection, partition.oid))
        attached = (one for one in indexes if one.parent == index.relation.oid)
        free = (
            one
            for one in indexes
            if one.parent is None
            and one.definition == index.definition
            and not one.is_of_constraint
            and (one.is_valid or partition.is_partitioned)
        )
        return next(attached, None) or next(free, None)

    def _make(self, partition: Relation, index: FoundIndex) -> FoundIndex:
        """Return the partition's index, made under the name that PostgreSQL chooses."""
        body = self._ask(lambda connection: read_body(connection, index.relation))
        if partition.is_partitioned:
            self._change(body.write(partition, sql.SQL("ON ONLY")))
        else:
            self._build_leaf(partition, body)
        found = self._find_part(partition, index)
        if found is None:
            raise RevisionFailedError(
                f'the index that was made for the partition "{partition}" is gone, or another one'
            )
        return found

    def _build_leaf(self, partition: Relation, body: Body) -> None:
        statement = body.write(partition, sql.SQL("CONCURRENTLY ON"))
        name = QualifiedName(partition.schema, partition.name)
        action = replace(self._action, name=None, table=name, takes_existing=False)
        part = Part(self._number + 1, self._count)
        self._build.report(describe_start(self._build, part))
        job = IndexBuild(self._build, action, partition, lambda: self._build.sent.run(statement))
        self._has_changed = True
        carry_through(self._build, job, part)
        self._steps.note(statement)

    def _change(self, statement: str) -> None:
        self._steps.carry(statement)
        self._has_changed = True

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the answer, without which nothing can be put together."""
        answer = self._build.look(question)
        if answer is None:
            raise RevisionFailedError(
                f'the catalog of "{self._table}" cannot be read, and so its index not be put '
                "together from those of its partitions"
            )
        return answer
