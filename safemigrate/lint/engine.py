"""A timeline → findings: ask every rule, silence what is ignored, count what was judged."""

from collections.abc import Iterator

from safemigrate.config import RuleSettings
from safemigrate.lint.registry import rules
from safemigrate.lint.silencing import silence
from safemigrate.lint.suppressions import Suppression, find_suppressions
from safemigrate.model import (
    Confidence,
    Direction,
    ExplainedStatement,
    Finding,
    LintResult,
    Migration,
    Passage,
    Severity,
    Timeline,
    Unjudged,
)
from safemigrate.rulekit import Context, Rule, locate

__all__ = ["find_unjudged", "judge"]


def judge(
    timeline: Timeline, *, settings: RuleSettings, paths: frozenset[str] | None = None
) -> LintResult:
    """Return the findings of all rules over the timeline, sorted by file and place.

    `paths`: only findings and counts of these files (values of `Migration.path`); None for all.
    """
    by_path = _group_by_file(timeline, paths)
    findings: list[Finding] = []
    suppressed = 0
    for passages in by_path.values():
        found, silenced = _judge_file(passages, settings)
        findings += found
        suppressed += silenced
    statements = _list_statements(by_path)
    return LintResult(
        findings=tuple(sorted(findings, key=_place)),
        statements=len(statements),
        judged=sum(map(_is_understood, statements)),
        unjudged=_list_unjudged(by_path),
        migrations=len(by_path),
        suppressed=suppressed,
        notices=timeline.notices,
    )


def find_unjudged(timeline: Timeline, paths: frozenset[str] | None = None) -> tuple[Unjudged, ...]:
    """Return what could not be recorded or understood, as `judge` does, without asking any rule."""
    return _list_unjudged(_group_by_file(timeline, paths))


def _group_by_file(timeline: Timeline, paths: frozenset[str] | None) -> dict[str, list[Passage]]:
    by_path: dict[str, list[Passage]] = {}
    for passage in timeline.passages:
        if paths is None or passage.migration.path in paths:
            by_path.setdefault(passage.migration.path, []).append(passage)
    return by_path


def _list_statements(by_path: dict[str, list[Passage]]) -> list[ExplainedStatement]:
    return [
        statement
        for passages in by_path.values()
        for passage in passages
        for statement in passage.statements
    ]


def _list_unjudged(by_path: dict[str, list[Passage]]) -> tuple[Unjudged, ...]:
    opaque = [item for item in _list_statements(by_path) if not _is_understood(item)]
    return (*_recording_gaps(by_path), *map(_gap, opaque))


def _judge_file(passages: list[Passage], settings: RuleSettings) -> tuple[list[Finding], int]:
    """Return the findings of one file that stay, and how many were silenced."""
    migration = passages[0].migration
    suppressions = find_suppressions(migration)
    findings = [each for passage in passages for each in _ask_rules(passage, settings)]
    statements = [item.statement for passage in passages for item in passage.statements]
    heard = silence(findings, statements, suppressions)
    about = _about_suppressions(migration, suppressions, heard.used, settings)
    return [*heard.kept, *about], heard.silenced


def _ask_rules(passage: Passage, settings: RuleSettings) -> Iterator[Finding]:
    for rule in rules().values():
        if rule.name not in settings.disabled and passage.direction in rule.directions:
            yield from rule.check(Context(passage, rule.name, _severity(rule, settings)))


def _severity(rule: Rule, settings: RuleSettings) -> Severity:
    return settings.severities.get(rule.name, rule.severity)


def _about_suppressions(
    migration: Migration,
    suppressions: tuple[Suppression, ...],
    used: frozenset[tuple[Suppression, str]],
    settings: RuleSettings,
) -> Iterator[Finding]:
    """Yield what is wrong with the ignore comments themselves."""
    for suppression in suppressions:
        for name, message, why in _faults(suppression, used, settings):
            rule = rules()[name]
            if name in settings.disabled:
                continue
            yield Finding(
                rule=name,
                severity=_severity(rule, settings),
                confidence=Confidence.HIGH,
                message=message,
                why=why,
                path=migration.path,
                span=suppression.span,
                revision=migration.revision,
                direction=Direction.UPGRADE,
            )


def _faults(
    suppression: Suppression, used: frozenset[tuple[Suppression, str]], settings: RuleSettings
) -> Iterator[tuple[str, str, str]]:
    if not suppression.rules:
        yield (
            "ignore-of-unknown-rule",
            "this ignore names no rule",
            "write the rule's name in brackets: ignore[rule-name] reason",
        )
    for name in suppression.rules:
        if name not in rules():
            yield (
                "ignore-of-unknown-rule",
                f'this ignore names "{name}", which is no rule',
                "a misspelt name silences nothing; `safemigrate rule` lists the names",
            )
        elif not suppression.reason:
            yield (
                "ignore-without-reason",
                f'this ignore of "{name}" gives no reason',
                "it silences nothing until the reason stands behind the brackets",
            )
        elif (suppression, name) not in used and name not in settings.disabled:
            yield (
                "unused-ignore",
                f'this ignore of "{name}" silences nothing',
                "there is no such finding, or no other one, at its statement: take the comment out",
            )


def _is_understood(item: ExplainedStatement) -> bool:
    if item.syntax_error:
        return False
    return not any(event.gap for event in item.events)


def _gap(item: ExplainedStatement) -> Unjudged:
    statement = item.statement
    if item.syntax_error:
        reason = f"does not parse: {item.syntax_error}"
    else:
        reason = "; ".join(dict.fromkeys(event.gap for event in item.events if event.gap))
    line = locate(statement, item.error_offset).line
    return Unjudged(statement.path, line, statement.revision, reason)


def _recording_gaps(by_path: dict[str, list[Passage]]) -> Iterator[Unjudged]:
    for passages in by_path.values():
        yield from passages[0].migration.unjudged


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return finding.path, finding.span.line, finding.span.column, finding.rule
