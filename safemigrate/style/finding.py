"""What sqlfluff says about the SQL of a history, as findings."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from safemigrate.config import RuleSettings
from safemigrate.errors import ConfigError, UsageError
from safemigrate.lint import STYLE, Further, FurtherFinding
from safemigrate.model import Confidence, Finding, Migration, Severity, Timeline, Unjudged
from safemigrate.style.texts import Text, list_texts

if TYPE_CHECKING:
    from safemigrate.style.fluff import Violation

__all__ = ["Stylist"]

_PAGE = "https://docs.sqlfluff.com/en/stable/reference/rules.html"
_LONGEST = 60
# A report has one blank where there are several.
_BLANKS = re.compile(r"'( {2,})'")


class Stylist:
    """Looks at the style of SQL; what it has looked at before, it knows."""

    def __init__(self) -> None:
        """Raise UsageError where sqlfluff is not installed."""
        if find_spec("sqlfluff") is None:
            raise UsageError(
                "--style needs sqlfluff, which is not installed",
                'install it with pip install "safemigrate[style]"',
            )
        # It takes a second, and only who asks for style waits for it.
        from safemigrate.style.fluff import Fluff  # noqa: PLC0415

        self._fluff = Fluff()

    def look(
        self, timeline: Timeline, *, settings: RuleSettings, paths: frozenset[str] | None
    ) -> Further:
        """Return what is to say about the style of what is judged.

        `paths`: of that, as `judge` is given them; None for all. Raises ConfigError for a
        configuration that sqlfluff does not take.
        """
        migrations: dict[str, list[Migration]] = {}
        for passage in timeline.passages:
            path = passage.migration.path
            if paths is None or path in paths:
                migrations.setdefault(path, []).append(passage.migration)
        findings: dict[str, tuple[FurtherFinding, ...]] = {}
        unjudged: list[Unjudged] = []
        for path, (migration, *_) in migrations.items():
            severity = _choose_severity(settings, path)
            if severity is None:
                continue
            found = list(self._look_at(migration, severity))
            findings[path] = tuple(one for one in found if isinstance(one, FurtherFinding))
            unjudged += [one for one in found if isinstance(one, Unjudged)]
        return Further(findings, tuple(dict.fromkeys(unjudged)))

    def _look_at(
        self, migration: Migration, severity: Severity
    ) -> Iterator[FurtherFinding | Unjudged]:
        path = Path(migration.path)
        for text in list_texts(migration):
            line = text.locate(0, 0).line
            size, limit = len(text.sql.encode(errors="replace")), self._fluff.limit(path)
            if 0 < limit < size:
                reason = (
                    f"style: {size} bytes are more than the {limit} that sqlfluff is asked about "
                    "(large_file_skip_byte_limit)"
                )
                yield _unjudged(migration, line, reason)
                continue
            try:
                violations = self._fluff.ask(text.sql, path, is_file=text.is_file)
            except ConfigError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever SQL does to it, the rest is told
                reason = f"style: sqlfluff failed with {type(error).__name__}"
                yield _unjudged(migration, line, reason)
                continue
            for violation in violations:
                yield _tell(migration, text, violation, severity)


def _choose_severity(settings: RuleSettings, path: str) -> Severity | None:
    """Return how loud style is in a file, None where the configuration has it off."""
    severity: Severity | None = Severity.INFO
    for choice in settings.choices(path):
        if STYLE in choice.disabled or STYLE in choice.ignored:
            severity = None
        elif STYLE in choice.severities:
            severity = choice.severities[STYLE]
        elif STYLE in choice.selected:
            severity = severity or Severity.INFO
    return severity


def _tell(
    migration: Migration, text: Text, violation: "Violation", severity: Severity
) -> FurtherFinding | Unjudged:
    span = text.locate(violation.start, violation.end)
    if violation.is_note:
        return _unjudged(migration, span.line, violation.message)
    if violation.is_unread:
        words = _shorten(violation.message)
        return _unjudged(migration, span.line, f'style: sqlfluff does not read "{words}"')
    owner = text.own(violation.start)
    finding = Finding(
        rule=f"{STYLE}/{violation.code}",
        severity=severity,
        confidence=Confidence.HIGH,
        message=_BLANKS.sub(lambda found: f"{len(found[1])} blanks", violation.message),
        why=_quote_line(text.sql, violation.start) if text.is_computed else "",
        path=migration.path,
        span=span,
        revision=migration.revision,
        direction=owner.direction,
        sql=owner.sql,
        ordinal=owner.ordinal,
        page=_PAGE,
    )
    return FurtherFinding(finding, owner.anchor or span)


def _quote_line(sql: str, offset: int) -> str:
    """Return which line of what is sent is meant, where it stands in none of the file."""
    number = sql.count("\n", 0, offset) + 1
    line = sql[sql.rfind("\n", 0, offset) + 1 :].partition("\n")[0]
    return f"in line {number} of the SQL that is sent: {line.strip()}"


def _shorten(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _unjudged(migration: Migration, line: int, reason: str) -> Unjudged:
    return Unjudged(migration.path, line, migration.revision, reason, hides_statements=False)
