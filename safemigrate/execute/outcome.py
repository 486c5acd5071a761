"""How a run that did not reach its end is told: which error, and in which words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from safemigrate.errors import (
    InterruptedRunError,
    LockTimeoutError,
    RevisionFailedError,
    RunStoppedError,
    SafemigrateError,
)
from safemigrate.execute.advice import advise
from safemigrate.execute.blockers import Blocker, LockWait, shorten_query
from safemigrate.execute.deploylock import LockHolder
from safemigrate.execute.failures import Cause, Failure
from safemigrate.source.excerpt import describe

__all__ = [
    "Changes",
    "Effort",
    "describe_blocker",
    "describe_duration",
    "describe_holder",
    "describe_leftover",
    "describe_outcome",
    "describe_progress",
    "describe_wait",
    "explain_between",
    "explain_failure",
    "explain_stop",
    "find_stop",
]

_MOST_STATEMENTS = 3
_STATUS = "`safemigrate status` says where the database is"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_ROLLBACK = "40"
_MEND = (
    "undo that by hand and run it again, or finish the revision by hand and set the version with "
    "`alembic stamp`"
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run has changed that stays, or has found half done.

    `applied`: the revisions that are committed. `committed`: what the revision in hand had
    committed, by its first lines, before it failed. `is_in_doubt`: the connection was
    lost during its commit. `leftover`: what earlier runs had committed of that revision: no
    change of this one, but the revision is half done all the same. `resumes_after`: the statement
    behind which it goes on when it is run again, None where it would begin anew.
    """

    applied: tuple[str, ...] = ()
    committed: tuple[str, ...] = ()
    is_in_doubt: bool = False
    leftover: tuple[str, ...] = ()
    resumes_after: int | None = None

    def __bool__(self) -> bool:
        is_half_done = self.committed or self.leftover or self.resumes_after is not None
        return bool(self.applied or self.is_in_doubt or is_half_done)


@dataclass(frozen=True, slots=True)
class Effort:
    """What was spent on a revision, and what it was last seen to wait for."""

    wait: LockWait | None
    attempts: int
    duration: timedelta


def explain_failure(
    revision: str,
    failure: Failure,
    changes: Changes,
    effort: Effort,
) -> SafemigrateError:
    """Return the error for a revision that failed."""
    advice = advise(failure.sqlstate)
    match failure.cause:
        case Cause.LOCK_TIMEOUT | Cause.DEADLOCK:
            return _explain_wait(revision, failure, changes, effort)
        case Cause.DISCONNECT:
            message = f'the connection was lost in revision "{revision}", {failure}'
            if changes:
                return _interrupted(message, revision, changes, advice)
            return RunStoppedError(message, f"nothing was changed; {advice or 'run it again'}")
        case Cause.CANCEL | Cause.STATEMENT | Cause.CODE:
            message = f'revision "{revision}" failed at {failure}'
            if changes:
                mend = "put its cause right, then " if _fails_again(failure) else ""
                return _interrupted(message, revision, changes, advice, mend=mend)
            advice = advice or "correct the revision"
            return RevisionFailedError(
                message, f"it was rolled back and nothing was changed; {advice}"
            )


def explain_stop(reason: str, revision: str, changes: Changes) -> SafemigrateError:
    """Return the error for a run that stops for `reason`; `revision` was in hand, or is ""."""
    if changes:
        return _interrupted(reason, revision, changes)
    return RunStoppedError(reason, "nothing was changed; run it again")


def explain_between(error: BaseException, stop: str, changes: Changes) -> BaseException:
    """Return the error to raise for one that came before, between or after the revisions.

    `stop`: why the run stopped itself, "" when it did not.
    """
    if stop:
        return explain_stop(stop, "", changes)
    if isinstance(error, KeyboardInterrupt):
        return explain_stop("interrupted", "", changes)
    if isinstance(error, SafemigrateError):
        return explain_stop(error.message, "", changes) if changes else error
    return explain_stop(describe(error), "", changes)


def find_stop(error: BaseException, failure: Failure, signal: str) -> str:
    """Return how a revision was stopped from outside, "" when it failed by itself.

    `signal`: the name of the one that came, or "".
    """
    if signal and failure.cause is Cause.CANCEL:
        return f"stopped by {signal}"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else ""


def describe_outcome(error: SafemigrateError, failure: Failure, effort: Effort) -> str:
    """Return what the history keeps of an error that was shown: its message, and who blocked."""
    held = _describe_blockers(effort) if failure.may_pass else ""
    return f"{error.message}; {held}" if held else error.message


def describe_leftover(revision: str, committed: Sequence[str]) -> str:
    """Return the warning that a revision, about to run, has been committed in part already."""
    return (
        f'an earlier run of revision "{revision}" failed, and had committed: '
        f"{_list_statements(committed)}"
    )


def describe_progress(revision: str, ordinal: int, sql: str) -> str:
    """Return the word that a revision, about to run, goes on where it was cut off."""
    return (
        f'revision "{revision}" is half done, and goes on after statement {ordinal}: '
        f"{shorten_query(sql.strip())}"
    )


