"""`--target`, `--targets` and `--schemas-from`: one command on many databases."""

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import psycopg
from click.core import ParameterSource
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.judging import load_project_config
from safemigrate.cli.options import Number
from safemigrate.cli.surveying import survey
from safemigrate.errors import DatabaseError, UsageError
from safemigrate.execute import RunSettings, open_site
from safemigrate.execute.fleet import (
    ChildCarrier,
    FailureLimit,
    FleetEvent,
    FleetReport,
    FleetSettings,
    Target,
    TargetSaid,
    check_targets,
    check_version_table,
    in_schema,
    list_schemas,
    make_schema_targets,
    parse_target,
    pass_arguments,
    read_targets,
    run_fleet,
)
from safemigrate.report.fleet import (
    encode_line,
    fleet_document,
    fleet_line,
    format_fleet,
    format_fleet_event,
)
from safemigrate.source import Project, open_project

__all__ = ["Tenant", "fleet_options", "settle", "tenant_options"]

Function = TypeVar("Function", bound=Callable[..., object])

_LOCK_TIMEOUT: timedelta = RunSettings().lock_timeout
# A line of what is done on one target, as opposed to what is found in the revisions.
_PROGRESS = re.compile(r"\[\d+/\d+\]|\s*$|error: ")
# What says where to run, and how the report is written: the runs on the targets have their own.
_OWN_OPTIONS = frozenset(
    {
        "canary",
        "format_",
        "help",
        "in_schema",
        "jobs",
        "max_failures",
        "schemas_from",
        "target",
        "targets",
        "url",
    }
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """What is told to env.py: the schema to work in, "" for its own, and what `-x` says."""

    schema: str = ""
    arguments: tuple[str, ...] = ()


# A type checker has to be told what it makes; older versions of click fail when they are.
if TYPE_CHECKING:
    _ParamType = click.ParamType[FailureLimit]
else:
    _ParamType = click.ParamType


class _FailureLimitType(_ParamType):
    """`3` or `10%`."""

    name = "N|P%"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> FailureLimit:
        if isinstance(value, FailureLimit):
            return value
        text = str(value)
        digits = text.removesuffix("%")
        is_percent = digits != text
        number = int(digits) if digits.isascii() and digits.isdigit() else 0
        if number < 1 or (is_percent and number > 100):  # noqa: PLR2004 - percent
            self.fail(f'"{text}" is neither a number from 1 on, nor 1% to 100%', param, ctx)
        return FailureLimit(number, is_percent)


def tenant_options(function: Function) -> Function:
    """Add `--in-schema` and `-x`; the parameters are `in_schema: str` and `x: tuple[str, ...]`."""
    for option in (
        click.option(
            "-x",
            "x",
            multiple=True,
            metavar="KEY=VALUE",
            help="What env.py reads by context.get_x_argument(); may be repeated.",
        ),
        click.option(
            "--in-schema",
            default="",
            envvar="SAFEMIGRATE_SCHEMA",
            show_envvar=True,
            metavar="NAME",
            help="The schema to work in, of a database that has one for each tenant; default: "
            "env.py's own. It is the search_path, and env.py finds it in the variable and as "
            "-x schema=NAME.",
        ),
    ):
        function = option(function)
    return function


def fleet_options(function: Callable[..., object]) -> Callable[..., object]:
    """Add what names many targets; the command itself is given `tenant: Tenant`.

    It is not called when there are many: then each one has a process of its own.
    """

    @functools.wraps(function)
    def command(**given: Any) -> object:
        names = {"target", "targets", "schemas_from", "jobs", "canary", "max_failures"}
        fleet = {name: given.pop(name) for name in names}
        tenant = Tenant(given.pop("in_schema"), given.pop("x"))
        if fleet["target"] or fleet["targets"] or fleet["schemas_from"] is not None:
            context = click.get_current_context()
            settings = FleetSettings(fleet["jobs"], fleet["canary"], fleet["max_failures"])
            targets = _list_targets(context, tenant)
            if given.get("dry_run"):
                is_json = given["format_"] == "json"
                arguments = _list_arguments(context, "json" if is_json else "text")
                context.exit(survey(targets, arguments, is_json=is_json))
            context.exit(_run(context, targets, settings).exit_code)
        return function(**given, tenant=tenant)

    for option in (*reversed(_OPTIONS), tenant_options):
        command = option(command)
    return command


_OPTIONS: tuple[Callable[[Callable[..., object]], Callable[..., object]], ...] = (
    click.option(
        "--target",
        multiple=True,
        metavar="[NAME=]URL",
        help="A database to run on instead of that of --url; may be repeated. ${VARIABLE} is "
        "replaced by its value, which keeps a password out of the list of processes.",
    ),
    click.option(
        "--targets",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A file with databases to run on, one [NAME=]URL a line; may be repeated.",
    ),
    click.option(
        "--schemas-from",
        metavar="QUERY",
        help="A query to the database of --url or env.py that returns the names of schemas: each "
        "one is a target.",
    ),
    click.option(
        "--jobs",
        type=Number(min=1),
        metavar="N",
        default=FleetSettings().jobs,
        show_default=True,
        help="How many targets run at the same time.",
    ),
    click.option(
        "--canary",
        type=Number(min=0),
        metavar="N",
        default=FleetSettings().canary,
        show_default=True,
        help="How many targets run first; only when all of these succeed are the others begun.",
    ),
    click.option(
        "--max-failures",
        type=_FailureLimitType(),
        default=str(FleetSettings().limit.value),
        show_default=True,
        help="How many targets may fail, or what part of them, before no further one is begun.",
    ),
)


@contextmanager
def settle(project: Project, tenant: Tenant, *, url: str | None = None) -> Iterator[None]:
    """Let env.py work in the tenant's schema while the block runs.

    Raises EnvironmentSetupError when it keeps the version table in another one, and what
    `open_site` raises.
    """
    if not tenant.schema:
        pass_arguments(project, tenant.arguments)
        yield
        return
    with in_schema(project, tenant.schema, tenant.arguments):
        with open_site(project, lock_timeout=_LOCK_TIMEOUT, url=url) as site:
            check_version_table(site.version_table, tenant.schema)
        yield


def _list_targets(context: click.Context, tenant: Tenant) -> tuple[Target, ...]:
    given = context.params
    names = [name for name in ("target", "targets", "schemas_from") if given[name]]
    is_url_written = context.get_parameter_source("url") is ParameterSource.COMMANDLINE
    if given["schemas_from"] is None:
        if is_url_written:
            raise UsageError(
                f"--url and --{names[0]} both say where to run",
                "name that database as one more --target",
            )
        one_by_one = (
            parse_target(text, os.environ, place=_place(text)) for text in given["target"]
        )
        from_files = (one for path in given["targets"] for one in read_targets(path, os.environ))
        named = check_targets((*one_by_one, *from_files))
        return tuple(replace(target, schema=tenant.schema) for target in named)
    if given["target"] or given["targets"]:
        raise UsageError(
            "--schemas-from goes with --url, not with --target or --targets",
            "run it once for each database",
        )
    if tenant.schema:
        raise UsageError(
            "--schemas-from and --in-schema both say which schema",
            "leave --in-schema, and the variable SAFEMIGRATE_SCHEMA, out",
        )
    url = given["url"]
    schemas = _ask_for_schemas(context, given["schemas_from"], url, tenant)
    return check_targets(make_schema_targets(schemas, url))


def _place(text: str) -> str:
    """Return the option as it was written, where that is but a word, as a forgotten URL leaves."""
    return f'--target "{text}"' if re.fullmatch(r"[\w.-]{1,40}", text) else ""


def _ask_for_schemas(
    context: click.Context, query: str, url: str | None, tenant: Tenant
) -> tuple[str, ...]:
    """Return the schemas that the query gives, asked in a read-only session."""
    # every upgrade would wait for them otherwise
    from safemigrate.server.connections import connect, parse_url  # noqa: PLC0415 - as said above
    from safemigrate.trace import describe_fault  # noqa: PLC0415 - as said above

    try:
        if url is not None:
            with connect(parse_url(url)) as session:
                session.execute("SET default_transaction_read_only = on")
                return list_schemas(
                    lambda statement: session.execute(statement.encode()).fetchall(), query
                )
        config: Path = context.params["config"]
        project = open_project(config, imports=load_project_config(config).imports)
        pass_arguments(project, tenant.arguments)

        def look(connection: Connection) -> tuple[str, ...]:
            def ask(statement: str) -> Sequence[Sequence[object]]:
                # without parameters, or the driver takes percent signs for places of some
                options = {"no_parameters": True}
                found = connection.exec_driver_sql(statement, execution_options=options)
                return [tuple(row) for row in found]

            connection.exec_driver_sql("SET default_transaction_read_only = on")
            return list_schemas(ask, query)

        with open_site(project, lock_timeout=_LOCK_TIMEOUT) as site:
            return site.act(look)
    except (psycopg.Error, DBAPIError) as err:
        raise DatabaseError(
            f"the query of --schemas-from is refused: {describe_fault(err)}",
            "try it in psql; it may only read",
        ) from err


def _run(
    context: click.Context, targets: tuple[Target, ...], settings: FleetSettings
) -> FleetReport:
    """Run the command on every target, and write the report."""
    is_json = context.params["format_"] == "json"
    carrier = ChildCarrier(_list_arguments(context), os.environ)
    report = run_fleet(
        targets,
        carrier,
        settings,
        _show(is_json=is_json, is_quiet=context.params["quiet"]),
    )
    if is_json:
        click.echo(encode_line(fleet_document(report, datetime.now(UTC))), nl=False)
    else:
        click.echo(format_fleet(report, choose_paint(sys.stdout)), nl=False)
    return report


def _show(*, is_json: bool, is_quiet: bool) -> Callable[[FleetEvent], None]:
    """Return what tells of the events: lines on standard error, and JSON on standard output."""
    paint = choose_paint(sys.stderr)
    said: dict[str, Target] = {}

    def show(event: FleetEvent) -> None:
        if isinstance(event, TargetSaid) and event.line:
            # all judge the same revisions
            is_repeated = said.setdefault(event.line, event.target) != event.target
            if is_repeated and _PROGRESS.match(event.line) is None:
                return
        # the targets go on when nobody can read of it any more
        with suppress(OSError):
            if is_json and (document := fleet_line(event, datetime.now(UTC))) is not None:
                click.echo(encode_line(document), nl=False)
            if not is_quiet or isinstance(event, TargetSaid):
                for line in format_fleet_event(event, paint):
                    click.echo(line, err=True)

    return show


def _list_arguments(context: click.Context, form: str = "json") -> tuple[str, ...]:
    """Return what was written on this command line, as far as it is for the run on a target."""
    options: list[str] = ["--format", form]
    arguments: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in _OWN_OPTIONS:
            continue
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params.get(name)
        if isinstance(parameter, click.Argument):
            arguments.append(str(value))
        elif isinstance(value, bool):
            options.append((parameter.opts if value else parameter.secondary_opts)[0])
        else:
            is_several = parameter.multiple and isinstance(value, tuple)
            for one in value or () if is_several else (value,):
                parts = one if isinstance(one, tuple) else (one,)
                options.extend((parameter.opts[0], *map(str, parts)))
    return (str(context.info_name), *options, "--", *arguments)
