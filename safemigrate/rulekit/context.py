"""What a rule sees: one migration in one direction, and the means to object."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from heapq import merge
from operator import itemgetter
from typing import TypeVar, cast, overload

from safemigrate.config import RuleOptions
from safemigrate.model import (
    Action,
    Catalog,
    Certainty,
    Confidence,
    Direction,
    DowngradeKind,
    Event,
    ExplainedStatement,
    Finding,
    Fix,
    Lock,
    LockMode,
    Passage,
    QualifiedName,
    Remedy,
    Severity,
    Span,
    Statement,
    blocked_commands,
)
from safemigrate.source.text import LineIndex, split_lines

__all__ = ["Context", "EventIndex", "locate", "once_a_passage"]

Kind = TypeVar("Kind", bound=Action)
Second = TypeVar("Second", bound=Action)
Third = TypeVar("Third", bound=Action)

_CONFIDENCE = {
    Certainty.KNOWN: Confidence.HIGH,
    Certainty.ASSUMED: Confidence.MEDIUM,
    Certainty.UNKNOWN: Confidence.LOW,
}


class EventIndex:
    """The events of a passage by the kind of their action, and what was worked out of them once.

    All rules that are asked about a passage share one, so that a rule costs nothing for the
    statements it does not concern.
    """

    __slots__ = ("_answers", "_by_kind")

    def __init__(self, passage: Passage) -> None:
        self._by_kind: dict[type[object], list[tuple[int, Event]]] = {}
        self._answers: dict[object, tuple[object, ...]] = {}
        events = (event for statement in passage.statements for event in statement.events)
        for number, event in enumerate(events):
            self._by_kind.setdefault(type(event.action), []).append((number, event))

    @property
    def kinds(self) -> frozenset[type[object]]:
        """The kinds of action there are."""
        return frozenset(self._by_kind)

    def list_events(self, kinds: tuple[type[object], ...]) -> Iterator[Event]:
        """Yield the events whose action is of one of the kinds, in the order they run."""
        found = [self._by_kind[kind] for kind in kinds if kind in self._by_kind]
        for _, event in found[0] if len(found) == 1 else merge(*found, key=itemgetter(0)):
            yield event

    def answer(self, question: object, work_out: Callable[[], Iterator[object]]) -> object:
        """Return what was worked out when the question was first asked."""
        if question not in self._answers:
            self._answers[question] = tuple(work_out())
        return self._answers[question]


Part = TypeVar("Part")


def once_a_passage(
    function: "Callable[[Context], Iterator[Part]]",
) -> "Callable[[Context], Iterator[Part]]":
    """Return the function made to work out its answer once for all rules about a passage.

    What it yields may depend on the passage and on the end of the history, not on the rule.
    """

    @wraps(function)
    def ask(context: Context) -> Iterator[Part]:
        found = context.index.answer(function, lambda: function(context))
        return iter(cast("tuple[Part, ...]", found))  # as the function itself yields them

    return ask


@dataclass(frozen=True, slots=True)
class Context:
    """One migration in one direction, as a rule sees it.

    `rule` and `severity` are the asking rule's own, the severity as configured.
    `end`: what exists when all upgrades of the history have run. `options`: what the project says.
    `index`: the events of the passage, for all rules that are asked about it.
    """

    passage: Passage
    index: EventIndex
    rule: str
    severity: Severity
    end: Catalog
    options: RuleOptions = field(default_factory=RuleOptions)

    @overload
    def events(self, kind: type[Kind], /) -> Iterator[tuple[Event, Kind]]: ...
    @overload
    def events(
        self, kind: type[Kind], second: type[Second], /
    ) -> Iterator[tuple[Event, Kind | Second]]: ...
    @overload
    def events(
        self, kind: type[Kind], second: type[Second], third: type[Third], /
    ) -> Iterator[tuple[Event, Kind | Second | Third]]: ...
    def events(self, *kinds: type[object]) -> Iterator[tuple[Event, Action]]:
        """Yield every event whose action is of one of the kinds, with that action, in order."""
        for event in self.index.list_events(kinds):
            yield event, event.action

    def all_events(self) -> Iterator[Event]:
        """Yield every event, in the order they run; `events` costs less."""
        for statement in self.passage.statements:
            yield from statement.events

    def is_new(self, event: Event, table: QualifiedName) -> bool:
        """Return whether the table was made by this migration, so that nobody uses it yet."""
        return self.passage.is_new(table, event.before)

    def is_new_column(self, event: Event, table: QualifiedName, column: str) -> bool:
        """Return whether the column was made by this migration, so that nobody uses it yet."""
        found = event.before.table(table)
        if found is None or column not in found.columns:
            return False
        old = self.passage.before.by_identity(found.identity)
        return old is None or (old.has_all_columns and column not in old.columns)

    def is_new_constraint(self, event: Event, table: QualifiedName, name: str) -> bool:
        """Return whether the constraint was made by this migration, so that nobody needs it yet."""
        found = event.before.table(table)
        if found is None or name not in found.constraints:
            return False
        old = self.passage.before.by_identity(found.identity)
        return old is None or name not in old.constraints

    def is_new_schema(self, event: Event, name: str) -> bool:
        """Return whether the schema was made by this migration."""
        return name in event.before.schemas and name not in self.passage.before.schemas

    def finding(
        self,
        event: Event,
        message: str,
        *,
        why: str = "",
        remedy: Remedy | None = None,
        fix: Fix | None = None,
        offset: int | None = None,
        confidence: Confidence | None = None,
    ) -> Finding:
        """Return a finding about the event, with its locks and whom they block.

        `remedy`: only its advice is kept where its code is the statement around a body, which
        holds more than the action. `fix`: of a statement that is this one action and no more.
        `offset`: where in the action's own text, when that is not where the action begins.
        `confidence`: lower than the facts' own certainty, where the rule guesses.
        """
        statement = event.place
        locks = tuple(lock for lock in event.facts.locks if lock.is_preexisting)
        at = event.offset + (event.action.offset if offset is None else offset)
        return Finding(
            rule=self.rule,
            severity=self.severity,
            confidence=confidence or _CONFIDENCE[event.facts.certainty],
            message=message,
            why=why,
            path=statement.path,
            span=locate(statement, at),
            revision=statement.revision,
            direction=statement.direction,
            sql=statement.sql,
            ordinal=statement.ordinal,
            locks=locks,
            blocks=_blocked(locks),
            remedy=_without_body(event, remedy),
            fix=fix,
            helper=statement.helper,
        )

    def finding_at_statement(
        self, explained: ExplainedStatement, message: str, *, why: str = "", offset: int = 0
    ) -> Finding:
        """Return a finding about a statement that no event was made of.

        `offset`: where in the statement.
        """
        statement = explained.statement
        return Finding(
            rule=self.rule,
            severity=self.severity,
            confidence=Confidence.HIGH,
            message=message,
            why=why,
            path=statement.path,
            span=locate(statement, offset),
            revision=statement.revision,
            direction=statement.direction,
            sql=statement.sql,
            ordinal=statement.ordinal,
            helper=statement.helper,
        )

    def finding_about_file(
        self,
        message: str,
        *,
        why: str = "",
        remedy: Remedy | None = None,
        direction: Direction | None = None,
        line: int | None = None,
        confidence: Confidence = Confidence.HIGH,
    ) -> Finding:
        """Return a finding about a function of the migration, not one statement.

        `direction`: whose function, where it is not the one that the passage runs. The finding
        stands at `upgrade` where there is no `downgrade` to point at. `line`: instead of these.
        """
        migration = self.passage.migration
        direction = direction or self.passage.direction
        is_down = (
            direction is Direction.DOWNGRADE
            and migration.downgrade_kind is not DowngradeKind.MISSING
        )
        line = line or (migration.downgrade_line if is_down else migration.upgrade_line)
        lines = split_lines(migration.text)
        text = lines[line - 1] if line <= len(lines) else ""
        start = len(text) - len(text.lstrip()) + 1
        return Finding(
            rule=self.rule,
            severity=self.severity,
            confidence=confidence,
            message=message,
            why=why,
            path=migration.path,
            span=Span(line, start, line, max(len(text) + 1, start)),
            revision=migration.revision,
            direction=direction,
            remedy=remedy,
        )


def _without_body(event: Event, remedy: Remedy | None) -> Remedy | None:
    """Return the remedy without code that runs the action's body as it is."""
    if remedy is not None and event.is_in_body and event.statement.sql in remedy.sql:
        return Remedy(remedy.advice)
    return remedy


def _blocked(locks: tuple[Lock, ...]) -> tuple[str, ...]:
    """Return the commands of an application that any of the locks makes wait."""
    modes: set[LockMode] = {lock.mode for lock in locks}
    found: dict[str, None] = {}
    for mode in sorted(modes, reverse=True):
        found.update(dict.fromkeys(blocked_commands(mode)))
    return tuple(found)


def locate(statement: Statement, offset: int) -> Span:
    """Return where in its file the part of the statement from `offset` on stands.

    For a statement that an Alembic call sent, that is the call.
    """
    if not statement.is_literal or offset == 0:
        return statement.span
    line, column = LineIndex(statement.sql[:offset]).place(offset)
    if line == 1:
        column += statement.span.column - 1
    line += statement.span.line - 1
    return Span(line, column, statement.span.end_line, statement.span.end_column)
