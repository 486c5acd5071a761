"""A command on many targets: some first, then the others beside each other, until too many fail."""

import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from safemigrate.errors import ExitCode
from safemigrate.execute.fleet.result import (
    Carrier,
    FleetEvent,
    FleetProgress,
    FleetReport,
    FleetStopped,
    TargetFinished,
    TargetOutcome,
    TargetResult,
    TargetStarted,
)
from safemigrate.execute.fleet.target import Target
from safemigrate.execute.settings import Timing
from safemigrate.execute.stopping import StopSignal

__all__ = ["FailureLimit", "FleetSettings", "run_fleet"]

_WHOLE_PERCENT = 100


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """How many targets may fail before no further one is begun: a number, or a part of them all."""

    value: int = 1
    is_percent: bool = False

    def count_allowed(self, total: int) -> int:
        """Return the number of failures at which it ends, at least 1."""
        if not self.is_percent:
            return self.value
        return max(1, math.ceil(self.value * total / _WHOLE_PERCENT))


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """How many run at once, how many go first alone, and how many failures end it."""

    jobs: int = 4
    canary: int = 1
    limit: FailureLimit = FailureLimit()


def run_fleet(
    targets: Sequence[Target],
    carrier: Carrier,
    settings: FleetSettings,
    progress: FleetProgress,
    *,
    timing: Timing | None = None,
) -> FleetReport:
    """Have the carrier bring every target where it is to go, and return what became of each.

    The first ones go alone; when one of them fails, or as many as the limit says, or a signal
    comes, no further one is begun. After a signal those under way are asked to stop.
    """
    now = (timing or Timing()).now
    started = now()
    run = _Run(targets, carrier, settings, progress)
    with StopSignal(run.stop_for) as stop:
        run.go()
        if stop.received:
            run.end(f"stopped by {stop.received}")
    results = tuple(run.results[target] for target in targets)
    is_whole = all(one.outcome is not TargetOutcome.NOT_STARTED for one in results)
    reason = "" if is_whole and not stop.received else run.reason
    return FleetReport(results, timedelta(seconds=now() - started), reason)


class _Run:
    """The run; `reason` says why no further target is begun, "" while they are."""

    def __init__(
        self,
        targets: Sequence[Target],
        carrier: Carrier,
        settings: FleetSettings,
        progress: FleetProgress,
    ) -> None:
        self.results: dict[Target, TargetResult] = {}
        self.reason = ""
        self._targets = targets
        self._carrier = carrier
        self._settings = settings
        self._progress = progress
        self._failed = 0
        # held while anybody is told something, and while what is told here changes
        self._lock = threading.RLock()

    def go(self) -> None:
        """Carry all targets, the first ones before the others."""
        first = self._targets[: self._settings.canary]
        rest = self._targets[len(first) :]
        self._carry_all(first, is_canary=bool(rest))
        failed = [target.name for target in first if not self.results[target].outcome.has_succeeded]
        if rest and failed:
            names = ", ".join(f'"{name}"' for name in failed)
            self.end(f"the others wait for {names}, which did not succeed")
        self._carry_all(rest, is_canary=False)

    def end(self, reason: str) -> None:
        """Begin no further target; the first reason counts."""
        with self._lock:
            if not self.reason:
                self.reason = reason
                self._progress(FleetStopped(reason))

    def stop_for(self, signal: str) -> None:
        """Begin no further target, and stop those that are under way."""
        self._carrier.stop()
        self.end(f"stopped by {signal}")

    def _carry_all(self, targets: Sequence[Target], *, is_canary: bool) -> None:
        if not targets:
            return
        jobs = min(self._settings.jobs, len(targets))
        with ThreadPoolExecutor(jobs, thread_name_prefix="safemigrate-target") as executor:
            waiting = [executor.submit(self._carry, target, is_canary) for target in targets]
        for one in waiting:
            one.result()

    def _carry(self, target: Target, is_canary: bool) -> None:  # noqa: FBT001 - an executor passes it on by its place
        with self._lock:
            if self.reason:
                self.results[target] = _not_started(target, self.reason)
                return
            self._progress(TargetStarted(target, is_canary))
        self._note(self._carrier.carry(target, self._tell))

    def _tell(self, event: FleetEvent) -> None:
        with self._lock:
            self._progress(event)

    def _note(self, result: TargetResult) -> None:
        with self._lock:
            self.results[result.target] = result
            total = len(self._targets)
            ended = sum(
                one.outcome is not TargetOutcome.NOT_STARTED for one in self.results.values()
            )
            self._progress(TargetFinished(result, ended, total))
            self._failed += result.has_failed
            if self._failed >= self._settings.limit.count_allowed(total) and ended < total:
                self.end(_describe_limit(self._failed, total))


def _describe_limit(failed: int, total: int) -> str:
    noun = "target" if failed == 1 else "targets"
    return f"{failed} {noun} of {total} failed, as many as --max-failures allows"


def _not_started(target: Target, reason: str) -> TargetResult:
    return TargetResult(
        target, TargetOutcome.NOT_STARTED, ExitCode.GAVE_UP, error=f"not begun: {reason}"
    )
