"""What a rule sees: one migration in one direction, and the means to object."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from safemigrate.model import (
    Action,
    Certainty,
    Confidence,
    Direction,
    DowngradeKind,
    Event,
    ExplainedStatement,
    Finding,
    Lock,
    LockMode,
    Passage,
    QualifiedName,
    Remedy,
    Severity,
    Span,
    Statement,
    Table,
    blocked_commands,
)

__all__ = ["Context", "locate"]

Kind = TypeVar("Kind", bound=Action)

_CONFIDENCE = {
    Certainty.KNOWN: Confidence.HIGH,
    Certainty.ASSUMED: Confidence.MEDIUM,
    Certainty.UNKNOWN: Confidence.LOW,
}


@dataclass(frozen=True, slots=True)
class Context:
    """One migration in one direction, as a rule sees it.

    `rule` and `severity` are the asking rule's own, the severity as configured.
    """

    passage: Passage
    rule: str
    severity: Severity

    def events(self, kind: type[Kind]) -> Iterator[tuple[Event, Kind]]:
        """Yield every event whose action is of the kind, with that action."""
        for statement in self.passage.statements:
            for event in statement.events:
                if isinstance(event.action, kind):
                    yield event, event.action

    def all_events(self) -> Iterator[Event]:
        """Yield every event, in the order they run."""
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
        old = self._before_migration(found)
        return old is None or (old.has_all_columns and column not in old.columns)

    def is_new_constraint(self, event: Event, table: QualifiedName, name: str) -> bool:
        """Return whether the constraint was made by this migration, so that nobody needs it yet."""
        found = event.before.table(table)
        if found is None or name not in found.constraints:
            return False
        old = self._before_migration(found)
        return old is None or name not in old.constraints

    def is_new_schema(self, event: Event, name: str) -> bool:
        """Return whether the schema was made by this migration."""
        return name in event.before.schemas and name not in self.passage.before.schemas

    def _before_migration(self, table: Table) -> Table | None:
        """Return the same table as the migration found it, None when it was not there."""
        for old in self.passage.before.tables.values():
            if old.identity == table.identity:
                return old
        return None

    def finding(
        self,
        event: Event,
        message: str,
        *,
        why: str = "",
        remedy: Remedy | None = None,
        offset: int | None = None,
        confidence: Confidence | None = None,
    ) -> Finding:
        """Return a finding about the event, with its locks and whom they block.

        `offset`: where in the statement, when that is not where the action begins.
        `confidence`: lower than the facts' own certainty, where the rule guesses.
        """
        statement = event.statement
        locks = tuple(lock for lock in event.facts.locks if lock.is_preexisting)
        at = event.action.offset if offset is None else offset
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
            remedy=remedy,
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
        )

    def finding_about_file(
        self,
        message: str,
        *,
        why: str = "",
        remedy: Remedy | None = None,
        direction: Direction | None = None,
    ) -> Finding:
        """Return a finding about a function of the migration, not one statement.

        `direction`: whose function, where it is not the one that the passage runs. The finding
        stands at `upgrade` where there is no `downgrade` to point at.
        """
        migration = self.passage.migration
        direction = direction or self.passage.direction
        is_down = (
            direction is Direction.DOWNGRADE
            and migration.downgrade_kind is not DowngradeKind.MISSING
        )
        line = migration.downgrade_line if is_down else migration.upgrade_line
        lines = migration.text.splitlines()
        text = lines[line - 1] if line <= len(lines) else ""
        start = len(text) - len(text.lstrip()) + 1
        return Finding(
            rule=self.rule,
            severity=self.severity,
            confidence=Confidence.HIGH,
            message=message,
            why=why,
            path=migration.path,
            span=Span(line, start, line, max(len(text) + 1, start)),
            revision=migration.revision,
            direction=direction,
            remedy=remedy,
        )


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
    before = statement.sql[:offset]
    line = statement.span.line + before.count("\n")
    newline = before.rfind("\n")
    column = statement.span.column + offset if newline < 0 else offset - newline
    return Span(line, column, statement.span.end_line, statement.span.end_column)
