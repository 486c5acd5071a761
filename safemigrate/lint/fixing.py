"""Findings → what is changed in which file, and what is left to the user, with the reason.

A fix may end the transaction of a migration half-way: CONCURRENTLY and VALIDATE run outside one.
It is made only where nothing is lost by that: every statement of the transaction gets a fix that
adds to the schema, or every one gets one that removes an index. Should the run stop in between,
what is done is a part of the work that the application does not notice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safemigrate.model import (
    Direction,
    Effect,
    ExplainedStatement,
    Finding,
    Fix,
    IgnoreRemoval,
    LintResult,
    Migration,
    Passage,
    Replacement,
    Rewording,
    Timeline,
)
from safemigrate.source import (
    Edit,
    Refusal,
    apply_edits,
    edit_ignore,
    edit_revision,
    edit_sql,
)

__all__ = ["FileFix", "FixPlan", "Unfixed", "plan_fixes"]


@dataclass(frozen=True, slots=True)
class FileFix:
    """What is to be edited in one file, and the findings that it is for."""

    migration: Migration
    edits: tuple[Edit, ...]
    findings: tuple[Finding, ...]

    @property
    def text(self) -> str:
        """The text of the migration with the edits made."""
        return apply_edits(self.migration.text, self.edits)


@dataclass(frozen=True, slots=True)
class Unfixed:
    """A finding that has a fix, and why it is not made."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class FixPlan:
    """The files to change, in the order of the history, and what is left as it is.

    Where two fixes meet at one place the later one is in neither: it is found again afterwards.
    """

    files: tuple[FileFix, ...]
    unfixed: tuple[Unfixed, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A finding whose fix can be made, with its edits."""

    finding: Finding
    fix: Fix
    edits: tuple[Edit, ...]
    parts_transaction: bool = False

    @property
    def start(self) -> int:
        return min(edit.start for edit in self.edits)

    @property
    def end(self) -> int:
        return max(edit.end for edit in self.edits)


def plan_fixes(result: LintResult, timeline: Timeline) -> FixPlan:
    """Return what the safe fixes of the findings come to; the timeline is what was judged."""
    migrations: dict[str, dict[Direction, Passage]] = {}
    for passage in timeline.passages:
        migrations.setdefault(passage.migration.path, {})[passage.direction] = passage
    findings: dict[str, list[Finding]] = {}
    for finding in result.findings:
        findings.setdefault(finding.path, []).append(finding)
    files = []
    unfixed: list[Unfixed] = []
    for path, passages in migrations.items():
        fixed, left = _plan_file(passages, findings.get(path, ()))
        unfixed += left
        if fixed:
            edits = tuple(edit for one in fixed for edit in one.edits)
            migration = next(iter(passages.values())).migration
            files.append(FileFix(migration, edits, tuple(one.finding for one in fixed)))
    return FixPlan(tuple(files), tuple(unfixed))


def _plan_file(
    passages: dict[Direction, Passage], findings: Sequence[Finding]
) -> tuple[list[_Candidate], list[Unfixed]]:
    candidates: list[_Candidate] = []
    unfixed: list[Unfixed] = []
    for finding in findings:
        if finding.fix is None:
            continue
        meant = _find_meant(finding.fix, findings)
        if meant is not None:
            unfixed.append(Unfixed(finding, meant.reason))
            continue
        one = _try(passages[finding.direction], finding, finding.fix)
        if isinstance(one, Refusal):
            unfixed.append(Unfixed(finding, one.reason))
        elif one.edits:
            candidates.append(one)
    for direction, passage in passages.items():
        mine = [one for one in candidates if one.finding.direction is direction]
        for one in _parted(passage, mine):
            candidates.remove(one)
            reason = f"it would end the transaction of {direction.value}() half-way"
            unfixed.append(Unfixed(one.finding, reason))
    return list(_without_meeting(candidates)), unfixed


def _find_meant(fix: Fix, findings: Sequence[Finding]) -> Refusal | None:
    """Return why an ignore stays: what it was written for is found elsewhere in the file."""
    if not isinstance(fix.change, IgnoreRemoval):
        return None
    rule = fix.change.rule
    line = next((one.span.line for one in findings if one.rule == rule), None)
    if line is None:
        return None
    return Refusal(
        f'it may be meant for line {line}, where "{rule}" is found: an ignore stands on that '
        "line, or alone on the line above"
    )


def _try(passage: Passage, finding: Finding, fix: Fix) -> _Candidate | Refusal:
    """Return the edits that the fix comes to by itself, or why there are none."""
    if fix.doubt:
        return Refusal(fix.doubt)
    text = passage.migration.text
    if isinstance(fix.change, IgnoreRemoval):
        edits = edit_ignore(text, finding, fix.change)
        return edits if isinstance(edits, Refusal) else _Candidate(finding, fix, edits)
    explained = _find_statement(passage, finding)
    if explained is None or len(explained.events) != 1:
        return Refusal("the statement does more than this")
    statement = explained.statement
    parts = fix.parts_transaction and statement.transaction is not None
    if statement.is_literal:
        runner = passage.migration.runner
        if parts:
            return Refusal(
                f"{runner} runs it in a transaction"
                if runner
                else "it stands between BEGIN and COMMIT"
            )
        if runner and fix.parts_transaction and _adds_statement(fix):
            return Refusal(f"{runner} would run what is added in one transaction with it")
        found = edit_sql(text, statement, fix.change)
    else:
        if parts and any(gap.hides_statements for gap in passage.migration.unjudged):
            return Refusal("not all that the revision runs could be recorded")
        sent = [item.statement for item in passage.statements]
        found = edit_revision(text, statement, fix.change, sent)
    return found if isinstance(found, Refusal) else _Candidate(finding, fix, found, parts)


def _adds_statement(fix: Fix) -> bool:
    change = fix.change
    return isinstance(change, Replacement) or (
        isinstance(change, Rewording) and change.then is not None
    )


def _find_statement(passage: Passage, finding: Finding) -> ExplainedStatement | None:
    return next(
        (item for item in passage.statements if item.statement.ordinal == finding.ordinal), None
    )


def _parted(passage: Passage, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the candidates that would part statements which belong together."""
    parting = [one for one in candidates if one.parts_transaction]
    for effect in Effect:
        same = {one.finding.ordinal for one in parting if one.fix.effect is effect}
        companions = {number for one in parting for number in one.fix.companions}
        if all(_may_be_parted(item, same, companions) for item in passage.statements):
            return [one for one in parting if one.fix.effect is not effect]
    return parting


def _may_be_parted(item: ExplainedStatement, fixed: set[int | None], companions: set[int]) -> bool:
    """Return whether the statement may be committed without the others of its transaction."""
    ordinal = item.statement.ordinal
    if item.statement.transaction is None or ordinal in fixed:
        return True
    return ordinal in companions and len(item.events) == 1


def _without_meeting(candidates: Sequence[_Candidate]) -> Iterator[_Candidate]:
    """Yield the candidates that overlap none before them, statements before comments.

    Those that only touch stay in their order.
    """
    taken: list[_Candidate] = []
    for one in sorted(candidates, key=lambda one: isinstance(one.fix.change, IgnoreRemoval)):
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
            yield one
