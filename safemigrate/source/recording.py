"""An Alembic project → its history, by running every revision over the recording driver."""

import contextlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script
from alembic.util import to_tuple
from sqlalchemy import create_engine

from safemigrate.errors import EnvironmentSetupError, NotPostgresError
from safemigrate.model import (
    NEWEST_VERSION,
    Direction,
    DowngradeKind,
    History,
    Migration,
    ServerVersion,
    Statement,
    Unjudged,
)
from safemigrate.source.batches import placing_batches
from safemigrate.source.conventions import read_naming_convention
from safemigrate.source.dbapi import Connection as RecordingConnection
from safemigrate.source.engines import recording_engines
from safemigrate.source.environment import ProjectEnvironment, settle
from safemigrate.source.excerpt import describe, find_origin, show_path
from safemigrate.source.imports import find_own_imports
from safemigrate.source.project import Project
from safemigrate.source.quarantine import quarantine
from safemigrate.source.tape import Passage, RecordingStoppedError, Tape
from safemigrate.source.text import read_revision
from safemigrate.source.url import has_url, main_url, parse_url

__all__ = ["record"]

_LOOKED = "reads from the database; what follows assumes an empty answer"


def record(project: Project, *, version: ServerVersion = NEWEST_VERSION) -> History:
    """Return what every upgrade() and downgrade() sends, in the order Alembic would run them.

    Runs env.py and the revisions, online as far as they can tell, over a driver that reaches no
    database and gives no rows. Where env.py cannot be run, the revisions are run without it, and
    a notice says so. A revision that raises, or looks at an answer, has an entry in `unjudged`.
    The history is complete unless env.py changes the schema, or may have and could not be run.
    `version`: the server it pretends to be.
    Raises NotPostgresError when env.py connects to another kind of database.
    """
    tape = Tape(version)
    recorder = _Recorder(tape, project.revisions())
    directory = Path(project.script.dir).resolve()
    with quarantine(is_silent=True), recording_engines(tape, directory), placing_batches(tape):
        notice = _run_environment(project, recorder)
    notices = [*project.notices, *([notice] if notice else [])]
    if tape.has_changes_outside:
        notices.append("env.py itself changes the schema, which is not judged")
    if recorder.runs > 1:
        notices.append(f"env.py runs the migrations {recorder.runs} times; the first run was read")
    return History(
        tuple(recorder.migrations),
        is_complete=not (recorder.is_alone or tape.has_changes_outside),
        notices=tuple(notices),
        naming_convention=recorder.naming_convention,
    )


def _run_environment(project: Project, recorder: "_Recorder") -> str:
    """Run env.py, or the revisions without it; return what the reader should know, or nothing."""
    urls = [project.url]
    if project.url is None and not has_url(project.config):
        # env.py may have a URL of its own; when it has none, any will do
        urls.append("postgresql://")
    for url in urls:
        environment = ProjectEnvironment(project, recorder.work, None, dont_mutate=True)
        try:
            with main_url(project.config, None if url is None else parse_url(url)):
                environment.run()
        except (EnvironmentSetupError, NotPostgresError) as error:
            if recorder.runs:
                return f"after the migrations env.py goes wrong: {error.message}"
            failure = error
        else:
            return ""
    if isinstance(failure, NotPostgresError):
        raise failure
    recorder.is_alone = True
    _run_without_environment(project, recorder)
    return (
        f"env.py was left out, for it cannot be run here: {failure.message}; "
        "what it sets up is not taken into account"
    )


def _run_without_environment(project: Project, recorder: "_Recorder") -> None:
    environment = ProjectEnvironment(project, recorder.work, None, dont_mutate=True)
    with create_engine("postgresql://").connect() as connection, environment:
        environment.configure(connection=connection)
        environment.run_migrations()


