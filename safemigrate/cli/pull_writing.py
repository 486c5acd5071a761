"""What `pull-request` writes: files, annotations, the job's summary, and the comment."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.files import write_file
from safemigrate.errors import ForgeError, SafemigrateError, UsageError
from safemigrate.forge import (
    Forge,
    PullRequest,
    Timing,
    Written,
    make_mark,
    open_conversation,
    put_comment,
)
from safemigrate.model import HistoryProof
from safemigrate.model.secrets import hide_passwords
from safemigrate.report import Judgement, format_lint, format_proof_github, format_proofs
from safemigrate.report.comment import Review, format_comment, format_failure
from safemigrate.report.excerpt import one_line
from safemigrate.report.junit_xml import join_documents
from safemigrate.report.markdown_text import COMMENT_LIMIT
from safemigrate.report.proof_junit import format_proof_junit

__all__ = [
    "Files",
    "check_files",
    "write_comment",
    "write_failure",
    "write_failure_file",
    "write_files",
    "write_report",
    "write_summary",
]

# GitHub takes 1 MiB of UTF-8 from a step, in which a character may have three bytes.
_SUMMARY_LIMIT = 340_000
_REFUSED = 403


@dataclass(frozen=True, slots=True)
class Files:
    """The files that a command line asks for; None for none."""

    sarif: Path | None = None
    junit: Path | None = None
    code_quality: Path | None = None
    comment: Path | None = None

    @property
    def by_option(self) -> Mapping[str, Path | None]:
        """The files by the options that ask for them."""
        return {
            "--sarif": self.sarif,
            "--junit": self.junit,
            "--code-quality": self.code_quality,
            "--comment-file": self.comment,
        }


def check_files(files: Files) -> None:
    """Raise UsageError where a file that is asked for cannot be written; leaves none behind."""
    for path in files.by_option.values():
        # what is no file, such as a pipe, is opened once
        if path is None or (path.exists() and not path.is_file()):
            continue
        target = path.resolve()
        is_new = not target.exists()
        try:
            with target.open("ab"):
                pass
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise UsageError(
                f'"{path}" cannot be written: {reason}',
                "name a file in a folder that can be written",
            ) from error
        if is_new:
            target.unlink(missing_ok=True)


def write_files(files: Files, review: Review, project: str) -> None:
    """Write each file that is asked for; raises UsageError where one cannot be written."""
    judgement = review.judgement
    if files.sarif is not None:
        write_file(files.sarif, _encodable(format_lint("sarif", judgement)))
    if files.junit is not None:
        documents = [format_lint("junit", judgement)]
        if review.proof is not None:
            documents.append(format_proof_junit(review.proof))
        text = join_documents("safemigrate pull-request", documents)
        write_file(files.junit, _encodable(text))
    if files.code_quality is not None:
        write_file(files.code_quality, _encodable(format_lint("gitlab", judgement)))
    if files.comment is not None:
        text = format_comment(review, mark=make_mark(project), limit=COMMENT_LIMIT)
        write_file(files.comment, _encodable(text))


def write_report(judgement: Judgement, proof: HistoryProof | None, *, is_github: bool) -> None:
    """Write to standard output: annotations for GitHub, and text for anybody else."""
    if is_github:
        for notice in judgement.result.notices:
            _show_note(one_line(notice))
        click.echo(_encodable(format_lint("github", judgement)), nl=False)
        if proof is not None:
            click.echo(_encodable(format_proof_github(proof)), nl=False)
        return
    paint = choose_paint(sys.stdout)
    click.echo(format_lint("text", judgement, paint), nl=False)
    if proof is not None:
        click.echo("\n" + format_proofs(proof, paint=paint), nl=False)


def write_summary(review: Review, environment: Mapping[str, str]) -> None:
    """Append the report to the summary of a job of GitHub; says why where that cannot be."""
    path = environment.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    text = format_comment(review, limit=_SUMMARY_LIMIT)
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{text}\n")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        _show_note(f'the summary of the job "{path}" cannot be written: {reason}')


def write_comment(
    request: PullRequest, review: Review, project: str, environment: Mapping[str, str]
) -> None:
    """Write the comment on the pull request, or say on standard error why there is none.

    A forge that refuses is told of and changes no exit code: what was found is in the report.
    """
    if request.number is None:
        return
    if not request.can_write:
        _show_note(_explain_no_token(request))
        return
    try:
        conversation = open_conversation(request, environment, Timing(time.time, time.sleep))
        mark = make_mark(project)
        body = _encodable(format_comment(review, mark=mark, limit=conversation.limit))
        written = put_comment(conversation, body, mark=mark, is_needed=not review.is_empty)
    except UsageError:
        raise
    except SafemigrateError as error:
        # other troubles have nothing to do with where it comes from
        is_refused_fork = (
            request.is_fork and isinstance(error, ForgeError) and error.status == _REFUSED
        )
        fork = ", which comes from a fork," if is_refused_fork else ""
        said = hide_passwords(error.message)
        _show_note(f"no comment on {_name(request)}{fork} was written: {said}")
        if error.hint:
            click.echo(f"hint: {hide_passwords(error.hint)}", err=True)
        return
    if written is not Written.NOT_NEEDED:
        click.echo(f"the comment on {_name(request)}: {written.value}", err=True)


def write_failure(
    request: PullRequest, error: SafemigrateError, project: str, environment: Mapping[str, str]
) -> None:
    """Say in the comment that is there already that this commit could not be judged.

    Where there is none, none is written; and whatever fails here is a note beside the error.
    """
    if request.number is None or not request.can_write:
        return
    mark = make_mark(project)
    body = _encodable(format_failure(error, mark=mark, head=request.head))
    try:
        conversation = open_conversation(request, environment, Timing(time.time, time.sleep))
        put_comment(conversation, body, mark=mark, is_needed=False)
    except SafemigrateError as fault:
        said = hide_passwords(fault.message)
        _show_note(f"a comment on {_name(request)} may be of an earlier commit: {said}")


def write_failure_file(files: Files, error: SafemigrateError, project: str) -> None:
    """Say in the file of the comment, where one is asked for, that nothing could be judged."""
    if files.comment is None:
        return
    text = format_failure(error, mark=make_mark(project), head="")
    try:
        write_file(files.comment, _encodable(text))
    except SafemigrateError as fault:
        _show_note(f'"{files.comment}" may be of an earlier run: {fault.message}')


def _name(request: PullRequest) -> str:
    """Return what its forge calls it, with its number."""
    match request.forge:
        case Forge.GITHUB:
            kind = "pull request"
        case Forge.GITLAB:
            kind = "merge request"
    return f"{kind} {request.number}"


def _explain_no_token(request: PullRequest) -> str:
    match request.forge:
        case Forge.GITHUB:
            how = "give the step `env: GITHUB_TOKEN: ${{ github.token }}`"
        case Forge.GITLAB:
            how = (
                "set SAFEMIGRATE_GITLAB_TOKEN to a project access token with the scope api; "
                "CI_JOB_TOKEN may not write notes"
            )
    return f"there is no token to comment with: {how}, or say --no-comment"


def _encodable(text: str) -> str:
    """Return the text with `?` for halves of surrogate pairs, of names that are not UTF-8."""
    return text.encode("utf-8", errors="replace").decode()


def _show_note(text: str) -> None:
    click.echo(f"note: {text}", err=True)
