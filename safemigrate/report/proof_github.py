"""What `verify` proved, as annotations of GitHub Actions."""

from collections.abc import Iterable, Iterator

from safemigrate.model import Check, HistoryProof, Outcome, Standing
from safemigrate.report.excerpt import one_line
from safemigrate.report.github import format_annotation
from safemigrate.report.proofs import format_proof_totals

__all__ = ["format_proof_github"]

_COMMANDS = {
    Standing.BROKEN: "error",
    Standing.UNKNOWN: "warning",
    Standing.ACCEPTED: "notice",
}


def format_proof_github(proof: HistoryProof) -> str:
    """Return one command a line for what is broken, unknown, accepted or warned of.

    The totals come last and are no command: they stand in the log only.
    """
    lines: list[str] = []
    for revision in proof.revisions:
        if revision.upgrade is Outcome.SKIPPED:
            data = f"{revision.revision}: {one_line(revision.error or '')}"
            properties = {"file": revision.path, "line": "1", "title": "not tried"}
            lines.append(format_annotation("warning", properties, data))
        lines += _annotate(revision.checks, revision.path, revision.revision)
    lines += _annotate(proof.checks, "", "")
    trip = proof.round_trip
    if trip is not None and trip.is_ok is False:
        said = "\n".join([trip.reason, *trip.differences]).strip()
        lines.append(format_annotation("error", {"title": "from head to base and back"}, said))
    return "".join(f"{line}\n" for line in (*lines, *format_proof_totals(proof)))


def _annotate(checks: Iterable[Check], path: str, revision: str) -> Iterator[str]:
    for check in checks:
        if check.warning or check.standing in _COMMANDS:
            place = check.path or path
            where = {"file": place, "line": str(check.line)} if place else {}
            title = ": ".join(filter(None, (revision, check.subject.value)))
            advice = [] if check.standing is Standing.ACCEPTED else [check.help]
            said = "\n".join([one_line(check.reason), *check.details, *filter(None, advice)])
            command = "warning" if check.warning else _COMMANDS[check.standing]
            properties = {**where, "title": title}
            yield format_annotation(command, properties, one_line(check.warning) or said)
