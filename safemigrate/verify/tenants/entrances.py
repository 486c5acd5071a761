"""What other ways to the rows of a table show: views, and functions with their owner's rights."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg import sql

from safemigrate.verify.tenants.acting import Actor, Guise, Outcome, act, staged
from safemigrate.verify.tenants.guarded import DefinerFunction, GuardedTable, View
from safemigrate.verify.tenants.matrix import Leak, Sessions, describe_guise, quote
from safemigrate.verify.tenants.rows import Query, raw, read_rows
from safemigrate.verify.tenants.tenancy import Tenancy, Tenant

__all__ = ["Entrances"]

Way = View | DefinerFunction

# What an argument of a type may be; of the tenants' own type it is the other tenant's value.
_ARGUMENTS = {
    "bigint": "1",
    "boolean": "true",
    "character varying": "1",
    "date": "2000-01-01",
    "integer": "1",
    "json": "{}",
    "jsonb": "{}",
    "numeric": "1",
    "smallint": "1",
    "text": "1",
    "timestamp with time zone": "2000-01-01",
    "uuid": "00000000-0000-4000-8000-000000000001",
}


@dataclass(slots=True)
class Entrances:
    """What a role sees of another tenant's rows through views and functions.

    What is shown while the table has only that tenant's rows is compared with what is shown while
    it has none. `leaks`, `notes`: what came out.
    """

    sessions: Sessions
    table: GuardedTable
    tenancy: Tenancy
    actor: Actor
    leaks: list[Leak] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Try every view and function that the role may use."""
        ways: tuple[Way, ...] = (*self.table.views, *self.table.functions)
        if not ways:
            return
        pairs = (self.tenancy.first, self.tenancy.second)
        for one, other in (pairs, pairs[::-1]):
            guise = Guise(one.settings, one.user)
            shown = self._look(ways, other.rows, guise, other)
            hidden = self._look(ways, (), guise, other)
            again = self._look(ways, (), guise, other)
            for way in shown:
                self._judge(way, guise, other, (shown[way], hidden[way], again[way]))

    def _look(
        self, ways: Sequence[Way], kept: Sequence[str], guise: Guise, other: Tenant
    ) -> dict[Way, Outcome]:
        """Return what each way shows that the role may go, with only those rows in the table."""
        connection = self.sessions.usual
        found: dict[Way, Outcome] = {}
        # before the stage, on which the other's rows may be missing
        statements = {way: self._read(way, other) for way in ways}
        with staged(connection, self.table, kept, self.actor, has_owner=True):
            for way in ways:
                if isinstance(way, View) and way.is_kept:
                    if self._may(way):
                        found[way] = Outcome()
                    continue
                statement = statements[way]
                if statement is None and self._may(way):
                    self._note(f"{way.identity} was not tried: its arguments cannot be made up")
                elif statement is not None and self._may(way):
                    found[way] = act(connection, self.actor, guise, statement)
        return found

    def _judge(
        self,
        way: Way,
        guise: Guise,
        other: Tenant,
        outcomes: tuple[Outcome, Outcome, Outcome],
    ) -> None:
        shown, hidden, again = outcomes
        who = f"{self.actor.shown}, {describe_guise(guise, self.tenancy)}"
        if isinstance(way, View) and way.is_kept:
            line = (
                f"{self.actor.shown}: SELECT sees the rows of every tenant of "
                f"{self.table.identity} in materialized view {way.identity}"
            )
            self._leak(way, line)
        elif shown.sqlstate:
            self._note(f"{who}: {way.identity} was not tried: {shown.sqlstate}, {shown.message}")
        elif shown.value != hidden.value and hidden == again:
            what = "view" if isinstance(way, View) else "function"
            line = (
                f"{who}: {what} {way.identity} shows rows of tenant {quote(other.label)} of "
                f"{self.table.identity}, with the rights of its owner {way.owner}"
            )
            self._leak(way, line)

    def _leak(self, way: Way, line: str) -> None:
        cell = (self.actor.shown, "way", way.identity, self.table.identity)
        if all(one.cell != cell for one in self.leaks):
            self.leaks.append(Leak(cell, line))

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)

    def _may(self, way: Way) -> bool:
        """Return whether the role has the right; call it inside `staged`."""
        question = (
            "SELECT has_any_column_privilege(%s, %s::oid, 'SELECT')"
            if isinstance(way, View)
            else "SELECT has_function_privilege(%s, %s::oid, 'EXECUTE')"
        )
        row = self.sessions.usual.execute(question, (self.actor.name, way.oid)).fetchone()
        return bool(row and row[0])

    def _read(self, way: Way, other: Tenant) -> Query | None:
        """Return what gives a digest of all that it shows, None where it cannot be called."""
        source: Query | sql.Identifier = way.identifier
        if isinstance(way, DefinerFunction):
            arguments = self._arguments(way, other)
            if arguments is None or way.kind != "f":
                return None
            source = sql.SQL("{}({})").format(way.identifier, sql.SQL(", ").join(arguments))
        query = sql.SQL(
            "SELECT count(*) || ' ' || md5(coalesce(string_agg(v::text, ',' ORDER BY v::text), ''))"
            " FROM {} AS v"
        )
        return query.format(source)

    def _arguments(self, way: DefinerFunction, other: Tenant) -> list[Query] | None:
        """Return what to call it with: the other tenant's own value where the type is the key's."""
        types = {one.name: one.type for one in self.table.columns}
        keys = [one for one in self.tenancy.keys if one in types]
        row = read_rows(self.sessions.usual, self.table, keys, other.rows[:1])[0]
        own = {types[key]: value for key, value in zip(keys, row.values, strict=True)}
        values: list[Query] = []
        for type_ in way.arguments[: len(way.arguments) - way.defaults]:
            value = own.get(type_) or _ARGUMENTS.get(type_)
            if value is None:
                return None
            values.append(sql.SQL("{}::{}").format(sql.Literal(value), raw(type_)))
        return values
