"""Generated rows in tables and in all that they refer to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection, describe_fault
from safemigrate.trace.unbound import flush_counts
from safemigrate.verify.rows.inserting import Gone, insert_part, read_counters
from safemigrate.verify.rows.kindness import bind
from safemigrate.verify.rows.preparing import Part, prepare_tables
from safemigrate.verify.rows.tables import Reference, Schema, Table, read_tables

__all__ = ["Filling", "fill_tables"]


@dataclass(frozen=True, slots=True)
class Filling:
    """What was generated.

    `rows`: how many in each table, also in those referred to, and in each partition. `unsolved`:
    why there are none in a table, in words that name the constraint or what the server says.
    """

    rows: Mapping[QualifiedName, int]
    unsolved: Mapping[QualifiedName, str]


def fill_tables(
    connection: Connection,
    tables: Iterable[QualifiedName],
    rows: int,
    *,
    except_for: Collection[QualifiedName] = (),
    kind_to: Schema | None = None,
    rows_referred_to: int | None = None,
    gone: Mapping[QualifiedName, Gone] | None = None,
) -> Filling:
    """Insert that many rows into each table, and into those it refers to; the same ones each time.

    A table whose keys do not have so many values gets fewer. `except_for`: tables that get none,
    and are referred to as they are. `kind_to`: another schema, whose conditions, keys and types the
    rows meet too, where its tables and columns have the same names. `rows_referred_to`: how many
    the other tables get, those that are only referred to. `gone`: the keys that no row of a table
    gets, because earlier rows had them.
    `connection` is in autocommit mode, outside a transaction, and its role may insert into every
    table past row-level security.
    """
    asked = set(tables)
    if kind_to is not None:
        asked |= {
            one.target
            for name in asked & kind_to.tables.keys()
            for one in kind_to.tables[name].references or ()
        }
    schema = read_tables(connection, asked)
    ordered = _order(
        [bind(one, kind_to) for name, one in schema.tables.items() if name not in except_for]
    )
    parts = prepare_tables(connection, ordered, schema, kind_to, rows)
    few = rows if rows_referred_to is None else rows_referred_to
    roots = {leaf.qualified: one.qualified for one in ordered for leaf in one.leaves or ()}
    wanted = {roots.get(name, name) for name in asked}
    fill = _Fill(
        connection,
        {one: rows if one.qualified in wanted else few for one in ordered},
        dict(zip(ordered, parts, strict=True)),
        gone or {},
    )
    promised = {reference for table in ordered for reference in fill.find_promises(table)}
    try:
        with connection.transaction() if promised else nullcontext():
            if promised:
                connection.execute("SET CONSTRAINTS ALL DEFERRED")
            fill.run()
    except psycopg.Error as error:
        if not promised:
            raise
        reason = f"its circle of references does not close: {describe_fault(error)}"
        return Filling({}, dict.fromkeys((one.qualified for one in ordered), reason))
    # what a session counts it tells late, and somebody may count what comes next
    flush_counts(connection)
    return Filling(fill.counts, fill.unsolved)


@dataclass(slots=True)
class _Fill:
    """The work of one call; `late`: tables that could not refer to all they should at first."""

    connection: Connection
    rows: Mapping[Table, int]
    parts: Mapping[Table, list[Part]]
    gone: Mapping[QualifiedName, Gone]
    counts: dict[QualifiedName, int] = field(default_factory=dict)
    unsolved: dict[QualifiedName, str] = field(default_factory=dict)
    late: list[Table] = field(default_factory=list)

    def run(self) -> None:
        """Fill every table, in order."""
        for table in self.parts:
            self._begin(table)
        for table in self.late:
            self._fill(table, self.rows[table] - self.counts[table.qualified], {})

    def find_promises(self, table: Table) -> list[Reference]:
        """Return the references to rows that are to be inserted later in the same transaction."""
        names = [one.qualified for one in self.parts]
        later = names[names.index(table.qualified) + 1 :]
        return [
            one
            for one in table.references or ()
            if one.target in later and one.is_deferrable and not table.may_leave_open(one)
        ]

    def _begin(self, table: Table) -> None:
        """Fill a table, or a half of it where it refers to what is still to be filled."""
        promised = {one.name: self._promise(one) for one in self.find_promises(table)}
        names = {one.qualified for one in self.parts}
        is_early = any(
            one.target in names and one.target not in self.counts and one.name not in promised
            for one in table.references or ()
        )
        self.counts[table.qualified] = 0
        if is_early:
            self.late.append(table)
        rows = self.rows[table]
        self._fill(table, (rows + 1) // 2 if is_early else rows, promised)

    def _fill(
        self, table: Table, rows: int, promised: Mapping[str, Sequence[tuple[str, ...]]]
    ) -> None:
        name, parts = table.qualified, self.parts[table]
        if not parts:
            self.unsolved[name] = "it has no partition that takes rows"
        share, more = divmod(rows, len(parts) or 1)
        parents = {
            one.name: promised.get(one.name) or self._keys(one) for one in table.references or ()
        }
        reason = ""
        for number, part in enumerate(parts):
            part.drawer.refer_to(parents)
            wanted = share + (number < more)
            if rows and part.leaf is not None:
                wanted = max(wanted, 1)
            inserted = insert_part(self.connection, part, wanted, self.gone.get(name))
            reason = reason or inserted.reason
            self.counts[name] += inserted.rows
            if part.leaf is not None and table.leaves is not None:
                leaf = table.leaves[part.leaf].qualified
                self.counts[leaf] = self.counts.get(leaf, 0) + inserted.rows
        if self.counts[name]:
            self.unsolved.pop(name, None)
        elif reason:
            self.unsolved[name] = reason

    def _promise(self, reference: Reference) -> Sequence[tuple[str, ...]]:
        """Decide the keys of rows that are still to be inserted, and return them."""
        target = next(one for one in self.parts if one.qualified == reference.target)
        drawer = self.parts[target][0].drawer
        drawer.refer_to({})
        rows = self.rows[target]
        counters = read_counters(self.connection, target, rows)
        return drawer.promise(reference.targets, counters, rows)

    def _keys(self, reference: Reference) -> Sequence[tuple[str, ...]]:
        """Return what there is to refer to, as text."""
        columns = [sql.Identifier(one) for one in reference.targets]
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(one) for one in columns),
            sql.Identifier(reference.schema, reference.table),
            sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(one) for one in columns),
            sql.SQL(", ").join(sql.SQL('{}::text COLLATE "C"').format(one) for one in columns),
            sql.Literal(max(self.rows.values(), default=0)),
        )
        return self.connection.execute(query).fetchall()


def _order(tables: Iterable[Table]) -> list[Table]:
    """Return the tables, each after those it refers to.

    In a circle, the reference that need not be there is left open, else one that may be checked
    later.
    """
    waiting = {one.qualified: one for one in tables}
    ordered: list[Table] = []

    def openness(table: Table) -> int:
        open_ = [
            0 if table.may_leave_open(one) else 1 if one.is_deferrable else 2
            for one in table.references or ()
            if one.target in waiting and one.target != table.qualified
        ]
        return max(open_, default=-1)

    while waiting:
        ready = [one for one in waiting.values() if openness(one) < 0]
        next_ = ready or [min(waiting.values(), key=openness)]
        ordered += [waiting.pop(one.qualified) for one in next_]
    return ordered
