"""What is said beside a statement, on its own session."""

import contextlib
from collections.abc import Iterator, Sequence

from psycopg import sql

from safemigrate.execute.conducting import Sent
from safemigrate.execute.identity import identify
from safemigrate.execute.locks.wants import Want
from safemigrate.model import LockMode
from safemigrate.source import find_sqlstate
from safemigrate.source.sqlstates import LOCK_NOT_AVAILABLE

__all__ = [
    "REFUSED_LOCK",
    "evict_alone",
    "evict_in_transaction",
    "is_lock_refused",
    "is_lock_timeout",
    "lock_at_once",
    "lock_in_queue",
    "read_pid",
    "say",
    "timed",
    "timed_alone",
    "within_savepoint",
]

# https://www.postgresql.org/docs/current/errcodes-appendix.html
# No right to lock it; no table; gone, or not there yet, by this name.
REFUSED_LOCK = frozenset({"42501", "42809", "42P01", "3F000"})

_SAVEPOINT = "SAVEPOINT safemigrate_lock"
_BACK = "ROLLBACK TO SAVEPOINT safemigrate_lock"
_RELEASE = "RELEASE SAVEPOINT safemigrate_lock"

# Drivers that send a text without parameters by the simple protocol, several statements at once.
# https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
_TAKE_SEVERAL = frozenset({"psycopg", "psycopg2"})

# An autovacuum is ended for who has waited for deadlock_timeout, which only superusers may change:
# https://www.postgresql.org/docs/current/runtime-config-locks.html
_LONG_ENOUGH = (
    "set_config('lock_timeout', (SELECT (setting::bigint + 2000)::text"
    " FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'), true)"
)


def say(sent: Sent, *statements: str) -> None:
    """Send statements of our own, in as few messages as the driver can."""
    if sent.connection.dialect.driver in _TAKE_SEVERAL:
        sent.run("; ".join(statements))
        return
    for statement in statements:
        sent.run(statement)


def is_lock_timeout(error: BaseException) -> bool:
    """Return whether a lock was not to be had in time."""
    return find_sqlstate(error) == LOCK_NOT_AVAILABLE


def read_pid(sent: Sent) -> int:
    """Return the pid of the session."""
    return identify(sent.connection).pid


@contextlib.contextmanager
def within_savepoint(sent: Sent) -> Iterator[None]:
    """Take back what the block did, should it end with an error, and nothing from before it."""
    say(sent, _SAVEPOINT)
    try:
        yield
    except Exception:
        # the error goes on; where the session is gone it is the better one
        with contextlib.suppress(Exception):
            say(sent, _BACK, _RELEASE)
        raise
    say(sent, _RELEASE)


def lock_at_once(sent: Sent, wants: Sequence[Want]) -> None:
    """Take all of the locks, or none and raise the driver's error, without standing in a queue."""
    by_mode: dict[LockMode, list[Want]] = {}
    for want in wants:
        by_mode.setdefault(want.mode, []).append(want)
    locks = (_lock(several, mode, nowait=True) for mode, several in by_mode.items())
    try:
        say(sent, _SAVEPOINT, *locks, _RELEASE)
    except Exception:
        with contextlib.suppress(Exception):
            say(sent, _BACK, _RELEASE)
        raise


def is_lock_refused(sent: Sent, want: Want) -> bool:
    """Return whether LOCK TABLE does not take this lock for this role, whoever holds it."""
    lock = _lock([want], want.mode, nowait=True)
    try:
        say(sent, _SAVEPOINT, lock, _BACK, _RELEASE)
    except Exception as error:
        say(sent, _BACK, _RELEASE)
        if find_sqlstate(error) not in {*REFUSED_LOCK, LOCK_NOT_AVAILABLE}:
            raise
        return not is_lock_timeout(error)
    return False


def lock_in_queue(sent: Sent, want: Want, *, nowait: bool) -> None:
    """Take one lock, within the session's lock_timeout."""
    say(sent, _lock([want], want.mode, nowait=nowait))


