"""The runner: revisions applied one by one, each in a transaction of its own."""

import threading
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from safemigrate.errors import LockTimeoutError, RunStoppedError
from safemigrate.execute.clearance import Check, Inquiry
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.deploylock import LockHolder, find_holder, try_deploy_lock
from safemigrate.execute.events import (
    Progress,
    RevisionFinished,
    RunEvent,
    RunFinished,
    RunnerWaited,
    RunPlanned,
    StopRequested,
)
from safemigrate.execute.execution import Execution
from safemigrate.execute.outcome import (
    Changes,
    describe_duration,
    describe_holder,
    explain_stop,
)
from safemigrate.execute.plan import Plan
from safemigrate.execute.settings import RunSettings
from safemigrate.execute.site import Site, explain_unreadable, open_site
from safemigrate.execute.steps import describe_step, find_steps
from safemigrate.execute.stopping import StopSignal
from safemigrate.execute.surroundings import Surroundings
from safemigrate.model import Direction
from safemigrate.source import Project

__all__ = ["RunReport", "run_downgrade", "run_upgrade"]

_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 1.0


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


def run_upgrade(
    project: Project,
    target: str,
    settings: RunSettings,
    *,
    progress: Progress,
    check: Check,
    url: str | None = None,
) -> RunReport:
    """Bring the database forward to `target`, in Alembic's syntax, such as `heads` or `+1`.

    One runner at a time: another one is waited for. `check` is called before anything is changed,
    not at all when nothing is pending; what it returns is what the run goes by. `url` wins over
    the project's.

    Raises LockTimeoutError when a lock was not to be had in time, RevisionFailedError when a
    revision failed, RunStoppedError when the run was ended from outside, each of these only
    while nothing is changed; InterruptedRunError for the same reasons when something is; what
    `check` raises; and UsageError, RevisionError, EnvironmentSetupError, DatabaseError.
    """
    return _run(_Order(project, url, Direction.UPGRADE, target, settings, check), progress)


def run_downgrade(
    project: Project,
    target: str,
    settings: RunSettings,
    *,
    progress: Progress,
    check: Check,
    url: str | None = None,
) -> RunReport:
    """Bring the database back to `target`, such as `-1`, an id or `base`; as `run_upgrade`."""
    return _run(_Order(project, url, Direction.DOWNGRADE, target, settings, check), progress)


def _run(order: _Order, progress: Progress) -> RunReport:
    report = _serialise(progress)
    now = order.settings.timing.now
    started = now()
    with StopSignal(lambda name: report(StopRequested(name))) as stop:
        site_of = open_site(order.project, lock_timeout=order.settings.lock_timeout, url=order.url)
        with site_of as site:
            try:
                applied, heads = _run_on(order, site, started, stop, report)
            except ControlLostError as err:
                # a run that has begun explains this itself
                raise RunStoppedError(
                    "the connection was lost before anything was changed", "run it again"
                ) from err
    duration = timedelta(seconds=now() - started)
    report(RunFinished(order.direction, applied, heads, duration))
    return RunReport(order.direction, applied, heads, duration)


def _run_on(
    order: _Order, site: Site, started: float, stop: StopSignal, report: Progress
) -> tuple[tuple[RevisionFinished, ...], tuple[str, ...]]:
    """Return what was applied, and the heads after it."""
    deadline = started + order.settings.deadline.total_seconds()
    _take_deploy_lock(order, site, deadline, stop, report)
    try:
        heads = site.read_heads()
    except DBAPIError as err:
        raise explain_unreadable(err) from err
    steps = find_steps(order.project, order.direction, order.target, heads)
    if not steps:
        return (), heads
    pending = tuple(step.revision.revision for step in steps)
    clearance = order.check(Inquiry(order.direction, pending, heads, site))
    _raise_if_stopped(stop)
    report(RunPlanned(order.direction, tuple(map(describe_step, steps)), heads))
    plan = Plan(
        order.project,
        order.url,
        order.direction,
        order.target,
        heads,
        steps,
        order.settings,
        deadline,
        clearance,
    )
    sleep = order.settings.timing.sleep or stop.sleep
    return Execution(Surroundings(plan, site, stop, sleep, report)).run()


def _take_deploy_lock(
    order: _Order, site: Site, deadline: float, stop: StopSignal, report: Progress
) -> None:
    """Poll for the lock until it is ours. Raises LockTimeoutError at the deadline."""
    timing = order.settings.timing
    sleep = timing.sleep or stop.sleep
    shown: LockHolder | None = None
    pause = _FIRST_POLL_SECONDS
    while not site.control.run(try_deploy_lock):
        holder = site.control.run(find_holder)
        _raise_if_stopped(stop)
        remaining = deadline - timing.now()
        if remaining <= 0:
            raise _deploy_lock_timeout(order.settings.deadline, holder)
        if holder is not None and holder != shown:
            report(RunnerWaited(holder))
            shown = holder
        # apart, so that two who wait do not ask in step
        sleep(min(remaining, timing.draw(pause / 2, pause)))
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
    _raise_if_stopped(stop)


def _deploy_lock_timeout(deadline: timedelta, holder: LockHolder | None) -> LockTimeoutError:
    who = describe_holder(holder) if holder is not None else "another runner"
    return LockTimeoutError(
        f"{who} still holds the deploy lock after {describe_duration(deadline)}",
        "nothing was changed; run it again when the other one is done, or with a longer --deadline",
    )


def _raise_if_stopped(stop: StopSignal) -> None:
    if stop.received:
        raise explain_stop(f"stopped by {stop.received}", "", Changes())


def _serialise(progress: Progress) -> Progress:
    """Return the same for several threads, one at a time."""
    lock = threading.Lock()

    def report(event: RunEvent) -> None:
        with lock:
            progress(event)

    return report
