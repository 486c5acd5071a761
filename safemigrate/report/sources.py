"""What a timeline says about the places that findings point to."""

from collections.abc import Sequence

from safemigrate.model import Finding, Timeline
from safemigrate.report.excerpt import split_lines

__all__ = ["Sources"]


class Sources:
    """The files of a timeline; each is split into lines when one of them is asked for."""

    def __init__(self, timeline: Timeline) -> None:
        self._texts = {
            passage.migration.path: passage.migration.text for passage in timeline.passages
        }
        self._totals = {
            (passage.migration.path, passage.direction): len(passage.statements)
            for passage in timeline.passages
        }
        self._lines: dict[str, list[str]] = {}

    def lines(self, path: str) -> Sequence[str]:
        """Return the lines of a file; none when the timeline does not have it."""
        if path not in self._lines:
            self._lines[path] = split_lines(self._texts.get(path, ""))
        return self._lines[path]

    def first_line(self, finding: Finding) -> str:
        """Return the line that a finding begins on, empty when there is none."""
        lines = self.lines(finding.path)
        return lines[finding.span.line - 1] if finding.span.line <= len(lines) else ""

    def describe_position(self, finding: Finding) -> str:
        """Return which function and statement a finding is about, empty for a whole SQL file."""
        parts = [] if finding.revision is None else [f"{finding.direction.value}()"]
        if finding.ordinal is not None:
            total = self._totals.get((finding.path, finding.direction), 0)
            of_total = f" of {total}" if total >= finding.ordinal else ""
            parts.append(f"statement {finding.ordinal}{of_total}")
        return ", ".join(parts)
