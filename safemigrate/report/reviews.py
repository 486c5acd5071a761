"""What a review of a schema found, as text and as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from msgspec import Struct

from safemigrate.model import ServerVersion, Severity
from safemigrate.report.excerpt import cut_line, one_line
from safemigrate.report.tone import Paint, Tone, leave_plain
from safemigrate.report.wording import count, enumerate_words
from safemigrate.review import SchemaCheck, SchemaFinding

__all__ = ["Review", "ReviewDocument", "format_checks", "format_review", "review_document"]

_VERSION = 1
_MOST_SHOWN = 20
_TONES = {
    Severity.ERROR: Tone.ERROR,
    Severity.WARNING: Tone.WARNING,
    Severity.INFO: Tone.INFO,
}


@dataclass(frozen=True, slots=True)
class Review:
    """The outcome of `review`.

    `subject`: what was looked at, in words. `asked`, `skipped`: the checks; those skipped go by
    rows and statistics, which a throwaway server has not. `known`: how many findings are left out
    because the baseline has them.
    """

    subject: str
    version: ServerVersion
    findings: tuple[SchemaFinding, ...]
    asked: tuple[SchemaCheck, ...]
    skipped: tuple[SchemaCheck, ...] = ()
    known: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but infos."""
        return all(one.check.severity is Severity.INFO for one in self.findings)


class _FindingDocument(Struct, frozen=True):
    check: str
    number: str
    severity: str
    category: str
    object: str
    detail: str
    key: str
    why: str
    fix: str


class _SummaryDocument(Struct, frozen=True):
    errors: int
    warnings: int
    infos: int
    checks: int
    skipped: tuple[str, ...]
    baselined: int


class ReviewDocument(Struct, frozen=True):
    """The JSON of `review`: a contract with the scripts that read it."""

    version: int
    subject: str
    server_version: int
    findings: tuple[_FindingDocument, ...]
    summary: _SummaryDocument


def review_document(review: Review) -> ReviewDocument:
    """Return the JSON's content, in the order of the text."""
    counts = Counter(one.check.severity for one in review.findings)
    return ReviewDocument(
        _VERSION,
        review.subject,
        review.version.major,
        tuple(map(_finding_document, _sort(review.findings))),
        _SummaryDocument(
            counts[Severity.ERROR],
            counts[Severity.WARNING],
            counts[Severity.INFO],
            len(review.asked),
            tuple(one.name for one in review.skipped),
            review.known,
        ),
    )


def _finding_document(finding: SchemaFinding) -> _FindingDocument:
    check = finding.check
    return _FindingDocument(
        check.name,
        check.number,
        check.severity.value,
        check.category.value,
        finding.object,
        one_line(finding.detail),
        finding.key,
        check.sentence,
        finding.fix,
    )


def format_review(review: Review, *, paint: Paint = leave_plain) -> str:
    """Return a block for each check that found something, the worst first, and the totals."""
    blocks = [
        "\n".join(_format_check(check, tuple(found), paint))
        for check, found in groupby(_sort(review.findings), lambda one: one.check)
    ]
    return "\n\n".join([*blocks, "\n".join(_format_totals(review))]) + "\n"


def _sort(findings: Iterable[SchemaFinding]) -> list[SchemaFinding]:
    severities = list(Severity)
    return sorted(
        findings,
        key=lambda one: (
            severities.index(one.check.severity),
            one.check.number,
            one.object,
            one.key,
        ),
    )


def _format_check(
    check: SchemaCheck, findings: tuple[SchemaFinding, ...], paint: Paint
) -> Iterator[str]:
    severity = paint(check.severity.value, _TONES[check.severity])
    yield f"{severity}: {paint(check.name, Tone.STRONG)} ({check.category.value})"
    yield f"  {check.sentence}."
    for one in findings[:_MOST_SHOWN]:
        yield f"  - {one_line(one.object)}: {cut_line(one.detail)}"
        if one.fix != check.fix:
            yield f"      {one_line(one.fix)}"
    if len(findings) > _MOST_SHOWN:
        yield f"  and {len(findings) - _MOST_SHOWN} more; --format json has all"
    yield f"  {paint('help', Tone.GOOD)}: {check.fix}"


def _format_totals(review: Review) -> Iterator[str]:
    if review.skipped:
        names = enumerate_words([one.name for one in review.skipped])
        yield (
            f"Not asked, for a throwaway server has neither rows nor statistics: {names}; "
            "--url reviews a database in use."
        )
    if review.known:
        yield f"{count(review.known, 'finding')} left out, as the baseline has them."
    counts = Counter(one.check.severity for one in review.findings)
    words = [count(counts[one], one.value) for one in Severity if counts[one]]
    found = enumerate_words(words).capitalize() if words else "No findings"
    yield (
        f"{found} by {count(len(review.asked), 'check')} of {review.subject}, "
        f"PostgreSQL {review.version}."
    )


def format_checks(checks: Iterable[SchemaCheck]) -> str:
    """Return a line for each check: number, name, severity, category, and what it finds."""
    listed = tuple(checks)
    width = max(len(one.name) for one in listed)
    return "".join(
        f"{one.number}  {one.name.ljust(width)}  {one.severity.value:7}  "
        f"{one.category.value:11}  {one.sentence}\n"
        for one in listed
    )
