"""The table `run` → what a project says about how its migrations are run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from safemigrate.config.tables import convert_table

__all__ = ["RunChoices", "read_run_choices"]


@dataclass(frozen=True, slots=True)
class RunChoices:
    """How migrations are run; what was not set is None or empty.

    `stall_budget`: how long the runs of one command may hold up one table in all.
    `when_busy`: what to do about a table that is never free: `wait`, `ramp`, `cancel` or
    `terminate`.
    `expendable_roles`, `expendable_applications`: whose statements and sessions may be ended for a
    lock; both are compared as they are written.
    `is_production`: the database is one that must not be downgraded without a reason.
    `most_replica_lag`: how far a replica may be behind when a run begins.
    `before`, `after`: shell commands to run before the first and behind the last revision.
    `hook_timeout`: how long each of them may take.
    """

    stall_budget: timedelta | None = None
    when_busy: str | None = None
    expendable_roles: tuple[str, ...] = ()
    expendable_applications: tuple[str, ...] = ()
    is_production: bool = False
    most_replica_lag: timedelta | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    hook_timeout: timedelta | None = None


_Name = Annotated[str, Meta(min_length=1)]


class _Table(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The keys as written; each with its unit in its name."""

    stall_budget_ms: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    when_busy: Literal["wait", "ramp", "cancel", "terminate"] | UnsetType = UNSET
    expendable_roles: tuple[_Name, ...] = ()
    expendable_applications: tuple[_Name, ...] = ()
    production: bool = False
    max_replica_lag_s: Annotated[float, Meta(ge=0)] | UnsetType = UNSET
    before: tuple[_Name, ...] = ()
    after: tuple[_Name, ...] = ()
    hook_timeout_s: Annotated[float, Meta(gt=0)] | UnsetType = UNSET


_EXAMPLES = {
    "after": 'after = ["./announce-deploy"]',
    "before": 'before = ["./is-it-a-good-moment"]',
    "expendable-applications": 'expendable-applications = ["nightly-report"]',
    "expendable-roles": 'expendable-roles = ["reporting"]',
    "hook-timeout-s": "hook-timeout-s = 30",
    "max-replica-lag-s": "max-replica-lag-s = 10",
    "production": "production = true",
    "stall-budget-ms": "stall-budget-ms = 1000",
    "when-busy": 'when-busy = "wait"',
}


def read_run_choices(table: Mapping[str, object], path: str, prefix: str) -> RunChoices:
    """Return the choices; a ConfigError names the key by `prefix` and the file by `path`."""
    read = convert_table(table, _Table, path, prefix, _EXAMPLES)
    budget, lag = read.stall_budget_ms, read.max_replica_lag_s
    hook_timeout = read.hook_timeout_s
    return RunChoices(
        stall_budget=None if isinstance(budget, UnsetType) else timedelta(milliseconds=budget),
        when_busy=None if isinstance(read.when_busy, UnsetType) else read.when_busy,
        expendable_roles=read.expendable_roles,
        expendable_applications=read.expendable_applications,
        is_production=read.production,
        most_replica_lag=None if isinstance(lag, UnsetType) else timedelta(seconds=lag),
        before=read.before,
        after=read.after,
        hook_timeout=(
            None if isinstance(hook_timeout, UnsetType) else timedelta(seconds=hook_timeout)
        ),
    )