@contextlib.contextmanager
def timed(sent: Sent, seconds: float, *, keeps_new: bool = False) -> Iterator[None]:
    """Give the session a lock_timeout in the block, and the one it had after it.

    To be used within a savepoint, which puts it back after an error. `keeps_new`: what is sent in
    the block sets another, which is left as it is.
    """
    say(sent, *_set_timeout(seconds, is_local=True))
    yield
    if not keeps_new:
        say(sent, _put_back(is_local=True))


@contextlib.contextmanager
def timed_alone(sent: Sent, seconds: float, *, keeps_new: bool = False) -> Iterator[None]:
    """Do the same outside of a transaction."""
    say(sent, *_set_timeout(seconds, is_local=False))
    is_done = False
    try:
        yield
        is_done = True
    finally:
        if not (is_done and keeps_new):
            # where the session is gone there is nothing to put back
            with contextlib.suppress(Exception):
                say(sent, _put_back(is_local=False))


def evict_in_transaction(sent: Sent, want: Want, *, is_toast: bool) -> None:
    """Wait until PostgreSQL has ended an autovacuum of the table, and keep others out.

    SHARE UPDATE EXCLUSIVE lets everybody read and write, from the queue too.
    https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
    """
    if not is_toast:
        lock = _lock([want], LockMode.SHARE_UPDATE_EXCLUSIVE, nowait=False)
        if _evict(sent, lock, _put_back(is_local=True)):
            return
    # LOCK TABLE takes no TOAST table, and no materialized view; this takes the same lock of both,
    # and is taken back
    option = "toast.autovacuum_enabled" if is_toast else "autovacuum_enabled"
    _evict(sent, f"ALTER TABLE {want.sql_name} SET ({option} = false)", _BACK)


def evict_alone(sent: Sent, want: Want) -> None:
    """Wait until PostgreSQL has ended an autovacuum of the table, outside of a transaction."""
    lock = _lock([want], LockMode.SHARE_UPDATE_EXCLUSIVE, nowait=False)
    body = f"BEGIN PERFORM {_LONG_ENOUGH}; {lock}; END"
    try:
        sent.run(sql.SQL("DO {}").format(sql.Literal(body)).as_string())
    except Exception as error:
        if not _is_passable(error):
            raise


def _evict(sent: Sent, *statements: str) -> bool:
    """Return False when the statement is not one for this relation and role."""
    patience = (*_set_timeout(0, is_local=True), f"SELECT {_LONG_ENOUGH}")
    try:
        say(sent, _SAVEPOINT, *patience, *statements, _RELEASE)
    except Exception as error:
        if not _is_passable(error):
            raise
        # where it is still there, it is waited for like everybody else
        say(sent, _BACK, _RELEASE)
        return is_lock_timeout(error)
    return True


def _is_passable(error: BaseException) -> bool:
    return is_lock_timeout(error) or find_sqlstate(error) in REFUSED_LOCK


def _lock(wants: Sequence[Want], mode: LockMode, *, nowait: bool) -> str:
    names = ", ".join(f"ONLY {want.sql_name}" for want in wants)
    return f"LOCK TABLE {names} IN {mode.value} MODE" + (" NOWAIT" if nowait else "")


def _set_timeout(seconds: float, *, is_local: bool) -> tuple[str, str]:
    """Return what keeps the lock_timeout that is in force, and sets another, of 1 ms at least."""
    local = str(is_local).lower()
    milliseconds = max(round(seconds * 1000), 1)
    return (
        f"SELECT set_config('safemigrate.lock_timeout', current_setting('lock_timeout'), {local})",
        f"SELECT set_config('lock_timeout', '{milliseconds:d}', {local})",
    )


def _put_back(*, is_local: bool) -> str:
    local = str(is_local).lower()
    return (
        f"SELECT set_config('lock_timeout', current_setting('safemigrate.lock_timeout'), {local})"
    )
