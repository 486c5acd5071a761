"""One revision, played over the recording driver in both directions."""

import inspect
from collections.abc import Callable, Iterator
from opcode import opmap
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from alembic.util import to_tuple

from safemigrate.errors import SafemigrateError
from safemigrate.model import (
    Assumption,
    Direction,
    DowngradeKind,
    Migration,
    Statement,
    Unjudged,
)
from safemigrate.source.dbapi import Connection as RecordingConnection
from safemigrate.source.directory import keeping_directory
from safemigrate.source.environment import settle
from safemigrate.source.excerpt import describe, find_origin, find_refusal, show_path
from safemigrate.source.imports import find_own_imports
from safemigrate.source.inspection import SchemaSoFar
from safemigrate.source.loading import Unloadable
from safemigrate.source.merging import merge_notes
from safemigrate.source.operations import find_operation
from safemigrate.source.ordering import find_unordered
from safemigrate.source.statement_text import first_keyword
from safemigrate.source.stopping import RecordingStoppedError
from safemigrate.source.tape import Note, Passage, Tape, shape_of
from safemigrate.source.text import read_revision

__all__ = [
    "Mode",
    "list_statements",
    "mode_of",
    "play_revision",
    "set_mode",
    "show_unloadable",
]

# Whether a connection is in autocommit, and its isolation level.
Mode = tuple[bool, object]

_LOOKED = "reads from the database; what follows assumes an empty answer, or one row"
_RAISE = opmap["RAISE_VARARGS"]
_ROW_CHANGES = frozenset({"DELETE", "INSERT", "MERGE", "SELECT", "UPDATE", "WITH"})
_UNORDERED = "goes through a set, so the order of what it sends changes from run to run"


def play_revision(
    tape: Tape,
    script: Script,
    context: MigrationContext,
    arguments: dict[str, Any],
    assumptions: tuple[Assumption, ...] = (),
) -> Migration:
    """Return the revision with what both its functions send.

    `arguments`: what env.py hands over to upgrade() and downgrade(). `assumptions`: those made
    when its file was loaded.
    """
    return _Player(tape, script, context, arguments, assumptions).play()


def show_unloadable(script: Script, why: Unloadable) -> Migration:
    """Return a revision that could not be loaded, with the reason."""
    path = Path(script.path)
    try:
        text = read_revision(path) if path.suffix == ".py" else ""
    except SafemigrateError:
        text = ""
    return Migration(
        path=show_path(path),
        text=text,
        revision=script.revision,
        message=" ".join(script.doc.split()),
        down_revisions=to_tuple(script.down_revision, default=()),
        # nobody knows; what is said of a downgrade that is missing must not be said here
        downgrade_kind=DowngradeKind.PRESENT,
        unjudged=(
            Unjudged(show_path(path), why.line, script.revision, why.reason, is_unloadable=True),
        ),
    )


def list_statements(
    notes: list[Note], path: str, revision: str | None, direction: Direction
) -> tuple[Statement, ...]:
    """Return what was noted as statements, their transactions numbered from 1."""
    numbers: dict[int, int] = {}
    return tuple(
        Statement(
            sql=note.sql,
            path=path,
            span=note.span,
            revision=revision,
            direction=direction,
            ordinal=ordinal,
            transaction=None
            if note.transaction is None
            else numbers.setdefault(note.transaction, len(numbers) + 1),
            is_assumed=note.is_assumed,
            helper=note.helper,
        )
        for ordinal, note in enumerate(notes, start=1)
    )


