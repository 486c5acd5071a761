"""`safemigrate verify`."""

import sys
from pathlib import Path
from typing import Any

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.completing import complete_references, complete_revisions
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import (
    Number,
    cache_option,
    config_option,
    format_option,
    quiet_option,
)
from safemigrate.cli.proof_runs import ProofRequest, has_failed, prove
from safemigrate.cli.proving import ProofOptions, proof_options
from safemigrate.errors import ExitCode
from safemigrate.model import (
    NEWEST_VERSION,
    OLDEST_VERSION,
    HistoryProof,
    RevisionProof,
    ServerVersion,
)
from safemigrate.report import (
    encode_document,
    format_proof,
    format_proof_github,
    format_proof_junit,
    format_proof_markdown,
    format_proofs,
    list_properties,
    verify_document,
)

__all__ = ["command"]


def _write_properties(context: click.Context, _: click.Parameter, value: object) -> None:
    if value and not context.resilient_parsing:
        click.echo(list_properties(), nl=False)
        context.exit(ExitCode.DONE)


@click.command(
    "verify",
    cls=Manual,
    exits={
        ExitCode.DONE: "every property holds, is accepted, or is unknown",
        ExitCode.FINDINGS: "a property is broken, and no comment in the revision accepts that; "
        "with --strict also what could not be proved",
        ExitCode.USAGE: "the command line, the configuration or env.py is wrong, or there is no "
        "server",
        ExitCode.GAVE_UP: "stopped before everything was proved",
    },
    examples=[
        ("Prove the whole history", "safemigrate verify"),
        ("Prove what a branch adds", "safemigrate verify --changed-since origin/main"),
        ("Prove one revision in Docker", "safemigrate verify 3f1a --server container"),
        (
            "Prove on the oldest and the newest version in use",
            "safemigrate verify --pg-version 14 --pg-version 18",
        ),
        ("List what is proved", "safemigrate verify --properties"),
    ],
)
@click.argument("revisions", nargs=-1, metavar="[REV]...", shell_complete=complete_revisions)
@config_option
@click.option(
    "--server",
    default="embedded",
    show_default=True,
    metavar="embedded|container[:IMAGE]|URL",
    help="The throwaway server; the role of a server's URL must be allowed to create databases.",
)
@click.option(
    "--pg-version",
    type=Number(OLDEST_VERSION.major, NEWEST_VERSION.major),
    multiple=True,
    metavar="MAJOR",
    help="The major version of the server; default: whichever it has. May be repeated: the history "
    "is proved on each, and what differs is named.",
)
@click.option(
    "--changed-since",
    metavar="REF",
    shell_complete=complete_references,
    help="Prove only the revisions that are new since the branch left this git reference; default: "
    "all.",
)
@proof_options
@click.option(
    "--properties",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_write_properties,
    help="List what is proved, by number, name and family, and exit.",
)
@format_option("text", "json", "junit", "markdown", "github")
@click.option("--strict", is_flag=True, help="Exit with 1 for what could not be proved, too.")
@click.option("--verbose", is_flag=True, help="Show what was seen of properties that hold, too.")
@cache_option
@quiet_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    revisions: tuple[str, ...],
    config: Path,
    server: str,
    pg_version: tuple[int, ...],
    changed_since: str | None,
    format_: str,
    strict: bool,
    verbose: bool,
    cache: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Prove revisions on a throwaway server.

    Each REV, by default every one, is applied, rolled back and applied again, and the schema is
    compared in every detail. Then it is tried on rows, beside an application, cut off midway, and
    more, each on a copy of a database at the state before it: --properties lists what is proved.
    Without REV the properties of the whole history are proved too.

    No database is touched but those that it makes on the throwaway server. What is meant to be so
    is accepted by a comment in the revision: "# safemigrate: accept[PROPERTY] REASON".

    What an option does not say is taken from the table tool.safemigrate.verify of the
    configuration, and else is the default.
    """

    def report_progress(proof: RevisionProof, position: int, total: int) -> None:
        if not quiet:
            click.echo(f"[{position}/{total}] {format_proof(proof)}", err=True)

    proof = prove(
        ProofRequest(
            config,
            ProofOptions(**given),
            server=server,
            versions=tuple(map(ServerVersion, pg_version)),
            revisions=revisions,
            changed_since=changed_since,
            is_remembered=cache,
        ),
        on_proof=report_progress,
    )
    if proof is None:
        notice = f'nothing to prove: no revision is new since "{changed_since}"'
        nothing = HistoryProof((), server.partition(":")[0], NEWEST_VERSION, notices=(notice,))
        click.echo(f"{notice}\n" if format_ == "text" else _format(nothing, format_), nl=False)
        context.exit(ExitCode.DONE)
    click.echo(_format(proof, format_, is_verbose=verbose), nl=False)
    if format_ == "json":
        for notice in proof.notices:
            click.echo(f"note: {notice}", err=True)
    context.exit(ExitCode.FINDINGS if has_failed(proof, is_strict=strict) else ExitCode.DONE)


def _format(proof: HistoryProof, format_: str, *, is_verbose: bool = False) -> str:
    match format_:
        case "json":
            return encode_document(verify_document(proof))
        case "junit":
            return format_proof_junit(proof)
        case "markdown":
            return format_proof_markdown(proof)
        case "github":
            return format_proof_github(proof)
        case _:
            return format_proofs(proof, paint=choose_paint(sys.stdout), is_verbose=is_verbose)
