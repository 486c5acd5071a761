"""A timeline → findings: ask every rule, silence what is ignored, count what was judged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from safemigrate.config import RuleOptions, RuleSettings
from safemigrate.lint.asking import Inquiry, NeededKinds, needed_kinds
from safemigrate.lint.further import Further, is_style
from safemigrate.lint.parts import judge_files
from safemigrate.lint.registry import rules
from safemigrate.lint.scope import choose_paths
from safemigrate.lint.selection import Selection, select_rules
from safemigrate.lint.silencing import silence
from safemigrate.lint.sizes import lower_small
from safemigrate.lint.suppressions import Suppression, find_suppressions
from safemigrate.model import (
    Assumption,
    Catalog,
    Confidence,
    Direction,
    ExplainedStatement,
    Finding,
    Fix,
    IgnoreRemoval,
    LintResult,
    Migration,
    Passage,
    Timeline,
    Unjudged,
)
from safemigrate.rulekit import locate

__all__ = ["find_assumptions", "find_unjudged", "judge"]


def judge(
    timeline: Timeline,
    *,
    settings: RuleSettings,
    paths: frozenset[str] | None = None,
    further: Further | None = None,
) -> LintResult:
    """Return the findings of all rules over the timeline, sorted by file and place.

    `paths`: only findings and counts of these files (values of `Migration.path`); None for all.
    `further`: what else was found in them; None where nobody has looked.
    Raises ConfigError when the settings name a revision that the history does not have.
    """
    judged = choose_paths(timeline, paths, settings.start_after)
    by_path = _group_by_file(timeline, judged)
    options = _options(timeline, settings)
    ends = tuple((end, needed_kinds(end, options)) for end in timeline.ends)
    bench = _Bench(settings, options, ends, further)
    files = judge_files(list(by_path.values()), partial(_judge_file, bench=bench))
    findings = [each for found, _ in files for each in found]
    statements = _list_statements(by_path)
    return LintResult(
        findings=tuple(sorted(findings, key=_place)),
        statements=len(statements),
        judged=sum(map(_is_understood, statements)),
        unjudged=(*_list_unjudged(by_path), *(() if further is None else further.unjudged)),
        # A way back that has a file of its own is no migration of its own.
        migrations=len({one[0].migration.reverses or path for path, one in by_path.items()}),
        suppressed=sum(silenced for _, silenced in files),
        notices=timeline.notices,
        assumptions=_list_assumptions(by_path),
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """What is the same for every file.

    `ends`: for each database the catalog after all upgrades, and the kinds of action that each rule
    asks for. `further`: as `judge` has it. `chosen`: the rules that are on, for each of the choices
    met so far.
    """

    settings: RuleSettings
    options: RuleOptions
    ends: tuple[tuple[Catalog, NeededKinds], ...]
    further: Further | None = None
    chosen: dict[tuple[int, ...], Inquiry] = field(default_factory=dict)

    def select(self, path: str, database: int = 0) -> Inquiry:
        """Return the rules that are on for the file at `path`, where it is run on the database."""
        settings = self.settings
        choices = settings.choices(path) if settings.per_path else (settings,)
        key = (database, *map(id, choices))
        if key not in self.chosen:
            selection = select_rules(choices)
            end, needed = self.ends[database]
            self.chosen[key] = Inquiry(selection, end, self.options, needed)
        return self.chosen[key]


def _options(timeline: Timeline, settings: RuleSettings) -> RuleOptions:
    """Return what the project says that rules read, its own naming convention included."""
    options = settings.options
    if not timeline.naming_convention:
        return options
    return replace(options, naming={**timeline.naming_convention, **options.naming})


def find_assumptions(
    timeline: Timeline, paths: frozenset[str] | None = None
) -> tuple[Assumption, ...]:
    """Return what the recording had to assume, as `judge` does."""
    return _list_assumptions(_group_by_file(timeline, paths))


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
    return (*_recording_gaps(by_path), *chain.from_iterable(map(_gaps, opaque)))


def _judge_file(passages: list[Passage], bench: _Bench) -> tuple[list[Finding], int]:
    """Return the findings of one file that stay, and how many were silenced."""
    migration = passages[0].migration
    inquiry = bench.select(migration.path)
    suppressions = find_suppressions(migration)
    findings = [each for passage in passages for each in _judge_passage(passage, bench)]
    if passages[-1].database:
        findings = _list_different(findings)
    statements = [item.statement for passage in passages for item in passage.statements]
    others = () if bench.further is None else bench.further.findings.get(migration.path, ())
    # An ignore comment means the call that sends the SQL, wherever that is written.
    placed = [replace(one.finding, span=one.anchor) for one in others]
    real = {id(stand_in): one.finding for stand_in, one in zip(placed, others, strict=True)}
    heard = silence([*findings, *placed], statements, suppressions)
    about = _about_suppressions(
        migration,
        suppressions,
        heard.used,
        inquiry.selection,
        is_styled=bench.further is not None and migration.path in bench.further.findings,
    )
    return [*(real.get(id(one), one) for one in heard.kept), *about], heard.silenced


def _list_different(findings: list[Finding]) -> list[Finding]:
    """Return what is found in one database or more once."""
    found: dict[tuple[object, ...], Finding] = {}
    for one in findings:
        found.setdefault((one.rule, one.direction, one.span, one.message, one.ordinal), one)
    return list(found.values())


def _judge_passage(passage: Passage, bench: _Bench) -> Iterable[Finding]:
    found = bench.select(passage.migration.path, passage.database).ask(passage)
    rows = bench.settings.small_table_rows
    return found if rows is None else lower_small(found, passage, rows)


def _about_suppressions(
    migration: Migration,
    suppressions: tuple[Suppression, ...],
    used: frozenset[tuple[Suppression, str]],
    selected: Selection,
    *,
    is_styled: bool,
) -> Iterator[Finding]:
    """Yield what is wrong with the ignore comments themselves."""
    for suppression in suppressions:
        for name, message, why, fix in _faults(suppression, used, selected, is_styled=is_styled):
            if name not in selected:
                continue
            yield Finding(
                rule=name,
                severity=selected[name],
                confidence=Confidence.HIGH,
                message=message,
                why=why,
                path=migration.path,
                span=suppression.span,
                revision=migration.revision,
                direction=Direction.DOWNGRADE if migration.reverses else Direction.UPGRADE,
                fix=fix,
            )


def _faults(
    suppression: Suppression,
    used: frozenset[tuple[Suppression, str]],
    selected: Selection,
    *,
    is_styled: bool,
) -> Iterator[tuple[str, str, str, Fix | None]]:
    in_string = "" if suppression.piece is None else "the comment stands in a string"
    if not suppression.rules:
        yield (
            "ignore-of-unknown-rule",
            "this ignore names no rule",
            "write the rule's name in brackets: ignore[rule-name] reason",
            None,
        )
    for name in suppression.rules:
        if name not in rules() and not is_style(name):
            yield (
                "ignore-of-unknown-rule",
                f'this ignore names "{name}", which is no rule',
                "a misspelt name silences nothing; `safemigrate rule` lists the names",
                None,
            )
        elif not suppression.reason:
            yield (
                "ignore-without-reason",
                f'this ignore of "{name}" gives no reason',
                "it silences nothing until the reason stands behind the brackets",
                None,
            )
        elif (suppression, name) not in used and (
            name in selected or (is_styled and is_style(name))
        ):
            yield (
                "unused-ignore",
                f'this ignore of "{name}" silences nothing',
                "there is no such finding, or no other one, at its statement: take the comment out",
                Fix(IgnoreRemoval(name), doubt=in_string),
            )


def _is_understood(item: ExplainedStatement) -> bool:
    if item.syntax_error:
        return False
    return not any(event.gap for event in item.events)


def _gaps(item: ExplainedStatement) -> Iterator[Unjudged]:
    """Yield what was not understood of the statement, one entry a line."""
    statement = item.statement
    reasons: dict[int, dict[str, None]] = {}
    if item.syntax_error:
        line = locate(statement, item.error_offset).line
        reasons[line] = {f"does not parse: {item.syntax_error}": None}
    for event in item.events:
        if event.gap:
            line = locate(event.place, event.offset + event.action.offset).line
            reasons.setdefault(line, {})[event.gap] = None
    for line, found in reasons.items():
        yield Unjudged(statement.path, line, statement.revision, "; ".join(found))


def _recording_gaps(by_path: dict[str, list[Passage]]) -> Iterator[Unjudged]:
    found = (entry for migration in _list_migrations(by_path) for entry in migration.unjudged)
    yield from dict.fromkeys(found)


def _list_assumptions(by_path: dict[str, list[Passage]]) -> tuple[Assumption, ...]:
    found = (entry for migration in _list_migrations(by_path) for entry in migration.assumptions)
    return tuple(dict.fromkeys(found))


def _list_migrations(by_path: dict[str, list[Passage]]) -> Iterator[Migration]:
    """Yield what the files are, once for each database that has migrations of its own."""
    for passages in by_path.values():
        yield from {passage.database: passage.migration for passage in passages}.values()


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return finding.path, finding.span.line, finding.span.column, finding.rule