class _Player:
    """Plays one revision, and gathers what cannot be known of it."""

    def __init__(
        self,
        tape: Tape,
        script: Script,
        context: MigrationContext,
        arguments: dict[str, Any],
        assumptions: tuple[Assumption, ...],
    ) -> None:
        self._tape = tape
        self._script = script
        self._context = context
        self._arguments = arguments
        self._filename = str(script.module.__file__ or script.path)
        self._path = show_path(script.path)
        # a .pyc without its source has no text
        self._text = read_revision(Path(script.path)) if script.path.endswith(".py") else ""
        self._unjudged: list[Unjudged] = []
        self._assumptions = [*assumptions]

    def play(self) -> Migration:
        script, context = self._script, self._context
        upgrade, _ = self._play(Direction.UPGRADE)
        before = mode_of(context)
        downgrade, kind = self._play(Direction.DOWNGRADE)
        # no upgrade runs behind that downgrade
        set_mode(context, before)
        for line in find_unordered(self._text):
            self._assume(line, _UNORDERED, hides_changes=False)
        return Migration(
            path=self._path,
            text=self._text,
            revision=script.revision,
            message=" ".join(script.doc.split()),
            down_revisions=to_tuple(script.down_revision, default=()),
            upgrade=upgrade,
            downgrade=downgrade,
            downgrade_kind=kind,
            upgrade_line=self._line_of(Direction.UPGRADE),
            downgrade_line=self._line_of(Direction.DOWNGRADE),
            unjudged=tuple(self._unjudged),
            imports=find_own_imports(self._text),
            assumptions=tuple(self._assumptions),
        )

    def _play(self, direction: Direction) -> tuple[tuple[Statement, ...], DowngradeKind]:
        function = getattr(self._script.module, direction.value, None)
        if not callable(function):
            if direction is Direction.UPGRADE:
                self._add_unjudged(1, "has no function upgrade()")
            return (), DowngradeKind.MISSING
        line = self._line_of(direction)
        start, mode = self._tape.schema.branch(), mode_of(self._context)
        is_upgrade = direction is Direction.UPGRADE
        passage = Passage(self._filename, self._text, line)
        error = self._call(function, passage, None if is_upgrade else start.branch())
        notes, error = self._join_playing_with_rows(function, passage, error, start, mode)
        refuses = not is_upgrade and self._refuses(error, passage)
        self._tell(passage, error)
        if error is not None and not refuses:
            self._explain(error, line)
        statements = list_statements(notes, self._path, self._script.revision, direction)
        is_silent = not statements and error is None and not passage.unseen
        if is_silent and not (passage.is_assuming or passage.inspected or passage.reads_dialect):
            is_silent = not self._find_silenced(direction)
        if is_upgrade and self._unjudged:
            self._tape.schema.doubt()
        if refuses:
            return statements, DowngradeKind.REFUSES
        return statements, DowngradeKind.EMPTY if is_silent else DowngradeKind.PRESENT

    def _tell(self, passage: Passage, error: BaseException | None) -> None:
        """Note what the passage did that was not done, or not seen.

        `error`: what ended it; an attempt that it comes from is told with it.
        """
        ending = None if error is None else find_refusal(error)
        for reason, at in passage.used.items():
            self._assume(at, reason)
        for attempt, at in passage.refused.items():
            if ending is None or attempt != str(ending.attempt):
                self._assume(at, f"{attempt}, which is refused while migrations are read")
        for reason, at in passage.unseen.items():
            self._add_unjudged(at, reason)

    def _join_playing_with_rows(
        self,
        function: Callable[..., object],
        passage: Passage,
        error: BaseException | None,
        start: SchemaSoFar,
        mode: Mode | None,
    ) -> tuple[list[Note], BaseException | None]:
        """Return what is sent if answers are empty, and what else if there is a row in each.

        A loop over rows sends nothing when there are none; what it would send is worth judging.
        With it comes the error that either way leads to.
        `error`: what the passage, with empty answers, has raised.
        """
        # of a loop that was cut, each statement once
        notes = _list_different(passage.notes) if passage.is_cut else passage.notes
        if passage.look is None:
            return notes, error
        more: list[Note] = []
        is_sure = False
        if passage.looks_for_rows and not passage.is_cut:
            left = mode_of(self._context)
            set_mode(self._context, mode)
            second = Passage(self._filename, self._text, passage.line, has_rows=True)
            # it may well fail over values that are made up
            failure = self._call(function, second, start)
            set_mode(self._context, left)
            for reason, at in second.unseen.items():
                passage.unseen.setdefault(reason, at)
            more = [] if second.is_cut else second.notes
            is_sure = error is None and failure is None
            if failure is None and not isinstance(error, NotImplementedError):
                # a row was what it could not do without
                error = None
        joined = merge_notes(notes, more)
        known = set(notes)
        changes = (
            first_keyword(note.sql) not in _ROW_CHANGES for note in joined if note not in known
        )
        self._assume(passage.look.line, _LOOKED, hides_changes=not is_sure or any(changes))
        return joined, error

    def _call(
        self, function: Callable[..., object], passage: Passage, schema: SchemaSoFar | None
    ) -> BaseException | None:
        """Run the function in a transaction as Alembic does; return what it raised, if anything.

        `schema`: what it finds and changes, where the next passage does not follow it.
        """
        context = self._context
        error: BaseException | None = None
        try:
            with (
                keeping_directory(),
                self._tape.playing(passage, schema),
                context.begin_transaction(_per_migration=True),
            ):
                function(**self._arguments)
            settle(context)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as raised:  # noqa: BLE001 - whatever a revision raises must not end the others
            error = raised
        _recover(context)
        return error

    def _explain(self, error: BaseException, line: int) -> None:
        """Note that what follows the error was not seen."""
        # what was stopped may go wrong once more on its way out
        error = next(
            (one for one in _chain(error) if isinstance(one, RecordingStoppedError)), error
        )
        origin = find_origin(error, self._filename)
        is_stopped = isinstance(error, RecordingStoppedError)
        self._add_unjudged(
            line if origin is None else origin.line, str(error) if is_stopped else describe(error)
        )

    def _refuses(self, error: BaseException | None, passage: Passage) -> bool:
        """Return whether a downgrade raised this on purpose: by its own `raise`, come what may."""
        if isinstance(error, NotImplementedError):
            return True
        trace = None if error is None else error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is None or passage.is_assuming:
            return False
        code = trace.tb_frame.f_code
        is_own = code.co_filename == self._filename and code.co_name == Direction.DOWNGRADE.value
        return is_own and code.co_code[trace.tb_lasti] == _RAISE

    def _find_silenced(self, direction: Direction) -> bool:
        """Return whether a function that sent nothing has code that would, and note it."""
        operation = find_operation(self._text, direction.value)
        if operation is None:
            return False
        self._add_unjudged(
            operation, f"{direction.value}() sends nothing here, although its code has operations"
        )
        return True

    def _assume(self, line: int, reason: str, *, hides_changes: bool = True) -> None:
        entry = Assumption(self._path, line, self._script.revision, reason, hides_changes)
        self._assumptions.append(entry)

    def _add_unjudged(self, line: int, reason: str) -> None:
        self._unjudged.append(Unjudged(self._path, line, self._script.revision, reason))

    def _line_of(self, direction: Direction) -> int:
        function = getattr(self._script.module, direction.value, None)
        code = getattr(inspect.unwrap(function), "__code__", None) if function else None
        return code.co_firstlineno if code and code.co_filename == self._filename else 1


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was raised from, or while handling."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _list_different(notes: list[Note]) -> list[Note]:
    """Return the first of those from the same place that differ in nothing but numbers."""
    found: dict[tuple[object, ...], Note] = {}
    for note in notes:
        found.setdefault((shape_of(note.sql), note.span, note.helper), note)
    return list(found.values())


def mode_of(context: MigrationContext) -> Mode | None:
    """Return the mode of the connection that Alembic has, None where it has none."""
    connection = _recording_connection(context)
    return None if connection is None else (connection.autocommit, connection.isolation_level)


def set_mode(context: MigrationContext, mode: Mode | None) -> None:
    """Put the connection that Alembic has into the mode."""
    connection = _recording_connection(context)
    if mode is not None and connection is not None:
        connection.autocommit, connection.isolation_level = mode


def _recording_connection(context: MigrationContext) -> RecordingConnection | None:
    if context.connection is None or context.connection.closed:
        return None
    found: object = context.connection.connection.dbapi_connection
    return found if isinstance(found, RecordingConnection) else None


def _recover(context: MigrationContext) -> None:
    """Make the connection fit for the next revision, whatever this one did to it."""
    connection = context.connection
    if connection is None:
        return
    if connection.closed:
        context.connection = context.impl.connection = connection.engine.connect()
    elif connection.invalidated or (
        connection.in_transaction() and not context._in_external_transaction  # noqa: SLF001 - Alembic's own test has no public name
    ):
        connection.rollback()
