"""`safemigrate new`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from safemigrate.cli.drafts.asking import read_id, read_message, read_reason
from safemigrate.cli.drafts.catalogue import Parts, complete_recipes, list_recipes, write_statement
from safemigrate.cli.drafts.making import (
    Ground,
    Made,
    Source,
    make_empty,
    make_from_models,
    make_from_sql,
)
from safemigrate.cli.drafts.options import order_options, part_options
from safemigrate.cli.drafts.staging import Order, Written, show_written
from safemigrate.cli.drafts.writing import (
    NewDocument,
    describe_written,
    run_hooks,
    write,
    written_documents,
)
from safemigrate.cli.formats import write_report
from safemigrate.cli.judging import choose_version, judge_walk, load_project_config, walk_inputs
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import (
    cache_option,
    config_option,
    format_option,
    make_url_option,
    pg_version_option,
    quiet_option,
)
from safemigrate.cli.schema import read_before, schema_option
from safemigrate.errors import ExitCode, UsageError
from safemigrate.report import Judgement, encode_document, lint_document
from safemigrate.source import find_config_here

__all__ = ["command"]


def _write_recipes(context: click.Context, _: click.Parameter, value: object) -> None:
    if value and not context.resilient_parsing:
        click.echo(list_recipes(), nl=False)
        context.exit(ExitCode.DONE)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the revision shall do."""

    sql: str | None
    is_from_models: bool
    reason: str | None


@click.command(
    "new",
    cls=Manual,
    exits={
        ExitCode.DONE: "written, or nothing to write; what lint finds in it is told",
        ExitCode.USAGE: "the command line, the configuration or the project is wrong",
    },
    examples=[
        ("Write an empty revision", 'safemigrate new "add email to users"'),
        (
            "Write the safe way to an index",
            'safemigrate new "find by source" --sql "CREATE INDEX ON recipe (source)"',
        ),
        ("Write what the models have", 'safemigrate new "notes" --autogenerate'),
        ("List the recipes", "safemigrate new --list-recipes"),
    ],
)
@click.argument("message", required=False)
@click.option(
    "--sql",
    metavar="STATEMENTS",
    help='What you would write; the safe way to it is written. "-" reads standard input.',
)
@click.option(
    "--recipe",
    metavar="NAME",
    help='A recipe by name; "list" lists them.',
    shell_complete=complete_recipes,
)
@click.option(
    "--list-recipes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_write_recipes,
    help="List the recipes with their options, and exit.",
)
@part_options
@click.option(
    "--reason",
    metavar="TEXT",
    help="Why what cannot be done safely may be done now; it stands in the ignore comments.",
)
@click.option(
    "--autogenerate", is_flag=True, help="What the models have and the database does not."
)
@click.option(
    "--allow-empty", is_flag=True, help="With --autogenerate: write a revision of nothing, too."
)
@click.option(
    "--server",
    metavar="embedded|container[:IMAGE]|URL",
    help="For --autogenerate: the throwaway server that the models are compared with, upgraded to "
    "the head first; default: embedded.",
)
@make_url_option(
    "For --autogenerate: the database that the models are compared with, as "
    "postgresql://USER@HOST/NAME; default: that of --server."
)
@click.option(
    "--live",
    is_flag=True,
    help="For --autogenerate: compare with the database that env.py connects to.",
)
@order_options
@config_option
@schema_option
@pg_version_option
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@cache_option
@format_option("text", "json")
@quiet_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    message: str | None,
    sql: str | None,
    recipe: str | None,
    reason: str | None,
    autogenerate: bool,
    allow_empty: bool,
    server: str | None,
    url: str | None,
    live: bool,
    config: Path,
    schema: Path | None,
    pg_version: int | None,
    dry_run: bool,
    cache: bool,
    format_: str,
    quiet: bool,
    **given: Any,
) -> None:
    """Write a new revision, with the safe way to a change.

    With --sql or --recipe, what you would write becomes what is safe to run, in as many revisions
    as it takes, each with its way back. With --autogenerate, what Alembic would generate is mended
    in the same way; no database of yours is needed.

    The project's own script.py.mako is used, unless it is Alembic's: then ours is. Files are
    written all or none, and none is written over.
    """
    if recipe == "list":
        click.echo(list_recipes(), nl=False)
        context.exit(ExitCode.DONE)
    wish = _read_wish(
        sql,
        recipe,
        Parts(**{name: given.pop(name) for name in Parts.__slots__}),
        reason=read_reason(reason),
        is_from_models=autogenerate,
    )
    if not autogenerate and (live or allow_empty):
        raise UsageError(
            f"--{'live' if live else 'allow-empty'} is for --autogenerate", "leave it out"
        )
    if context.get_parameter_source("config") is ParameterSource.DEFAULT:
        config = find_config_here(config)
    ground = _read_ground(
        config, schema, pg_version, source=_read_source(context, server, url, is_live=live)
    )
    made = _make(ground, _read_order(message, **given), wish, allow_empty=allow_empty)
    if made is None:
        _tell_nothing(format_)
        context.exit(ExitCode.DONE)
    # No progress, so --quiet leaves them: what is written is not what was asked for, or cannot run.
    for line in made.advice:
        click.echo(f"mended: {line}", err=True)
    for line in made.notes:
        click.echo(f"note: {line}", err=True)
    if dry_run:
        _show(made, format_, is_quiet=quiet)
        context.exit(ExitCode.DONE)
    write(made)
    failure = run_hooks(made.project, made.written)
    walked = walk_inputs(
        tuple(one.path for one in made.written),
        config_path=config,
        schema=schema,
        changes=None,
        pg_version=pg_version,
        is_remembered=cache,
    )
    judgement = Judgement(judge_walk(walked), walked.timeline, walked.judged)
    _report(made.written, judgement, format_, is_quiet=quiet)
    if failure is not None:
        raise failure