class _Recorder:
    """The work that takes the place of an Alembic command.

    `is_alone`: it works without env.py, and whatever that does to the schema.
    `naming_convention`: the one of the metadata that env.py hands over.
    """

    def __init__(self, tape: Tape, scripts: tuple[Script, ...]) -> None:
        self.migrations: list[Migration] = []
        self.runs = 0
        self.is_alone = False
        self.naming_convention: Mapping[str, str] = {}
        self._tape = tape
        self._scripts = scripts

    def work(self, heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        """Record every revision; leaves nothing for Alembic to run."""
        del heads
        self.runs += 1
        if self.runs == 1:
            self.naming_convention = read_naming_convention(context.opts.get("target_metadata"))
            environment = context.environment_context
            arguments = (
                environment.run_arguments if isinstance(environment, ProjectEnvironment) else {}
            )
            for script in self._scripts:
                self.migrations.append(
                    _RevisionRecorder(self._tape, script, arguments).run(context)
                )
        return ()


class _RevisionRecorder:
    """Records one revision."""

    def __init__(self, tape: Tape, script: Script, arguments: dict[str, Any]) -> None:
        self._tape = tape
        self._script = script
        self._arguments = arguments
        self._filename = str(script.module.__file__ or script.path)
        self._path = show_path(script.path)
        # a .pyc without its source has no text
        self._text = read_revision(Path(script.path)) if script.path.endswith(".py") else ""
        self._unjudged: list[Unjudged] = []

    def run(self, context: MigrationContext) -> Migration:
        """Return the revision with what both its functions send."""
        script = self._script
        upgrade_line = self._line_of("upgrade")
        downgrade_line = self._line_of("downgrade")
        upgrade, _ = self._play(context, Direction.UPGRADE, upgrade_line)
        with _kept(context):
            downgrade, kind = self._play(context, Direction.DOWNGRADE, downgrade_line)
        return Migration(
            path=self._path,
            text=self._text,
            revision=script.revision,
            message=" ".join(script.doc.split()),
            down_revisions=to_tuple(script.down_revision, default=()),
            upgrade=upgrade,
            downgrade=downgrade,
            downgrade_kind=kind,
            upgrade_line=upgrade_line,
            downgrade_line=downgrade_line,
            unjudged=tuple(self._unjudged),
            imports=find_own_imports(self._text),
        )

    def _play(
        self, context: MigrationContext, direction: Direction, line: int
    ) -> tuple[tuple[Statement, ...], DowngradeKind]:
        function = getattr(self._script.module, direction.value, None)
        if not callable(function):
            if direction is Direction.UPGRADE:
                self._add_unjudged(1, "has no function upgrade()")
            return (), DowngradeKind.MISSING
        passage = Passage(self._filename, self._text, line)
        error = self._call(function, context, passage)
        _recover(context)
        refuses = direction is Direction.DOWNGRADE and isinstance(error, NotImplementedError)
        if passage.look is not None:
            self._add_unjudged(passage.look.line, _LOOKED)
        if error is not None and not refuses:
            origin = find_origin(error, self._filename)
            reason = str(error) if isinstance(error, RecordingStoppedError) else describe(error)
            self._add_unjudged(line if origin is None else origin.line, reason)
        statements = self._statements(passage, direction)
        if refuses:
            return statements, DowngradeKind.REFUSES
        is_empty = not statements and error is None
        return statements, DowngradeKind.EMPTY if is_empty else DowngradeKind.PRESENT

    def _call(
        self, function: Callable[..., object], context: MigrationContext, passage: Passage
    ) -> BaseException | None:
        """Run the function in a transaction as Alembic does; return what it raised, if anything."""
        self._tape.passage = passage
        try:
            with context.begin_transaction(_per_migration=True):
                function(**self._arguments)
            settle(context)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a revision raises must not end the others
            return error
        finally:
            self._tape.passage = None
        return None

    def _statements(self, passage: Passage, direction: Direction) -> tuple[Statement, ...]:
        numbers: dict[int, int] = {}
        # of a loop that was cut, each statement once
        notes = dict.fromkeys(passage.notes) if passage.is_cut else passage.notes
        return tuple(
            Statement(
                sql=note.sql,
                path=self._path,
                span=note.span,
                revision=self._script.revision,
                direction=direction,
                ordinal=ordinal,
                transaction=None
                if note.transaction is None
                else numbers.setdefault(note.transaction, len(numbers) + 1),
                is_assumed=note.is_assumed,
            )
            for ordinal, note in enumerate(notes, start=1)
        )

    def _add_unjudged(self, line: int, reason: str) -> None:
        self._unjudged.append(Unjudged(self._path, line, self._script.revision, reason))

    def _line_of(self, name: str) -> int:
        function = getattr(self._script.module, name, None)
        code = getattr(inspect.unwrap(function), "__code__", None) if function else None
        return code.co_firstlineno if code and code.co_filename == self._filename else 1


@contextlib.contextmanager
def _kept(context: MigrationContext) -> Iterator[None]:
    """Put the connection's mode back afterwards: no upgrade runs behind that downgrade."""
    before = _recording_connection(context)
    mode = (before.autocommit, before.isolation_level) if before is not None else None
    yield
    after = _recording_connection(context)
    if mode is not None and after is not None:
        after.autocommit, after.isolation_level = mode


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
    elif connection.in_transaction() and (
        connection.invalidated or not context._in_external_transaction  # noqa: SLF001 - Alembic's own test has no public name
    ):
        connection.rollback()
