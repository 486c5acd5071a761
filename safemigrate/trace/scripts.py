"""A script observed on a database: the proof of what is claimed about its statements."""

import time
from collections.abc import Callable, Sequence

import psycopg

from safemigrate.model import ObservedStatement
from safemigrate.trace.faults import describe_fault
from safemigrate.trace.sessions import Connection, DriverSession, open_connection
from safemigrate.trace.tracer import Tracer
from safemigrate.trace.unbound import flush_counts

__all__ = ["observe_script"]


def observe_script(
    url: str,
    statements: Sequence[str],
    *,
    before: Sequence[str] = (),
    in_transaction: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[ObservedStatement, ...]:
    """Run `before` unobserved, then `statements` one by one, and return what each did.

    Everything is committed. With `in_transaction` the statements share one transaction; else each
    is sent by itself, as psql does, and an explicit BEGIN holds until its COMMIT.
    Ends at the first statement that the server refuses, which is the last one returned then; its
    transaction is rolled back. Raises psycopg.Error when `before` fails.
    """
    with open_connection(url) as connection:
        for statement in before:
            connection.execute(statement.encode())
        flush_counts(connection)
    with (
        open_connection(url) as second,
        open_connection(url, is_autocommit=not in_transaction) as connection,
    ):
        tracer = Tracer(second, clock)
        tracer.begin()
        is_done = all(_observe(tracer, connection, statement) for statement in statements)
        if is_done:
            connection.commit()
        else:
            connection.rollback()
        flush_counts(connection)
        return tracer.end()


def _observe(tracer: Tracer, connection: Connection, statement: str) -> bool:
    session = DriverSession(connection)
    tracer.before(session, statement)
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        tracer.after(session, error=describe_fault(error))
        return False
    tracer.after(session)
    return True
