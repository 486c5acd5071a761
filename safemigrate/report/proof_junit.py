"""What `verify` proved, as JUnit XML: a suite a revision, a case a property.

A broken property fails its case. What is unknown, or not asked for, is skipped with the reason;
what is accepted, or holds with a warning, passes and says so on its standard output.
"""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from safemigrate.model import Check, HistoryProof, Outcome, RevisionProof, Standing
from safemigrate.report.excerpt import one_line
from safemigrate.report.junit_xml import clean, format_suites, make_case

__all__ = ["format_proof_junit"]

_HISTORY = "history"


def format_proof_junit(proof: HistoryProof) -> str:
    """Return the document; the properties of the history as a whole are a suite of their own."""
    suites = {
        f"{one.path} ({one.revision})": [_make_revision_case(one), *_make_cases(one.checks, one)]
        for one in proof.revisions
    }
    whole = [*_make_cases(proof.checks)]
    trip = proof.round_trip
    if trip is not None:
        case = make_case(_HISTORY, "from head to base and back")
        if trip.is_ok is False:
            _fail(case, trip.reason or "the schema differs", trip.differences)
        elif trip.is_ok is None:
            ET.SubElement(case, "skipped", message=clean(one_line(trip.reason)))
        whole.append(case)
    if whole:
        suites[_HISTORY] = whole
    return format_suites("safemigrate verify", suites)


def _make_revision_case(proof: RevisionProof) -> ET.Element:
    case = make_case(proof.path, f"{proof.revision}: upgrade")
    case.set("time", f"{proof.duration_ms / 1000:.3f}")
    if proof.upgrade is Outcome.FAILED:
        _fail(case, proof.error or "", ())
    elif proof.upgrade is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", message=clean(one_line(proof.error or "")))
    return case


def _make_cases(
    checks: Iterable[Check], revision: RevisionProof | None = None
) -> Iterable[ET.Element]:
    place = _HISTORY if revision is None else revision.path
    for check in checks:
        case = make_case(check.path or place, check.subject.value, check.line)
        reason = one_line(check.reason)
        match check.standing:
            case Standing.BROKEN:
                _fail(case, reason, (*check.details, *([check.help] if check.help else ())))
            case Standing.UNKNOWN | Standing.UNASKED:
                ET.SubElement(case, "skipped", message=clean(reason))
            case Standing.HOLDS | Standing.ACCEPTED:
                lines = [line for line in (one_line(check.warning), reason, *check.details) if line]
                if lines:
                    ET.SubElement(case, "system-out").text = clean("\n".join(lines))
        yield case


def _fail(case: ET.Element, reason: str, details: Iterable[str]) -> None:
    failure = ET.SubElement(
        case, "failure", message=clean(one_line(reason)), type=case.attrib["name"]
    )
    failure.text = clean("\n".join([reason, *details]))
