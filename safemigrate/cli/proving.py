"""What the command line of `verify` says about how revisions are proved."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from safemigrate.cli.completing import complete_properties
from safemigrate.cli.options import Number, Seconds
from safemigrate.config import Deployer, VerifyChoices, check_property_words
from safemigrate.journal import count_milliseconds

__all__ = ["ProofOptions", "check_files", "choose_proofs", "proof_options"]

Function = TypeVar("Function", bound=Callable[..., object])

_STANDARD = VerifyChoices()
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """What was written on the command line; None or empty where nothing was."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    rows: int | None = None
    samples: Path | None = None
    seed: Path | None = None
    max_block_ms: int | None = None
    workload: Path | None = None
    deployed_by: str | None = None
    longest_read_ms: int | None = None
    old_statements: Path | None = None
    new_statements: Path | None = None
    plans: Path | None = None
    statistics: Path | None = None
    allow_host: tuple[str, ...] = ()
    timeout: float | None = None


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--select",
        multiple=True,
        metavar="PROPERTY",
        shell_complete=complete_properties,
        help="Prove only this property, or this family of them; may be repeated; default: all.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="PROPERTY",
        shell_complete=complete_properties,
        help="Do not prove this property, or this family of them; may be repeated.",
    ),
    click.option(
        "--seed",
        type=_FILE,
        help="What the history starts from: SQL, or what pg_dump wrote; default: an empty "
        "database.",
    ),
    click.option(
        "--rows",
        type=Number(min=1),
        metavar="N",
        help="How many rows to generate in a table that a revision touches; default: "
        f"{_STANDARD.rows}.",
    ),
    click.option(
        "--samples",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="A folder of the project's own rows: REVISION.sql is run before that revision, and "
        "REVISION.after.sql behind it.",
    ),
    click.option(
        "--workload",
        type=_FILE,
        help="What the application does meanwhile: SQL, or a script for pgbench; default: reads "
        "and writes of the tables concerned.",
    ),
    click.option(
        "--max-block-ms",
        type=Number(min=1),
        metavar="MS",
        help="How many milliseconds a statement of the application may wait for a revision; "
        f"default: {count_milliseconds(_STANDARD.max_block)}.",
    ),
    click.option(
        "--deployed-by",
        type=click.Choice([one.value for one in Deployer]),
        help=f"What runs the migrations in production; default: {_STANDARD.deployed_by.value}.",
    ),
    click.option(
        "--longest-read-ms",
        type=Number(min=1),
        metavar="MS",
        help="How many milliseconds a transaction of the application reads, where alembic waits "
        f"for it; default: {count_milliseconds(_STANDARD.longest_read)}.",
    ),
    click.option(
        "--old-statements",
        type=_FILE,
        help="The statements of the release that runs before the revision: SQL, an export of "
        "pg_stat_statements, or what the release's tests sent.",
    ),
    click.option(
        "--new-statements",
        type=_FILE,
        help="The statements of the release that runs after the revision, as above.",
    ),
    click.option("--plans", type=_FILE, help="A file of queries, and how each must be planned."),
    click.option(
        "--statistics",
        type=_FILE,
        help="What production's pg_dump --statistics-only wrote; needs PostgreSQL 18, embedded.",
    ),
    click.option(
        "--allow-host",
        multiple=True,
        metavar="HOST",
        help="Let revisions reach this host; may be repeated; default: the network is refused.",
    ),
    click.option(
        "--timeout",
        type=Seconds(min=0, min_open=True),
        metavar="SECONDS",
        help="How many seconds a revision may run in one direction; default: "
        f"{round(_STANDARD.time_limit.total_seconds())}.",
    ),
)


def proof_options(function: Function) -> Function:
    """Add the options; each is a parameter of its own, as `ProofOptions` has them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def choose_proofs(configured: VerifyChoices, options: ProofOptions) -> VerifyChoices:
    """Return what the command line says, else the configuration; raises ConfigError.

    What is selected on the command line takes the place of what is in the configuration; what is
    ignored there is ignored beside it.
    """
    check_property_words(options.select, "--select")
    check_property_words(options.ignore, "--ignore")
    said: dict[str, Any] = {
        "selected": options.select,
        "rows": options.rows,
        "samples": options.samples,
        "seed": options.seed,
        "max_block": _milliseconds(options.max_block_ms),
        "workload": options.workload,
        "deployed_by": None if options.deployed_by is None else Deployer(options.deployed_by),
        "longest_read": _milliseconds(options.longest_read_ms),
        "old_statements": options.old_statements,
        "new_statements": options.new_statements,
        "plans": options.plans,
        "statistics": options.statistics,
        "time_limit": None if options.timeout is None else timedelta(seconds=options.timeout),
    }
    return replace(
        configured,
        ignored=(*configured.ignored, *options.ignore),
        allowed_hosts=(*configured.allowed_hosts, *options.allow_host),
        **{name: value for name, value in said.items() if value},
    )


def check_files(choices: VerifyChoices) -> None:
    """Read the files that the choices name; raises ConfigError or UsageError for a bad one.

    So that nothing is started, and nothing proved, before that is known.
    """
    # most runs name none of them, and need not wait for what reads them
    if choices.plans is not None:
        from safemigrate.verify.plans import read_expectations  # noqa: PLC0415 - as above

        read_expectations(choices.plans)
    if choices.workload is not None:
        from safemigrate.verify.traffic.scripts import read_workload  # noqa: PLC0415 - as above

        read_workload(choices.workload)
    for path in (choices.old_statements, choices.new_statements):
        if path is not None:
            from safemigrate.verify.compatibility import read_statements  # noqa: PLC0415 - as above

            read_statements(path)


def _milliseconds(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(milliseconds=number)
