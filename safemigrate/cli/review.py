"""`safemigrate review`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import psycopg
from click.core import ParameterSource

from safemigrate.cli.baselines import check_target
from safemigrate.cli.colour import choose_paint
from safemigrate.cli.completing import complete_checks
from safemigrate.cli.files import write_file
from safemigrate.cli.judging import load_project_config
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import Number, config_option, format_option
from safemigrate.errors import (
    ConfigError,
    DatabaseError,
    ExitCode,
    LockTimeoutError,
    RevisionError,
    SafemigrateError,
    UsageError,
)
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, Direction, ServerVersion
from safemigrate.report import encode_document
from safemigrate.report.reviews import Review, format_checks, format_review, review_document
from safemigrate.review import (
    SchemaCheck,
    choose_checks,
    decode_known,
    encode_known,
    list_checks,
    review_schema,
)
from safemigrate.server import open_server
from safemigrate.server.connections import Connection, connect, parse_url
from safemigrate.source import find_sqlstate, open_project
from safemigrate.source.excerpt import show_path
from safemigrate.source.sqlstates import LOCK_NOT_AVAILABLE
from safemigrate.source.text import read_text
from safemigrate.source.url import read_url
from safemigrate.trace import describe_fault
from safemigrate.verify.bench import Move, open_bench
from safemigrate.verify.foreknowledge import Foreknowledge
from safemigrate.verify.preparing import prepared

__all__ = ["command"]


def _write_checks(context: click.Context, _: click.Parameter, value: object) -> None:
    if value and not context.resilient_parsing:
        click.echo(format_checks(list_checks().values()), nl=False)
        context.exit(ExitCode.DONE)


@click.command(
    "review",
    cls=Manual,
    exits={
        ExitCode.DONE: "neither an error nor a warning that the baseline does not have",
        ExitCode.FINDINGS: "there is one; infos are only shown",
        ExitCode.USAGE: "the command line, the configuration, env.py or the connection is wrong",
        ExitCode.GAVE_UP: "a lock was not to be had in time, or it was stopped before it was done",
    },
    examples=[
        ("Review what the revisions make", "safemigrate review"),
        (
            "Review a database",
            "safemigrate review --url postgresql://reader@db.example/shop",
        ),
        ("Ask about the indexes alone", "safemigrate review --select indexes"),
    ],
)
@config_option
@click.option(
    "--url",
    envvar="SAFEMIGRATE_URL",
    show_envvar=True,
    metavar="URL",
    help="The database to review, as postgresql://USER@HOST/NAME, which is only read; default: "
    "what the revisions make, on a throwaway server.",
)
@click.option(
    "--server",
    metavar="embedded|container[:IMAGE]|URL",
    help="The throwaway server, where no URL is given; the role of a server's URL must be allowed "
    "to create databases; default: embedded.",
)
@click.option(
    "--pg-version",
    type=Number(OLDEST_VERSION.major, NEWEST_VERSION.major),
    metavar="MAJOR",
    help="The major version of the throwaway server; default: whichever it has.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="CHECK",
    shell_complete=complete_checks,
    help="Ask only this check, or this category of them; may be repeated; default: all.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="CHECK",
    shell_complete=complete_checks,
    help="Do not ask this check, or this category of them; may be repeated.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Leave out the findings that this file lists; default: none.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write all findings there are to this file, for --baseline to leave out.",
)
@click.option(
    "--checks",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_write_checks,
    help="List the checks and their categories, and exit.",
)
@format_option("text", "json")
@click.pass_context
def command(
    context: click.Context,
    *,
    config: Path,
    url: str | None,
    server: str | None,
    pg_version: int | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    baseline: Path | None,
    write_baseline: Path | None,
    format_: str,
) -> None:
    """Review a whole schema: keys, indexes, types, rights.

    With --url it is the schema of a database, which is read in one read-only transaction; without,
    it is what the project's revisions make on a throwaway server, where checks of rows and
    statistics are skipped.
    """
    check_target(write_baseline)
    checks = choose_checks(select, ignore)
    if _is_of_head(context, url, server, pg_version):
        review = _review_head(config, server or "embedded", pg_version, checks)
    else:
        review = _review_url(url or "", checks)
    if write_baseline is not None:
        write_file(write_baseline, encode_known(review.findings))
    review = _leave_out(review, write_baseline or baseline)
    if format_ == "json":
        click.echo(encode_document(review_document(review)), nl=False)
    else:
        click.echo(format_review(review, paint=choose_paint(sys.stdout)), nl=False)
    context.exit(ExitCode.DONE if review.is_clean else ExitCode.FINDINGS)


def _is_of_head(
    context: click.Context, url: str | None, server: str | None, pg_version: int | None
) -> bool:
    """Return whether the project's head is meant; raises UsageError where both are."""
    if url is None:
        return True
    if server is None and pg_version is None:
        return False
    if context.get_parameter_source("url") is ParameterSource.ENVIRONMENT:
        return True
    raise UsageError(
        "--url reviews a database, and --server and --pg-version a throwaway server",
        "give one of them",
    )


