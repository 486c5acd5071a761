"""The runner: revisions applied one by one, each in a transaction of its own."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from safemigrate.errors import LockTimeoutError, RunStoppedError, SafemigrateError
from safemigrate.execute.clearance import Check, Inquiry
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.deploylock import LockHolder, find_runner, try_deploy_lock
from safemigrate.execute.events import (
    Progress,
    RevisionFinished,
    RunEvent,
    RunFinished,
    RunnerWaited,
    RunPlanned,
    RunWarned,
    StopRequested,
)
from safemigrate.execute.execution import Execution
from safemigrate.execute.leasekeeper import LeaseKeeper
from safemigrate.execute.origin import Origin
from safemigrate.execute.outcome import (
    Changes,
    describe_duration,
    describe_holder,
    explain_stop,
)
from safemigrate.execute.patience import Patience
from safemigrate.execute.plan import Plan
from safemigrate.execute.settings import RunSettings, WhenBusy
from safemigrate.execute.site import Site, explain_unreadable, open_site
from safemigrate.execute.steps import describe_step, find_steps
from safemigrate.execute.stopping import StopSignal
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.telemetry import trace_run
from safemigrate.model import Direction
from safemigrate.source import Project

__all__ = ["RunReport", "run_downgrade", "run_upgrade", "serialise"]

_UNKNOWN = Origin()
_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 1.0
_TELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did; `heads` was read back from the database afterwards."""

    direction: Direction
    applied: tuple[RevisionFinished, ...]
    heads: tuple[str, ...]
    duration: timedelta


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for."""

    project: Project
    url: str | None
    direction: Direction
    target: str
    settings: RunSettings
    check: Check
    origin: Origin


def run_upgrade(
    project: Project,
    target: str,
    settings: RunSettings,
    *,
    progress: Progress,
    check: Check,
    url: str | None = None,
    origin: Origin = _UNKNOWN,
) -> RunReport:
    """Bring the database forward to `target`, in Alembic's syntax, such as `heads` or `+1`.

    One runner at a time: another one is waited for. `check` is called before anything is changed,
    not at all when nothing is pending; what it returns is what the run goes by. `url` wins over
    the project's. `origin`: where the code comes from, for the history.

    Raises LockTimeoutError when a lock was not to be had in time, RevisionFailedError when a
    revision failed, RunStoppedError when the run was ended from outside, each of these only
    while nothing is changed; InterruptedRunError for the same reasons when something is; what
    `check` raises; and UsageError, RevisionError, EnvironmentSetupError, DatabaseError.
    """
    order = _Order(project, url, Direction.UPGRADE, target, settings, check, origin)
    return _run(order, progress)


def run_downgrade(
    project: Project,
    target: str,
    settings: RunSettings,
    *,
    progress: Progress,
    check: Check,
    url: str | None = None,
    origin: Origin = _UNKNOWN,
) -> RunReport:
    """Bring the database back to `target`, such as `-1`, an id or `base`; as `run_upgrade`."""
    order = _Order(project, url, Direction.DOWNGRADE, target, settings, check, origin)
    return _run(order, progress)


def _run(order: _Order, progress: Progress) -> RunReport:
    with trace_run(progress, order.direction) as traced:
        return _run_told(order, serialise(traced))


def _run_told(order: _Order, report: Progress) -> RunReport:
    now = order.settings.timing.now
    started = now()
    with StopSignal(lambda name: report(StopRequested(name))) as stop, ExitStack() as stack:
        with _stoppable(stop):
            site = stack.enter_context(
                open_site(
                    order.project,
                    lock_timeout=order.settings.lock_timeout,
                    url=order.url,
                    longest_connect=order.settings.deadline.total_seconds(),
                )
            )
        try:
            applied, heads = _run_on(order, site, stop, report)
        except ControlLostError as err:
            # a run that has begun explains this itself
            raise RunStoppedError(
                "the connection was lost before anything was changed", "run it again"
            ) from err
    duration = timedelta(seconds=now() - started)
    report(RunFinished(order.direction, applied, heads, duration))
    return RunReport(order.direction, applied, heads, duration)


def _run_on(
    order: _Order, site: Site, stop: StopSignal, report: Progress
) -> tuple[tuple[RevisionFinished, ...], tuple[str, ...]]:
    """Return what was applied, and the heads after it."""
    patience = Patience(order.settings.deadline, order.settings.timing.now)
    with patience.waiting():
        reached = _take_deploy_lock(order, site, patience, stop, report)
    if reached is not None:
        return (), reached
    try:
        heads = site.read_heads()
    except DBAPIError as err:
        raise explain_unreadable(err) from err
    steps = find_steps(order.project, order.direction, order.target, heads)
    if not steps:
        return (), heads
    site.check_writable()
    with LeaseKeeper(site) as keeper:

        def tell(event: RunEvent) -> None:
            keeper.note(event)
            report(event)

        _warn_of_policy(order.settings, tell)
        pending = tuple(step.revision.revision for step in steps)
        with _stoppable(stop):
            clearance = order.check(Inquiry(order.direction, pending, heads, site))
        tell(RunPlanned(order.direction, tuple(map(describe_step, steps)), heads))
        plan = Plan(
            order.project,
            order.url,
            order.direction,
            order.target,
            heads,
            steps,
            order.settings,
            clearance,
            order.origin,
        )
        sleep = order.settings.timing.sleep or stop.sleep
        return Execution(Surroundings(plan, site, stop, patience, sleep, tell)).run()


def _warn_of_policy(settings: RunSettings, report: Progress) -> None:
    """Say that nobody is listed whom the policy could end."""
    is_ending = settings.when_busy in {WhenBusy.CANCEL, WhenBusy.TERMINATE}
    if is_ending and not (settings.expendable_roles or settings.expendable_applications):
        report(
            RunWarned(
                f"nobody is ended by when-busy {settings.when_busy.value}, for neither "
                "run.expendable-roles nor run.expendable-applications names anybody; a busy table "
                "is only waited for"
            )
        )


def _take_deploy_lock(
    order: _Order, site: Site, patience: Patience, stop: StopSignal, report: Progress
) -> tuple[str, ...] | None:
    """Poll for the lock until it is ours, and return None; or the heads when they are the target's.

    Whoever waits need not have the lock to see that all it was asked for is committed. Raises
    LockTimeoutError at the deadline.
    """
    timing = order.settings.timing
    sleep = timing.sleep or stop.sleep
    shown: LockHolder | None = None
    shown_at = timing.now()
    pause = _FIRST_POLL_SECONDS
    while not site.control.run(lambda connection: try_deploy_lock(connection, site.role)):
        heads = _find_reached(order, site)
        if heads is not None:
            _raise_if_stopped(stop)
            return heads
        holder = site.control.run(lambda connection: find_runner(connection, site.role))
        _raise_if_stopped(stop)
        remaining = patience.remaining
        if remaining <= 0:
            raise _deploy_lock_timeout(order.settings.deadline, holder)
        is_stale = timing.now() - shown_at >= _TELL_SECONDS
        if holder is not None and _is_news(holder, shown, is_stale=is_stale):
            report(RunnerWaited(holder))
            shown, shown_at = holder, timing.now()
        # apart, so that two who wait do not ask in step
        sleep(min(remaining, timing.draw(pause / 2, pause)))
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
    _raise_if_stopped(stop)
    return None


def _find_reached(order: _Order, site: Site) -> tuple[str, ...] | None:
    """Return the heads when nothing of what was asked for is left, None when there is.

    A revision is in the version table once all of it is committed. A downgrade waits for its turn:
    what is ahead of it may be about to bring what it has to take back.
    """
    if order.direction is Direction.DOWNGRADE:
        return None
    try:
        heads = site.read_heads()
        return None if find_steps(order.project, order.direction, order.target, heads) else heads
    except (DBAPIError, SafemigrateError):
        # it is told by who has the lock
        return None


def _is_news(holder: LockHolder, shown: LockHolder | None, *, is_stale: bool) -> bool:
    """Return whether there is something to tell of who is ahead, and what it does.

    `is_stale`: what was told is not quite new any more; a percentage moves all the time.
    """
    if shown is None or (shown.pid, shown.since) != (holder.pid, holder.since):
        return True
    if holder.lease is None or shown.lease is None:
        return shown.lease is not holder.lease
    return is_stale and shown.lease.doing != holder.lease.doing


def _deploy_lock_timeout(deadline: timedelta, holder: LockHolder | None) -> LockTimeoutError:
    who = describe_holder(holder) if holder is not None else "another runner"
    return LockTimeoutError(
        f"the deploy lock is still held after {describe_duration(deadline)}, by {who}",
        "nothing was changed; run it again when the other one is done, or with a longer --deadline",
    )


@contextmanager
def _stoppable(stop: StopSignal) -> Iterator[None]:
    """Let a signal end the block at once, which changes nothing."""
    try:
        with stop.breaking():
            yield
    except (KeyboardInterrupt, SafemigrateError):
        _raise_if_stopped(stop)
        raise
    _raise_if_stopped(stop)


def _raise_if_stopped(stop: StopSignal) -> None:
    if stop.received:
        raise explain_stop(f"stopped by {stop.received}", "", Changes())


def serialise(progress: Progress) -> Progress:
    """Return the same for several threads, one at a time."""
    lock = threading.RLock()

    def report(event: RunEvent) -> None:
        with lock:
            progress(event)

    return report
