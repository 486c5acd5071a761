"""How every build is taken to the server: wait, send, clear up, try again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from sqlalchemy.engine import Connection

from safemigrate.execute.blockers import Blocker, LockWait
from safemigrate.execute.builds.build import Build
from safemigrate.execute.builds.others import Company, find_holders, find_workers
from safemigrate.execute.builds.watching import Part, give_up, send_watched, was_held_up
from safemigrate.execute.events import BuildDelayed, BuildRetried, HoldersFound
from safemigrate.execute.failures import mark_cleared_up, mark_left
from safemigrate.execute.surroundings import StopRunError
from safemigrate.model import QualifiedName
from safemigrate.source import find_sqlstate
from safemigrate.source.sqlstates import DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE

__all__ = ["Job", "carry_through", "carry_unseen", "stay_away"]

_MAY_PASS = {DEADLOCK_DETECTED: "deadlock", LOCK_NOT_AVAILABLE: "lock timeout"}
_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 5.0


class Job(Protocol):
    """What is particular about one kind of build."""

    @property
    def company(self) -> Company:
        """Whom it waits for, and the tables it works on."""

    @property
    def may_be_repeated(self) -> bool:
        """Whether its session is ready for another attempt after an error."""

    @property
    def felt(self) -> QualifiedName | None:
        """The relation for whose ACCESS EXCLUSIVE it may not stand in the queue for long."""

    def prepare(self) -> Callable[[], object]:
        """Clear up behind earlier runs, and return what sends the statement."""

    def clear_up(self) -> bool:
        """Clear up behind this run after an error; return whether nothing of it stays."""


def carry_through(build: Build, job: Job, part: Part | None = None) -> None:
    """Take the build to the server, as often as it needs.

    Raises the driver's error when it failed for good, and StopRunError when the deadline passed
    while it waited. What is raised is marked where nothing of the build stays behind.
    """
    _carry_on(build, job, part, 0)


def carry_unseen(build: Build, find_job: Callable[[], Job | None]) -> None:
    """Do the same for a table that nobody else uses, so that there is nothing to look at before.

    `find_job`: asked when it has failed; None where what it works on is not there.
    """
    build.surroundings.check_stop()
    try:
        send_watched(build, build.sent.send)
    except Exception as err:
        job = find_job()
        if job is None:
            raise
        pause = _recover(build, job, err, 1)
        if pause is None:
            raise
        reason = _name_passing(err)
    else:
        return
    _pause(build, 1, reason, pause)
    _carry_on(build, job, None, 1)


def _carry_on(build: Build, job: Job, part: Part | None, attempt: int) -> None:
    while True:
        attempt += 1
        try:
            _attempt(build, job, part, is_first=attempt == 1)
        except Exception as err:
            pause = _recover(build, job, err, attempt)
            if pause is None:
                raise
            reason = _name_passing(err)
        else:
            return
        _pause(build, attempt, reason, pause)


def _recover(build: Build, job: Job, error: Exception, attempt: int) -> timedelta | None:
    """Clear up, and return how long to wait before the next attempt, None when there is none."""
    if _clear_up(job):
        mark_cleared_up(error)
    elif build.left:
        mark_left(error, build.left)
    return _choose_pause(build, job, error, attempt)


def _pause(build: Build, attempt: int, reason: str, pause: timedelta) -> None:
    build.report(BuildRetried(build.revision, build.statement, attempt, reason, pause))
    build.surroundings.sleep(pause.total_seconds())
    build.sent.effort.attempts += 1
    build.sent.effort.waited += pause.total_seconds()


def _attempt(build: Build, job: Job, part: Part | None, *, is_first: bool) -> None:
    build.surroundings.check_stop()
    _wait_for_workers(build, job)
    send = job.prepare()
    if is_first:
        _name_holders(build, job.company)
    send_watched(build, send, part, job.felt)


def _clear_up(job: Job) -> bool:
    try:
        return job.clear_up()
    except StopRunError:
        # the control connection is gone: what stays is for the next run
        return False


def _name_passing(error: Exception) -> str:
    """Return what it was, in words, where it may pass; "" where it will not."""
    return "lock timeout" if was_held_up(error) else _MAY_PASS.get(find_sqlstate(error), "")


def _choose_pause(build: Build, job: Job, error: Exception, attempt: int) -> timedelta | None:
    """Return how long to wait before the next attempt, None when there is none."""
    remaining = build.surroundings.remaining()
    if not _name_passing(error) or not job.may_be_repeated:
        return None
    if remaining <= 0 or build.surroundings.stop.received:
        return None
    longest = min(_FIRST_POLL_SECONDS * 2.0 ** min(attempt, 16), _LONGEST_PAUSE_SECONDS, remaining)
    return timedelta(seconds=build.surroundings.plan.settings.timing.draw(0.0, longest))


def _name_holders(build: Build, company: Company) -> None:
    holders = build.see(lambda connection: find_holders(connection, company, build.pid))
    if holders:
        build.report(HoldersFound(build.revision, build.statement, holders))


def _wait_for_workers(build: Build, job: Job) -> None:
    """Stay away from the tables while others work on them.

    Two that build on one table wait for one another's snapshots, and end in a deadlock.
    """
    tables = job.company.tables
    stay_away(build, lambda connection: find_workers(connection, tables, build.pid))


def stay_away(build: Build, find: Callable[[Connection], tuple[Blocker, ...]]) -> None:
    """Wait, in no queue, until nobody is found. Raises StopRunError at the deadline."""
    pause, told = _FIRST_POLL_SECONDS, frozenset[int]()
    while True:
        found = build.see(find)
        if not found:
            return
        wait = LockWait(None, None, found)
        build.note(wait)
        pids = frozenset(one.pid for one in found)
        if pids != told:
            told = pids
            build.report(BuildDelayed(build.revision, build.statement, wait))
        build.surroundings.check_stop()
        remaining = build.surroundings.remaining()
        if remaining <= 0:
            raise give_up(build, wait)
        began = build.surroundings.now()
        build.surroundings.sleep(min(pause, remaining))
        build.sent.effort.waited += build.surroundings.now() - began
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
