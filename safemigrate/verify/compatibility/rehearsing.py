"""Statements prepared in one session, and executed in transactions that are rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from safemigrate.trace import Connection
from safemigrate.verify.compatibility.playing import (
    GENTLE,
    Room,
    Stand,
    rolled_back,
    wants_room,
)
from safemigrate.verify.compatibility.relations import (
    Relation,
    Relations,
    read_relations,
    read_rows,
)
from safemigrate.verify.compatibility.statements import ReleaseStatement
from safemigrate.verify.compatibility.types import Type, read_types
from safemigrate.verify.compatibility.wire import Described, Fault, Outcome, WireSession

__all__ = ["Rehearsal", "ResultColumn", "Runs"]

Runs = tuple[Outcome, ...]
"""How the executions of one statement ended: one for each example, or one without examples."""

_INTEGERS = ("int2", "int4", "int8")


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result."""

    name: str
    type: Type


@dataclass(slots=True)
class Rehearsal:
    """The statements of a release in one session.

    `label`: tells it from others in the same session. `faults`: position of a statement → why it
    cannot be prepared. `rowless`: of which there were no rows to change.
    """

    connection: Connection
    statements: Sequence[ReleaseStatement]
    label: str
    faults: dict[int, Fault] = field(default_factory=dict)
    rowless: set[int] = field(default_factory=set)
    _described: dict[int, Described] = field(default_factory=dict)
    _types: Mapping[int, Type] = field(default_factory=dict)

    def prepare(self) -> None:
        """Prepare all statements, outside a transaction, where they stay."""
        wire = WireSession(self.connection)
        known = _read_type_oids(self.connection)
        for number, statement in enumerate(self.statements):
            types = _declare(statement, known)
            outcome = wire.prepare(self._name(number), statement.sql, types)
            if isinstance(outcome, Fault) and any(types):
                outcome = wire.prepare(self._name(number), statement.sql)
            if isinstance(outcome, Fault):
                self.faults[number] = outcome
            else:
                self._described[number] = outcome
        self._types = read_types(
            self.connection,
            (
                oid
                for one in self._described.values()
                for oid in (*one.parameters, *(oid for _, oid in one.columns))
            ),
        )

    def result(self, number: int) -> tuple[ResultColumn, ...]:
        """Return the columns that a statement's result has."""
        return tuple(
            ResultColumn(name, self._types[oid]) for name, oid in self._described[number].columns
        )

    def play(self) -> Mapping[int, Runs]:
        """Execute what could be prepared, in their order, and roll everything back.

        What an example did is there for the statements that follow it, as it was for the
        application. A statement without one is tried with the values of a few rows in turn, and
        ends well if one of them does. What makes the session forget its plans comes last.
        """
        stand = self._take_stand()
        with rolled_back(self.connection):
            runs = {number: self._run(stand, number, GENTLE) for number in self._described}
            for number, (first, *_) in runs.items():
                statement = self.statements[number]
                if not statement.examples and wants_room(statement, first):
                    runs[number] = self._run(stand, number, (Room.FORCED,))
        return runs

    def warm(self) -> None:
        """Execute everything once more, so that what it runs has a plan in this session.

        An application's triggers and functions have theirs when it is migrated under it.
        """
        stand = self._take_stand()
        with rolled_back(self.connection):
            for number in self._described:
                self._run(stand, number, GENTLE)

    def _take_stand(self) -> Stand:
        relations = read_relations(self.connection)
        rows = read_rows(self.connection, self._find_sources(relations))
        return Stand(self.connection, relations, rows)

    def _run(self, stand: Stand, number: int, rooms: Sequence[Room]) -> Runs:
        statement, name = self.statements[number], self._name(number)
        if statement.examples:
            return tuple(
                stand.send(name, statement, [one.text for one in example])
                for example in statement.examples
            )
        if not stand.has_rows(statement):
            self.rowless.add(number)
        types = [self._types.get(oid) for oid in self._described[number].parameters]
        return (stand.try_rows(name, statement, types, rooms),)

    def _name(self, number: int) -> str:
        return f"safemigrate_{self.label}_{number}"

    def _find_sources(self, relations: Relations) -> list[Relation]:
        """Return the relations whose rows lend values."""
        names = {
            name
            for number in self._described
            if not self.statements[number].examples
            for name in self.statements[number].shape.tables
        }
        found = {one.name: one for name in names if (one := relations.find(name)) is not None}
        return [found[name] for name in sorted(found)]


def _read_type_oids(connection: Connection) -> Mapping[str, int]:
    """Return the types that a driver declares for numbers and truth, by name."""
    rows = connection.execute(
        "SELECT typname::text, oid::bigint FROM pg_catalog.pg_type"
        " WHERE typnamespace = 'pg_catalog'::regnamespace"
        " AND typname IN ('bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric')"
    ).fetchall()
    return {str(name): int(oid) for name, oid in rows}


def _declare(statement: ReleaseStatement, known: Mapping[str, int]) -> list[int]:
    """Return the types that the driver declared in the examples, 0 where it left it open."""
    return [
        known.get(_widen({value.type for value in values}), 0)
        for values in zip(*statement.examples, strict=True)
    ]


def _widen(types: set[str]) -> str:
    """Return the one type among several; an integer is declared as small as it happens to be."""
    if types <= {*_INTEGERS}:
        return "int8" if "int8" in types else "int4"
    return types.pop() if len(types) == 1 else ""