def _review_url(text: str, checks: Sequence[SchemaCheck]) -> Review:
    """Return the review of a database in use."""
    url = parse_url(text)
    if not read_url(text).database:
        raise UsageError("the URL names no database", "it ends in /database")
    with connect(url) as connection:
        major = connection.info.server_version // 10000
        if ServerVersion(major) < OLDEST_VERSION:
            raise DatabaseError(
                f"the server is PostgreSQL {major}, which is not supported",
                f"use PostgreSQL {OLDEST_VERSION} or later",
            )
        return _ask(connection, f'database "{url.database}"', checks)


def _review_head(
    config: Path, kind: str, pg_version: int | None, checks: Sequence[SchemaCheck]
) -> Review:
    """Return the review of what the project's revisions make on a throwaway server."""
    configured = load_project_config(config)
    project = open_project(config, imports=configured.imports)
    asked = [check for check in checks if not check.is_live]
    version = None if pg_version is None else ServerVersion(pg_version)
    with (
        open_server(kind, version=version) as server,
        prepared(
            project, server, configured.verify, Foreknowledge(project, server.version)
        ) as footing,
    ):
        name = server.create_database(footing.base)
        try:
            with open_bench(project, server, name) as bench:
                scripts = (one for one in project.revisions() if one not in footing.applied)
                fault = bench.run(Move(script, Direction.UPGRADE) for script in scripts)
                if fault is not None:
                    raise RevisionError(
                        f'revision "{fault.move.script.revision}" fails: {fault.reason}',
                        "safemigrate verify says more; --url reviews a database that is there",
                    )
                review = _ask(bench.connection, f"the project's head ({server.kind})", asked)
        finally:
            server.drop_database(name)
    return replace(review, skipped=tuple(check for check in checks if check.is_live))


def _ask(connection: Connection, subject: str, checks: Sequence[SchemaCheck]) -> Review:
    def ask(query: str) -> Sequence[Sequence[object]]:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else ()

    try:
        findings = review_schema(ask, checks)
    except psycopg.Error as error:
        raise _explain(error) from error
    version = ServerVersion(connection.info.server_version // 10000)
    return Review(subject, version, findings, tuple(checks))


def _explain(error: Exception) -> SafemigrateError:
    if find_sqlstate(error) == LOCK_NOT_AVAILABLE:
        return LockTimeoutError(
            "gave up waiting for a lock: something holds ACCESS EXCLUSIVE on what is to be read",
            "nothing was changed; run it again when the migration, or VACUUM FULL, has ended",
        )
    return DatabaseError(
        f"the schema cannot be reviewed: {describe_fault(error)}", "look into the server's log"
    )


def _leave_out(review: Review, file: Path | None) -> Review:
    """Return the review without what the file lists; raises ConfigError for one that is none."""
    if file is None:
        return review
    if not file.exists():
        raise ConfigError(
            f'there is no baseline "{show_path(file)}"',
            "write it with safemigrate review --write-baseline",
        )
    known = decode_known(read_text(file, error=ConfigError), show_path(file))
    left = tuple(one for one in review.findings if one.identity not in known)
    return replace(review, findings=left, known=len(review.findings) - len(left))
