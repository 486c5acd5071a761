"""`safemigrate pull-request`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from safemigrate.cli.destinations import check_destinations
from safemigrate.cli.judging import (
    Walk,
    find_missing,
    has_findings,
    has_unloadable,
    judge_walk,
    list_faults,
    walk_inputs,
)
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import Number, config_option, pg_version_option
from safemigrate.cli.output import show_error
from safemigrate.cli.proof_runs import ProofRequest, has_failed, prove, stopping
from safemigrate.cli.proving import ProofOptions
from safemigrate.cli.pull_bases import choose_base
from safemigrate.cli.pull_paths import move_judgement, move_proof, show_from
from safemigrate.cli.pull_writing import (
    Files,
    check_files,
    write_comment,
    write_failure,
    write_failure_file,
    write_files,
    write_report,
    write_summary,
)
from safemigrate.cli.staging import ChangeChoice, say_missing, say_unloadable
from safemigrate.errors import ExitCode, RunStoppedError, SafemigrateError
from safemigrate.forge import TOKEN_VARIABLES, Forge, PullRequest, find_pull_request
from safemigrate.model import HistoryProof, RevisionProof, ServerVersion
from safemigrate.report import Judgement, format_proof
from safemigrate.report.comment import Review
from safemigrate.source import FolderProject, find_config
from safemigrate.source.git import open_repository

__all__ = ["command"]

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "pull-request",
    cls=Manual,
    exits={
        ExitCode.DONE: "nothing that is new has a finding of severity error, or breaks a property",
        ExitCode.FINDINGS: "a finding of severity error, a broken property, a revision that cannot "
        "be loaded or follows one that is not there, or several heads; with --strict also a "
        "warning, what could not be judged or proved, and what somebody should look at",
        ExitCode.USAGE: "the command line, the event or the project is wrong",
        ExitCode.GAVE_UP: "stopped before everything was judged and proved",
    },
    examples=[
        ("In a job of GitHub or GitLab", "safemigrate pull-request"),
        ("With files for their other pages", "safemigrate pull-request --sarif safemigrate.sarif"),
        (
            "Anywhere else",
            "safemigrate pull-request --base origin/main --comment-file comment.md",
        ),
    ],
)
@config_option
@click.option(
    "--base",
    metavar="REF",
    help="What the branch left, as git names it; default: what the event of the job says.",
)
@click.option("--sarif", type=_FILE, metavar="FILE", help="Write the findings as SARIF 2.1.0.")
@click.option("--junit", type=_FILE, metavar="FILE", help="Write findings and proofs as JUnit XML.")
@click.option(
    "--code-quality",
    type=_FILE,
    metavar="FILE",
    help="Write the findings as a code quality report of GitLab.",
)
@click.option(
    "--comment-file",
    type=_FILE,
    metavar="FILE",
    help="Write the comment to this file, too, as Markdown.",
)
@click.option("--no-comment", is_flag=True, help="Write no comment on the pull request.")
@click.option("--no-verify", is_flag=True, help="Judge only, and prove nothing on a server.")
@click.option(
    "--server",
    default="embedded",
    show_default=True,
    metavar="embedded|container[:IMAGE]|URL",
    help="The throwaway server of the proofs, as for verify.",
)
@pg_version_option
@click.option(
    "--max-block-ms",
    type=Number(min=1),
    metavar="MS",
    help="How many milliseconds a statement of the application may wait for a revision; default: "
    "as for verify.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 for warnings too, and for what could not be judged or proved.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    config: Path,
    base: str | None,
    sarif: Path | None,
    junit: Path | None,
    code_quality: Path | None,
    comment_file: Path | None,
    no_comment: bool,
    no_verify: bool,
    server: str,
    pg_version: int | None,
    max_block_ms: int | None,
    strict: bool,
) -> None:
    """Judge and prove what a branch adds, and say so where it is reviewed.

    In a job of GitHub Actions or GitLab CI it finds out by itself what to compare with. It writes
    annotations (on GitHub), the summary of the job, the files that are asked for, and one comment
    on the pull request, which the next run writes anew.

    The comment needs a token: GITHUB_TOKEN, or SAFEMIGRATE_GITLAB_TOKEN. Where a forge refuses it,
    as GitHub does for a pull request from a fork, that is said, and nothing else changes.
    """
    # before anything is told of in one of them
    files = Files(sarif, junit, code_quality, comment_file)
    check_destinations(files.by_option, "--sarif safemigrate.sarif")
    environment = dict(os.environ)
    request = find_pull_request(environment)
    if request is not None and request.is_gone and base is None:
        click.echo("nothing to judge: the branch was deleted")
        context.exit(ExitCode.DONE)
    is_github = request is not None and request.forge is Forge.GITHUB
    with (
        _telling_failure(None if no_comment else request, files, config, environment),
        stopping("judged"),
    ):
        check_files(files)
        place = _find_place(config)
        repository = open_repository(place.absolute().parent)
        top = repository.top.resolve()
        with _hiding_tokens():
            since = choose_base(request, base, repository)
            walked, judgement = _judge(config, since, pg_version)
            faults = list_faults(walked, judgement.result)
            # what Alembic cannot load is not to be run either
            is_whole = not has_unloadable(judgement.result) and not find_missing(faults)
            is_proving = not no_verify and is_whole and bool(walked.paths)
            asked = _plan(config, server, since, pg_version, max_block_ms)
            proof, failure = _prove(asked if is_proving else None)
        shown = show_from(top, str(place))
        review = Review(
            move_judgement(judgement, top),
            None if proof is None else move_proof(proof, top),
            _explain_unproved(failure, is_skipped=not (no_verify or is_whole)),
            "" if shown in {"alembic.ini", "pyproject.toml"} else shown,
            request.head if request is not None else repository.find_commit("HEAD") or "",
            faults,
            walked.change.doubts,
        )
        # annotations are placed from the top, text is read where the command runs
        told = (review.judgement, review.proof) if is_github else (judgement, proof)
        write_report(*told, is_github=is_github)
        write_files(files, review, shown)
    if is_github:
        write_summary(review, environment)
    if request is not None and not no_comment:
        write_comment(request, review, shown, environment)
    if failure is not None:
        show_error(f"nothing was proved: {failure.message}", failure.hint)
        context.exit(failure.exit_code)
    _say_faults(judgement, faults)
    is_bad = (
        bool(review.faults)
        or not is_whole
        or (strict and bool(review.doubts))
        or has_findings(judgement.result, is_strict=strict)
        or (proof is not None and has_failed(proof, is_strict=strict))
    )
    context.exit(ExitCode.FINDINGS if is_bad else ExitCode.DONE)


def _find_place(config: Path) -> Path:
    """Return the configuration of the project, or its folder where it has none."""
    found = find_config((), config)
    return found.script_location if isinstance(found, FolderProject) else found


@contextmanager
def _telling_failure(
    request: PullRequest | None, files: Files, config: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """Have no comment stay that is of an earlier commit, when the block ends with an error."""
    try:
        yield
    except SafemigrateError as error:
        project = _guess_project(config)
        write_failure_file(files, error, project)
        if request is not None:
            write_failure(request, error, project, environment)
        raise


def _guess_project(config: Path) -> str:
    """Return what the comment is marked with, as far as that is to be had after an error."""
    place = config
    with suppress(SafemigrateError):
        place = _find_place(config)
    with suppress(SafemigrateError):
        return show_from(open_repository(Path.cwd()).top.resolve(), str(place))
    return place.as_posix()


def _judge(config: Path, since: str, pg_version: int | None) -> tuple[Walk, Judgement]:
    """Return what the rules say of what is new, and the facts they say it by."""
    choice = ChangeChoice(since)
    walked = walk_inputs((), config_path=config, schema=None, changes=choice, pg_version=pg_version)
    result = judge_walk(walked)
    if not walked.paths:
        click.echo(choice.describe_nothing(), err=True)
    return walked, Judgement(result, walked.timeline, walked.judged)


def _plan(
    config: Path, server: str, since: str, pg_version: int | None, max_block_ms: int | None
) -> ProofRequest:
    return ProofRequest(
        config,
        ProofOptions(max_block_ms=max_block_ms),
        server=server,
        versions=() if pg_version is None else (ServerVersion(pg_version),),
        changed_since=since,
    )


def _prove(asked: ProofRequest | None) -> tuple[HistoryProof | None, SafemigrateError | None]:
    """Return what was proved of what is new, or why nothing could be.

    What is judged is worth reporting when proving fails, and the error then comes last.
    """
    if asked is None:
        return None, None

    def report_progress(proof: RevisionProof, position: int, total: int) -> None:
        click.echo(f"[{position}/{total}] {format_proof(proof)}", err=True)

    try:
        return prove(asked, on_proof=report_progress), None
    except RunStoppedError:
        raise
    except SafemigrateError as error:
        return None, error


def _explain_unproved(failure: SafemigrateError | None, *, is_skipped: bool) -> str:
    """Return why nothing was proved that should have been, or "" where all is as asked."""
    if is_skipped:
        return "a revision cannot be loaded"
    return "" if failure is None else failure.message


def _say_faults(judgement: Judgement, faults: tuple[str, ...]) -> None:
    """Say why the run ends with an error although it may have found nothing."""
    missing = find_missing(faults)
    for fault in faults:
        if fault in missing:
            say_missing(fault)
        else:
            show_error(fault, "")
    if has_unloadable(judgement.result):
        say_unloadable()


@contextmanager
def _hiding_tokens() -> Iterator[None]:
    """Take the tokens out of what the project's own code is started with.

    That keeps them from what prints or passes on its environment, and from nobody who looks for
    them: the code runs in this process, as this user.
    """
    kept = {name: os.environ.pop(name) for name in TOKEN_VARIABLES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