def describe_wait(wait: LockWait) -> str:
    """Return `ACCESS EXCLUSIVE on "orders"`, or what is waited for instead of a relation."""
    if wait.relation is None:
        return "another transaction to end"
    return f'{wait.mode} on "{wait.relation}"' if wait.mode else f'"{wait.relation}"'


def describe_blocker(blocker: Blocker) -> str:
    """Return who it is, what it does and for how long, in one line."""
    if blocker.pid == 0:
        return f"a {blocker.nature or 'prepared transaction'} (see pg_prepared_xacts)"
    parts = [f"user {blocker.user}"] if blocker.user else []
    if blocker.application:
        parts.append(f'application "{blocker.application}"')
    if blocker.nature:
        parts.append(blocker.nature)
    elif blocker.is_autovacuum:
        parts.append("autovacuum")
    elif blocker.state:
        parts.append(blocker.state)
    if blocker.age is not None:
        parts.append(f"transaction open for {describe_duration(blocker.age)}")
    text = f"pid {blocker.pid}"
    if parts:
        text += f" ({', '.join(parts)})"
    return f"{text}: {blocker.query}" if blocker.query else text


def describe_holder(holder: LockHolder) -> str:
    """Return who holds the deploy lock and what it does, in one line."""
    parts = [f"user {holder.user}"] if holder.user else []
    if holder.application:
        parts.append(f'application "{holder.application}"')
    if holder.client:
        parts.append(f"from {holder.client}")
    if holder.since is not None:
        parts.append(f"since {holder.since.astimezone():%H:%M:%S}")
    doing = f": {holder.lease.doing}" if holder.lease is not None else ""
    return f"pid {holder.pid}" + (f" ({', '.join(parts)})" if parts else "") + doing


def describe_duration(duration: timedelta) -> str:
    """Return `35 ms`, `1.2 s`, `3 min 20 s` or `2 h 5 min`."""
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if round(seconds, 1) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _explain_wait(
    revision: str,
    failure: Failure,
    changes: Changes,
    effort: Effort,
) -> SafemigrateError:
    wait = effort.wait
    wanted = describe_wait(wait) if wait is not None else "a lock"
    if failure.cause is Cause.DEADLOCK:
        wanted += ", the last time in a deadlock"
    tries = f"{effort.attempts} attempts" if effort.attempts != 1 else "1 attempt"
    message = (
        f'revision "{revision}" at {failure.place} gave up waiting for {wanted}, '
        f"after {tries} in {describe_duration(effort.duration)}"
    )
    if failure.statement:
        message += f", in: {failure.statement}"
    blockers = wait.blockers if wait is not None else ()
    held = _describe_blockers(effort)
    if changes:
        return _interrupted(message, revision, changes, held)
    advice = "nothing was changed; run it again when they are gone, or with a longer --deadline"
    if not blockers:
        advice = "nothing was changed; run it again, or with a longer --deadline"
    if blockers and all(blocker.is_autovacuum for blocker in blockers):
        # https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
        advice = (
            "nothing was changed; PostgreSQL does not end a vacuum against wraparound for anybody, "
            "and any other one only for those who wait longer than deadlock_timeout: run it again "
            "when it is done"
        )
    return LockTimeoutError(message, f"{held}; {advice}" if held else advice)


def _describe_blockers(effort: Effort) -> str:
    found = effort.wait.blockers if effort.wait is not None else ()
    # one session may hold several of the relations
    blockers = {(one.pid, one.nature): one for one in found}.values()
    return "held by " + ", and ".join(map(describe_blocker, blockers)) if blockers else ""


def _list_statements(statements: Sequence[str]) -> str:
    """Return the last ones, and how many there are when these are not all."""
    listed = "; ".join(statements[-_MOST_STATEMENTS:])
    return listed if len(statements) <= _MOST_STATEMENTS else f"{len(statements)}, last {listed}"


def _fails_again(failure: Failure) -> bool:
    """Return whether it fails in the same way as long as nobody has done something about it.

    A cancelled statement may pass, and so does class 40, where the server has rolled back one of
    two transactions.
    """
    return failure.cause is not Cause.CANCEL and not failure.sqlstate.startswith(_ROLLBACK)


def _interrupted(
    message: str, revision: str, changes: Changes, addition: str = "", *, mend: str = ""
) -> InterruptedRunError:
    done: list[str] = []
    if changes.applied:
        listed = ", ".join(f'"{one}"' for one in changes.applied)
        done.append(f"applied in this run and kept: {listed}")
    way_on = _MEND
    if changes.resumes_after is not None:
        way_on = f"{mend}run it again: it goes on after statement {changes.resumes_after}"
    if changes.committed:
        committed = _list_statements(tuple(dict.fromkeys((*changes.leftover, *changes.committed))))
        done.append(f'of revision "{revision}" this is committed already: {committed}; {way_on}')
    elif changes.leftover:
        left = _list_statements(changes.leftover)
        done.append(f'of revision "{revision}" an earlier run had committed: {left}; {way_on}')
    elif changes.resumes_after is not None:
        done.append(f'revision "{revision}" is half done; {way_on}')
    if changes.is_in_doubt:
        done.append(f'whether revision "{revision}" was committed is not known')
    hint = "; ".join([*([addition] if addition else []), *done, _STATUS])
    return InterruptedRunError(message, hint)
