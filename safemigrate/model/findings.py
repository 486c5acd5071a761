"""Findings: what a rule says about a statement."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.facts import Lock
from safemigrate.model.fixes import Fix
from safemigrate.model.history import Assumption, Direction, Unjudged
from safemigrate.model.names import Span

__all__ = ["Confidence", "Finding", "LintResult", "Remedy", "Severity"]


class Severity(Enum):
    """By consequence: errors block or break production, warnings are likely regret, infos style."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Confidence(Enum):
    """How sure the judgement is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Remedy:
    """The safe way, with the user's own names, ready to paste; either part may be empty.

    `advice`: one line that says what the code does.
    """

    advice: str
    sql: str = ""
    alembic: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's judgement of one place.

    `message`: what, one line, the user's own names. `why`: which lock, what waits behind it, how
    long; one or two sentences.
    `sql`: the statement judged, or empty when it is about the file.
    `blocks`: the application's commands that wait meanwhile.
    `fix`: how the file can be changed, where that can be said.
    `helper`: as `Statement` has it.
    `page`: where the rule is described, empty for one of the rule book.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    message: str
    why: str
    path: str
    span: Span
    revision: str | None
    direction: Direction
    sql: str = ""
    ordinal: int | None = None
    locks: tuple[Lock, ...] = ()
    blocks: tuple[str, ...] = ()
    remedy: Remedy | None = None
    fix: Fix | None = None
    helper: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class LintResult:
    """The outcome of `lint`.

    `statements`: statements read; `judged`: those of them that were understood.
    `suppressed`: findings that an ignore with a reason silenced.
    `baselined`: those left out because the baseline has them.
    `assumptions`: what the recording of the migrations judged had to assume.
    """

    findings: tuple[Finding, ...]
    statements: int
    judged: int
    unjudged: tuple[Unjudged, ...]
    migrations: int
    suppressed: int = 0
    baselined: int = 0
    notices: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    def count(self, severity: Severity) -> int:
        """Return how many findings have that severity."""
        return sum(1 for finding in self.findings if finding.severity is severity)
