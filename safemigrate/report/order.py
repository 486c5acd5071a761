"""The order of a report."""

from collections.abc import Iterable

from safemigrate.model import Finding

__all__ = ["sort_findings"]


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by path and place, then by statement and rule."""
    return sorted(
        findings,
        key=lambda finding: (finding.path, finding.span, finding.ordinal or 0, finding.rule),
    )
