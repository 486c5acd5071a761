"""Forms tried on servers: one database a kind of table, and each form's transaction rolled back."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack

import psycopg

from safemigrate.model import ObservedStatement
from safemigrate.server import Server
from safemigrate.trace import (
    Connection,
    Tracer,
    describe_fault,
    observe_script,
    open_connection,
)
from safemigrate.trace.sessions import DriverSession
from tests.matrix.forms import Comparison, Form, judge
from tests.matrix.kinds import Kind, statements_before

# Nobody else is there to wait for.
_LOCK_TIMEOUT = "SET lock_timeout = '20s'"


class Workshop:
    """Tries forms on servers, by major; what was seen once is not tried again."""

    def __init__(self, servers: Mapping[int, Server]) -> None:
        self._servers = servers
        self._templates: dict[tuple[int, Kind], str] = {}
        self._benches: dict[tuple[int, Kind], Bench] = {}
        self._comparisons: dict[tuple[int, Form], Comparison] = {}
        self._stack = ExitStack()

    def compare(self, form: Form, major: int) -> Comparison:
        """Return how the prediction for the form fares against what it does."""
        key = major, form
        if key not in self._comparisons:
            self._comparisons[key] = judge(form, major, self.observe(form, major))
        return self._comparisons[key]

    def observe(self, form: Form, major: int) -> tuple[ObservedStatement, ...]:
        """Return what each statement of the form did, up to one that the server refuses."""
        if form.is_in_transaction:
            return self._bench(major, form.kind).observe(form)
        server = self._servers[major]
        name = server.copy_database(self._template(major, form.kind))
        try:
            return observe_script(server.url(name), form.script, in_transaction=False)
        finally:
            server.drop_database(name)

    def close(self) -> None:
        """Close the connections and drop the databases."""
        self._stack.close()

    def _template(self, major: int, kind: Kind) -> str:
        """Return a database with what there is before, to which nobody is connected."""
        if (major, kind) not in self._templates:
            server = self._servers[major]
            name = server.create_database()
            self._stack.callback(server.drop_database, name)
            with open_connection(server.url(name)) as connection:
                run_all(connection, statements_before(kind))
            self._templates[major, kind] = name
        return self._templates[major, kind]

    def _bench(self, major: int, kind: Kind) -> "Bench":
        if (major, kind) not in self._benches:
            server = self._servers[major]
            name = server.copy_database(self._template(major, kind))
            self._stack.callback(server.drop_database, name)
            url = server.url(name)
            second = self._stack.enter_context(open_connection(url))
            first = self._stack.enter_context(open_connection(url, is_autocommit=False))
            run_all(first, [_LOCK_TIMEOUT])
            first.commit()
            self._benches[major, kind] = Bench(first, second)
        return self._benches[major, kind]


class Bench:
    """A database whose state no form changes."""

    def __init__(self, first: Connection, second: Connection) -> None:
        """`first` runs the forms; `second` looks on, in autocommit mode."""
        self._first = first
        self._second = second

    def observe(self, form: Form) -> tuple[ObservedStatement, ...]:
        """Run the form in a transaction and roll it back."""
        tracer = Tracer(self._second)
        tracer.begin()
        try:
            run_all(self._first, form.making)
            for statement in form.script:
                if not self._run(tracer, statement):
                    break
        finally:
            self._first.rollback()
        return tracer.end()

    def _run(self, tracer: Tracer, statement: str) -> bool:
        session = DriverSession(self._first)
        tracer.before(session, statement)
        try:
            self._first.execute(statement.encode())
        except psycopg.Error as error:
            tracer.after(session, error=describe_fault(error))
            return False
        tracer.after(session)
        return True


def run_all(connection: Connection, statements: Iterable[str]) -> None:
    """Send the statements, as they are."""
    for statement in statements:
        connection.execute(statement.encode())
