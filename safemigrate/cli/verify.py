"""`safemigrate verify`."""

import sys
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.judging import load_project_config
from safemigrate.cli.options import config_option, format_option, quiet_option
from safemigrate.errors import ExitCode
from safemigrate.model import (
    NEWEST_VERSION,
    OLDEST_VERSION,
    HistoryProof,
    RevisionProof,
    ServerVersion,
)
from safemigrate.report import encode_document, format_proof, format_proofs, verify_document
from safemigrate.server import open_server
from safemigrate.source import open_project
from safemigrate.verify import verify_history

__all__ = ["command"]


@click.command("verify")
@click.argument("revisions", nargs=-1, metavar="[REV]...")
@config_option
@click.option(
    "--server",
    default="embedded",
    show_default=True,
    metavar="embedded|container[:IMAGE]|URL",
    help="The throwaway server; a URL's role must be allowed to create databases.",
)
@click.option(
    "--pg-version",
    type=click.IntRange(OLDEST_VERSION.major, NEWEST_VERSION.major),
    help="The server's major version; default: whichever the server has.",
)
@format_option("text", "json")
@click.option("--strict", is_flag=True, help="A downgrade that refuses to run is a failure.")
@quiet_option
@click.pass_context
def command(
    context: click.Context,
    *,
    revisions: tuple[str, ...],
    config: Path,
    server: str,
    pg_version: int | None,
    format_: str,
    strict: bool,
    quiet: bool,
) -> None:
    """Prove revisions on a throwaway server.

    Each REV, by default every one, is applied, rolled back and applied again on a database of its
    own at the state before it. The schema is compared in every detail after the rollback and after
    the second upgrade, and every statement is observed: its locks, rewrites and scans. Without REV
    the whole way from head to base and back is proved too.

    No other database is touched. Exit code 1: a revision fails, does not restore the schema, or
    leads to another schema the second time.
    """

    def report_progress(proof: RevisionProof, position: int, total: int) -> None:
        if not quiet:
            click.echo(f"[{position}/{total}] {format_proof(proof)}", err=True)

    imports = load_project_config(config).imports
    project = open_project(config, imports=imports)
    version = None if pg_version is None else ServerVersion(pg_version)
    with open_server(server, version=version) as opened:
        proof = verify_history(project, opened, names=revisions, on_proof=report_progress)
    if format_ == "json":
        click.echo(encode_document(verify_document(proof)), nl=False)
        for notice in proof.notices:
            click.echo(f"note: {notice}", err=True)
    else:
        click.echo(format_proofs(proof, paint=choose_paint(sys.stdout)), nl=False)
    context.exit(_exit_code(proof, is_strict=strict))


def _exit_code(proof: HistoryProof, *, is_strict: bool) -> ExitCode:
    has_failed = any(
        revision.has_failed or (is_strict and not revision.is_proved)
        for revision in proof.revisions
    )
    has_strayed = proof.round_trip is not None and proof.round_trip.is_ok is False
    return ExitCode.FINDINGS if has_failed or has_strayed else ExitCode.DONE
