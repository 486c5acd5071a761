"""What the command line of `upgrade` and `downgrade` says."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from safemigrate.cli.gating import GateOptions, gate_options, read_overrides
from safemigrate.cli.options import (
    Number,
    Seconds,
    config_option,
    format_option,
    quiet_option,
    url_option,
)
from safemigrate.cli.targets import Tenant, fleet_options
from safemigrate.config import Config
from safemigrate.errors import SafemigrateError
from safemigrate.execute import RunSettings, WhenBusy
from safemigrate.journal import count_milliseconds
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, Direction
from safemigrate.report.events import encode_line, failed_line

__all__ = ["RunOptions", "choose_settings", "run_options"]

_STANDARD = RunSettings()
_RAMPING = RunSettings(when_busy=WhenBusy.RAMP)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was written on the command line; None where nothing was."""

    config: Path
    url: str | None = None
    tenant: Tenant = field(default_factory=Tenant)
    gate: GateOptions = field(default_factory=GateOptions)
    lock_timeout_ms: int | None = None
    lock_attempts: int | None = None
    stall_budget_ms: int | None = None
    when_busy: str | None = None
    deadline: float | None = None
    is_dry_run: bool = False
    format: str = "text"
    is_quiet: bool = False


def run_options(function: Callable[..., object]) -> Callable[..., object]:
    """Add every option of a run; the command is given `revision` and `options: RunOptions`.

    It is not called when many targets are named: then each one has a process of its own.
    """

    @functools.wraps(function)
    def command(*, revision: str | None, **given: Any) -> object:
        try:
            options = _collect(given, is_target_given=revision is not None)
        except SafemigrateError as error:
            if given["format_"] == "json" and not given["dry_run"]:
                _write_failed(error)
            raise
        return function(revision=revision, options=options)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _write_failed(error: SafemigrateError) -> None:
    """Write the last line of a run's stream, of which it is the only one."""
    direction = Direction(str(click.get_current_context().command.name))
    click.echo(encode_line(failed_line(direction, (), error, datetime.now(UTC))), nl=False)


def choose_settings(config: Config, options: RunOptions) -> RunSettings:
    """Return what the command line says, else the configuration, else the default."""
    run = config.run
    busy = options.when_busy or run.when_busy
    return RunSettings(
        lock_timeout=_milliseconds(options.lock_timeout_ms)
        or config.lock_timeout
        or _STANDARD.lock_timeout,
        lock_attempts=options.lock_attempts or config.lock_attempts,
        deadline=_choose_deadline(config, options),
        stall_budget=_milliseconds(options.stall_budget_ms) or run.stall_budget,
        when_busy=_STANDARD.when_busy if busy is None else WhenBusy(busy),
        expendable_roles=run.expendable_roles,
        expendable_applications=run.expendable_applications,
    )


def _choose_deadline(config: Config, options: RunOptions) -> timedelta:
    # zero is one too: not to wait at all
    if options.deadline is not None:
        return timedelta(seconds=options.deadline)
    return _STANDARD.deadline if config.deadline is None else config.deadline


def _milliseconds(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(milliseconds=number)


def _collect(given: dict[str, Any], *, is_target_given: bool) -> RunOptions:
    reason, allowed = read_overrides(given["override"], given["allow"])
    gate = GateOptions(
        given["pg_version"],
        reason,
        allowed,
        is_target_given=is_target_given,
        disk_free_bytes=given["disk_free_bytes"],
    )
    return RunOptions(
        config=given["config"],
        url=given["url"],
        tenant=given["tenant"],
        gate=gate,
        lock_timeout_ms=given["lock_timeout_ms"],
        lock_attempts=given["lock_attempts"],
        stall_budget_ms=given["stall_budget_ms"],
        when_busy=given["when_busy"],
        deadline=given["deadline"],
        is_dry_run=given["dry_run"],
        format=given["format_"],
        is_quiet=given["quiet"],
    )


_OPTIONS: tuple[Callable[[Callable[..., object]], Callable[..., object]], ...] = (
    config_option,
    url_option,
    fleet_options,
    click.option(
        "--dry-run",
        is_flag=True,
        help="Write the plan, as safemigrate plan does, and change nothing.",
    ),
    click.option(
        "--lock-timeout-ms",
        type=Number(min=1),
        metavar="MS",
        help="How many milliseconds one attempt may wait for a lock, and the application behind "
        f"it; default: the configuration's, or {count_milliseconds(_STANDARD.lock_timeout)}.",
    ),
    click.option(
        "--stall-budget-ms",
        type=Number(min=1),
        metavar="MS",
        help="How many milliseconds the run may hold up one table in all; default: the "
        f"configuration's, or {count_milliseconds(_STANDARD.stall_limit)}; with --when-busy "
        f"ramp {count_milliseconds(_RAMPING.stall_limit)}.",
    ),
    click.option(
        "--when-busy",
        type=click.Choice([one.value for one in WhenBusy]),
        help="What to do about a table that is never free: wait for it until the deadline, ramp up "
        "how long an attempt waits, or cancel or terminate the sessions in the way, of those that "
        f"the configuration lists; default: the configuration's, or {_STANDARD.when_busy.value}.",
    ),
    click.option(
        "--lock-attempts",
        type=Number(min=1),
        metavar="N",
        help="How often a revision is tried; default: the configuration's, or as often as the "
        "deadline allows.",
    ),
    click.option(
        "--deadline",
        type=Seconds(min=0),
        metavar="SECONDS",
        help="How many seconds to wait in all, for locks and for another runner; default: the "
        f"configuration's, or {round(_STANDARD.deadline.total_seconds())}. Work does not count, "
        "and is not cut off.",
    ),
    click.option(
        "--pg-version",
        type=Number(OLDEST_VERSION.major, NEWEST_VERSION.major),
        metavar="MAJOR",
        help="The major version of PostgreSQL to judge the revisions for; default: the server's "
        "own.",
    ),
    gate_options,
    format_option("text", "json"),
    quiet_option,
)