def _read_wish(
    sql: str | None, recipe: str | None, parts: Parts, *, reason: str | None, is_from_models: bool
) -> _Wish:
    """Return what the options ask for; raises UsageError where they ask for two things."""
    given = [
        name
        for name, value in (("sql", sql), ("recipe", recipe), ("autogenerate", is_from_models))
        if value
    ]
    if len(given) > 1:
        raise UsageError(
            f"--{given[0]} and --{given[1]} are two ways to say what the revision does",
            "give one of them",
        )
    if recipe is not None:
        return _Wish(write_statement(recipe, parts), is_from_models=False, reason=reason)
    stray = sorted(parts.given())
    if stray:
        raise UsageError(
            f"--{stray[0]} is for --recipe",
            '"safemigrate new --list-recipes" lists the recipes with their options',
        )
    if reason is not None and not given:
        raise UsageError("--reason is for --sql, --recipe and --autogenerate", "leave it out")
    if sql == "-":
        sql = sys.stdin.read()
    return _Wish(sql, is_from_models, reason)


def _read_order(
    message: str | None,
    *,
    head: str,
    splice: bool,
    branch_label: tuple[str, ...],
    version_path: Path | None,
    depends_on: tuple[str, ...],
    rev_id: str | None,
) -> Order:
    """Return the order; raises UsageError for a message or an id that cannot stand in code."""
    return Order(
        read_message(message),
        head,
        splice,
        branch_label,
        version_path,
        depends_on,
        read_id(rev_id),
    )


def _read_source(
    context: click.Context, server: str | None, url: str | None, *, is_live: bool
) -> Source:
    """Return the database to compare with; raises UsageError where several are named."""
    is_written = context.get_parameter_source("url") is ParameterSource.COMMANDLINE
    named = [
        name
        for name, value in (("server", server), ("url", is_written), ("live", is_live))
        if value
    ]
    if len(named) > 1:
        raise UsageError(
            f"--{named[0]} and --{named[1]} name two databases to compare with", "give one of them"
        )
    return Source(server, None if is_live else url, is_live)


def _read_ground(
    config: Path, schema: Path | None, pg_version: int | None, *, source: Source
) -> Ground:
    configured = load_project_config(config)
    before = read_before(schema, configured.default_schema)
    version = choose_version(pg_version, configured.pg_version, before.version)
    return Ground(config, configured, before, version, source)


def _make(ground: Ground, order: Order, wish: _Wish, *, allow_empty: bool) -> Made | None:
    """Return the new revisions, None where there is nothing to do."""
    if wish.sql is not None:
        return make_from_sql(ground, order, wish.sql, reason=wish.reason)
    if wish.is_from_models:
        made = make_from_models(ground, order, reason=wish.reason)
        if made is not None or not allow_empty:
            return made
    return make_empty(ground, order)


def _tell_nothing(format_: str) -> None:
    if format_ == "json":
        click.echo(encode_document(NewDocument(1, (), None)), nl=False)
        return
    click.echo("nothing to write: the database has all that the models say")


def _show(made: Made, format_: str, *, is_quiet: bool) -> None:
    """Show what would be written, and what lint says of it."""
    if format_ == "text":
        for one, content in zip(made.written, made.contents, strict=True):
            click.echo(f"would write {show_written(one)}:\n")
            click.echo(content.decode("utf-8", errors="replace"))
    if made.proofs is not None:
        paths = frozenset(show_written(one) for one in made.written)
        judgement = Judgement(made.proofs.result, made.proofs.timeline, paths)
        _report(made.written, judgement, format_, is_quiet=is_quiet, is_dry=True)


def _report(
    written: Sequence[Written],
    judgement: Judgement,
    format_: str,
    *,
    is_quiet: bool,
    is_dry: bool = False,
) -> None:
    """Tell what was written, and what lint says of it."""
    if format_ == "json":
        lint = lint_document(judgement.result)
        document = NewDocument(1, () if is_dry else written_documents(written), lint)
        click.echo(encode_document(document), nl=False)
        return
    if not is_dry:
        click.echo(describe_written(written))
    write_report(format_, judgement, is_quiet=is_quiet)
