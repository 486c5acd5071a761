"""The matrix: a role, as one tenant, as nobody and with empty settings, against every command."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from psycopg import sql

from safemigrate.trace import Connection
from safemigrate.verify.tenants.acting import (
    Actor,
    Count,
    Guise,
    Outcome,
    Rights,
    act,
    read_rights,
    staged,
)
from safemigrate.verify.tenants.guarded import GuardedTable, Relation, View
from safemigrate.verify.tenants.rows import Query, keep_rows, read_rows
from safemigrate.verify.tenants.tenancy import Tenancy, Tenant

__all__ = ["Leak", "Matrix", "Sessions", "describe_guise", "quote"]

# A constraint, or a trigger, had its say: the row was reached, or let through.
_REACHED = ("23", "P0")
_CONSTRAINT = "23"
_DONE = {
    "DELETE": "removes",
    "SELECT": "sees",
    "UPDATE": "changes",
}


@dataclass(frozen=True, slots=True)
class Leak:
    """A cell of the matrix that is not as it must be.

    `cell`: what it is, without figures: who, as what, which command, on what.
    """

    cell: tuple[str, ...]
    line: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """Two sessions of a superuser; in `unset` nobody has ever set anything.

    Once a custom setting was set it is empty, and never unset again, until the session ends.
    """

    usual: Connection
    unset: Connection


@dataclass(slots=True)
class Matrix:
    """The cells of one role and one relation: the table, a part of it, or a view that writes to it.

    What views show is not asked here: see `entrances`.

    `leaks`, `notes`: what came out. `has_reached`: the role reached rows that are the tenant's own,
    so that what it does not reach means something. `cells`: how many were tried. `is_bound`:
    row-level security is for this role; None where it may not read.
    """

    sessions: Sessions
    table: GuardedTable
    relation: Relation
    tenancy: Tenancy
    actor: Actor
    leaks: list[Leak] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    has_reached: bool = False
    cells: int = 0
    is_bound: bool | None = None
    _rights: Rights | None = None
    _values: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def run(self) -> None:
        """Try every cell that the role has the right for."""
        first, second = self.tenancy.first, self.tenancy.second
        self._keep_values(first, second)
        if self.tenancy.is_shared:
            with self._staged(self.sessions.usual, first.rows):
                self._rights = read_rights(self.sessions.usual, self.relation, self.actor)
        for one, other in () if self.tenancy.is_shared else ((first, second), (second, first)):
            self._as_owner_of_rows(one, other)
            self._against_others(one, other)
        everybody = (*first.rows, *second.rows)
        settings = tuple(first.settings)
        if first.user or settings:
            self._as_nobody(self.sessions.unset, Guise(), everybody)
        if settings:
            empty = Guise(dict.fromkeys(settings, ""), "")
            self._as_nobody(self.sessions.usual, empty, everybody)

    def _keep_values(self, *tenants: Tenant) -> None:
        """Read the first row of each tenant, for there may be none on the stage."""
        names = [one.name for one in self.table.columns]
        first = [one.rows[0] for one in tenants]
        for row in read_rows(self.sessions.usual, self.table, names, first):
            self._values.update({(row.id, n): v for n, v in zip(names, row.values, strict=True)})

    def _as_owner_of_rows(self, tenant: Tenant, other: Tenant) -> None:
        guise = Guise(tenant.settings, tenant.user)
        connection = self.sessions.usual
        with self._staged(connection, tenant.rows):
            self._rights = rights = read_rights(connection, self.relation, self.actor)
            if rights.may_select and self.is_bound is None:
                seen = act(connection, self.actor, Guise(), self._select(), is_unguarded=True)
                self.is_bound = seen.is_refused
            for command, statement in self._statements(rights, tenant):
                outcome = self._try(connection, guise, statement)
                if outcome.count:
                    self.has_reached = True
                elif outcome.sqlstate and not outcome.sqlstate.startswith(_REACHED):
                    self._tell_own(command, guise, outcome)
            own = self._insert(rights, tenant)
            if own is not None:
                with self.sessions.usual.transaction(force_rollback=True):
                    keep_rows(connection, self.table, ())
                    outcome = self._try(connection, guise, own)
                    self.has_reached = self.has_reached or not outcome.is_refused
            move = self._move(rights, other)
            if move is not None:
                outcome = self._try(connection, guise, move, check=self._count(other))
                self._judge_writing("move", guise, outcome, other)

    def _against_others(self, tenant: Tenant, other: Tenant) -> None:
        guise = Guise(tenant.settings, tenant.user)
        connection = self.sessions.usual
        rights = self._rights
        if rights is None:
            return
        with self._staged(connection, other.rows):
            for command, statement in self._statements(rights, other):
                outcome = self._try(connection, guise, statement)
                if outcome.count:
                    self._leak(command, guise, _rows_of(outcome.count, other))
                elif outcome.sqlstate.startswith(_REACHED):
                    self._judge_fault(command, guise, statement, outcome)
        insert = self._insert(rights, other)
        if insert is not None:
            with self._staged(connection, ()):
                outcome = self._try(connection, guise, insert, check=self._count(other))
                self._judge_writing("insert", guise, outcome, other)

    def _as_nobody(self, connection: Connection, guise: Guise, kept: Sequence[str]) -> None:
        rights = self._rights
        if rights is None:
            return
        first = self.tenancy.first
        insert = self._insert(rights, first)
        with self._staged(connection, kept):
            for command, statement in self._statements(rights, first):
                outcome = self._try(connection, guise, statement)
                if outcome.count:
                    self._leak(command, guise, _count_rows(outcome.count))
                elif outcome.sqlstate and not outcome.is_refused:
                    self.notes.append(
                        f"{self._who(guise)}: {command} of {self._place} fails with "
                        f"{outcome.sqlstate}, which shows nothing: {outcome.message}"
                    )
        if insert is not None:
            with self._staged(connection, ()):
                outcome = self._try(connection, guise, insert)
                self._judge_writing("insert", guise, outcome, first)

    def _staged(self, connection: Connection, kept: Sequence[str]) -> AbstractContextManager[None]:
        return staged(
            connection, self.table, kept, self.actor, has_owner=isinstance(self.relation, View)
        )

    def _try(
        self,
        connection: Connection,
        guise: Guise,
        statement: Query,
        check: Count | None = None,
    ) -> Outcome:
        self.cells += 1
        return act(connection, self.actor, guise, statement, check=check)

    def _statements(self, rights: Rights, tenant: Tenant) -> Iterator[tuple[str, Query]]:
        """Yield what reaches every row that policies let a role reach: no WHERE, nothing read.

        A statement that reads columns, or returns them, is bound by the policies for SELECT as
        well (SQL-CREATEPOLICY), and so reaches less.
        """
        if rights.may_select and not isinstance(self.relation, View):
            yield "SELECT", self._select()
        settable = [one.name for one in self.table.columns if one.is_settable]
        columns = [one for one in settable if one in rights.updates]
        if columns:
            # rather one that does not say whose the row is
            name = next(
                (one for one in reversed(columns) if one not in self.tenancy.keys), columns[0]
            )
            value = self._value(tenant, name)
            query = sql.SQL("UPDATE {} SET {} = {}")
            yield (
                "UPDATE",
                query.format(self.relation.identifier, sql.Identifier(name), sql.Literal(value)),
            )
        if rights.may_delete:
            yield "DELETE", sql.SQL("DELETE FROM {}").format(self.relation.identifier)

    def _select(self) -> Query:
        return sql.SQL("SELECT 1 FROM {}").format(self.relation.identifier)

    def _move(self, rights: Rights, other: Tenant) -> Query | None:
        """Return what gives own rows to the other tenant."""
        keys = self.tenancy.keys
        if not keys or not self._can_set(rights.updates, keys):
            return None
        changes = [
            sql.SQL("{} = {}").format(sql.Identifier(one), sql.Literal(self._value(other, one)))
            for one in keys
        ]
        query = sql.SQL("UPDATE {} SET {}")
        return query.format(self.relation.identifier, sql.SQL(", ").join(changes))

    def _insert(self, rights: Rights, other: Tenant) -> Query | None:
        """Return what inserts a row of the other tenant again."""
        if not isinstance(self.relation, GuardedTable | View):
            return None  # a part takes the rows of its own range alone
        names = [
            one.name for one in self.table.columns if one.is_settable and one.name in rights.inserts
        ]
        if not names or not self._can_set(frozenset(names), self.tenancy.keys):
            return None
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({})")
        return query.format(
            self.relation.identifier,
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(sql.Literal(self._value(other, one)) for one in names),
        )

    def _can_set(self, may: frozenset[str], keys: Sequence[str]) -> bool:
        settable = {one.name for one in self.table.columns if one.is_settable}
        return settable & may >= {*keys}

    def _value(self, tenant: Tenant, column: str) -> str | None:
        """Return what the first of the tenant's rows has there."""
        return self._values[tenant.rows[0], column]

    def _count(self, tenant: Tenant) -> Count:
        """Return what counts the tenant's rows."""
        query = sql.SQL("SELECT count(*) FROM {} WHERE {}")
        return Count(query.format(self.table.identifier, tenant.condition), tenant.settings)

    def _judge_writing(self, what: str, guise: Guise, outcome: Outcome, other: Tenant) -> None:
        """Judge an INSERT for another tenant, or an UPDATE that gives a row away."""
        is_let_through = outcome.sqlstate.startswith(_CONSTRAINT) and not self.table.has_triggers
        if not outcome.count and not is_let_through:
            return
        command = "INSERT" if what == "insert" else f"UPDATE of {', '.join(self.tenancy.keys)}"
        verb = "writes a row of" if what == "insert" else "gives a row to"
        line = f"{command} {verb} tenant {quote(other.label)} in {self._place}"
        if is_let_through:
            line += f", but for a constraint: {outcome.sqlstate}, {outcome.message}"
        self._add((what,), guise, line)

    def _judge_fault(self, command: str, guise: Guise, statement: Query, outcome: Outcome) -> None:
        """Judge a statement that fails for rows it should not reach, unless it always fails."""
        with self.sessions.usual.transaction(force_rollback=True):
            keep_rows(self.sessions.usual, self.table, ())
            always = act(self.sessions.usual, self.actor, guise, statement)
        if always.sqlstate == outcome.sqlstate:
            return
        line = (
            f"{command} reaches rows of others in {self._place}, and fails only then: "
            f"{outcome.sqlstate}, {outcome.message}"
        )
        self._add((command,), guise, line)

    def _tell_own(self, command: str, guise: Guise, outcome: Outcome) -> None:
        """Tell of a statement that its own tenant cannot run."""
        fault = f"{outcome.sqlstate}, {outcome.message}"
        line = f"{command} of its own rows in {self._place} fails: {fault}"
        if command == "SELECT" and not outcome.is_refused:
            self._add((command, "own"), guise, line)
        else:
            self.notes.append(f"{self._who(guise)}: {line}")

    def _leak(self, command: str, guise: Guise, what: str) -> None:
        self._add((command,), guise, f"{command} {_DONE[command]} {what} in {self._place}")

    def _add(self, what: tuple[str, ...], guise: Guise, line: str) -> None:
        kind = "unset"
        if guise.user or guise.settings:
            kind = "tenant" if guise.user or any(guise.settings.values()) else "empty"
        cell = (self.actor.shown, kind, *what, self.relation.identity)
        # what one tenant may do with the other, the other may do with the one
        if all(one.cell != cell for one in self.leaks):
            self.leaks.append(Leak(cell, f"{self._who(guise)}: {line}"))

    @property
    def _place(self) -> str:
        if isinstance(self.relation, View):
            return f"{self.table.identity} through view {self.relation.identity}"
        return self.relation.identity

    def _who(self, guise: Guise) -> str:
        return f"{self.actor.shown}, {describe_guise(guise, self.tenancy)}"


def describe_guise(guise: Guise, tenancy: Tenancy) -> str:
    """Return what is set, in words."""
    if guise.user:
        return f"as user {guise.user}"
    if guise.settings:
        return ", ".join(f"{name} = {quote(value)}" for name, value in guise.settings.items())
    if tenancy.first.settings:
        return f"{', '.join(tenancy.first.settings)} unset"
    return "as itself"


def quote(label: str) -> str:
    """Return a tenant's value in quotes."""
    return "'" + label.replace("'", "''") + "'"


def _rows_of(count: int, tenant: Tenant) -> str:
    return f"{_count_rows(count)} of tenant {quote(tenant.label)}"


def _count_rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
