"""An Alembic project → its history, by running every revision over the recording driver."""

import contextlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import create_engine

from safemigrate.errors import EnvironmentSetupError, NotPostgresError
from safemigrate.model import (
    NEWEST_VERSION,
    Direction,
    History,
    Migration,
    ServerVersion,
    Statement,
)
from safemigrate.source.batches import placing_batches
from safemigrate.source.conventions import read_naming_convention
from safemigrate.source.engines import recording_engines
from safemigrate.source.environment import ProjectEnvironment
from safemigrate.source.excerpt import show_path
from safemigrate.source.fence import Attempt
from safemigrate.source.fence_drivers import replaced
from safemigrate.source.missing_operations import missing_operations
from safemigrate.source.playing import (
    Mode,
    list_statements,
    mode_of,
    play_revision,
    set_mode,
    show_unloadable,
)
from safemigrate.source.project import Project
from safemigrate.source.quarantine import quarantine
from safemigrate.source.standins import StandIn
from safemigrate.source.standins_imports import standing_in
from safemigrate.source.standins_types import Uses
from safemigrate.source.tape import Passage, Tape, changes_schema
from safemigrate.source.url import has_url, main_url, parse_url, placeholders_as_postgres

__all__ = ["Recorded", "Recording", "record", "record_revisions"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A revision as it was recorded, and the mode in which its upgrade left the connection."""

    migration: Migration
    mode: Mode | None


@dataclass(frozen=True, slots=True)
class Recording:
    """A history, and its revisions one by one.

    `revisions`: in the order of the history; empty when what was recorded of one revision cannot be
    told from what was recorded of another, because they are run several times.
    """

    history: History
    revisions: tuple[Recorded, ...]


def record(project: Project, *, version: ServerVersion = NEWEST_VERSION) -> History:
    """Return what every upgrade() and downgrade() sends, in the order Alembic would run them.

    As `record_revisions` does.
    """
    return record_revisions(project, version=version).history


def record_revisions(
    project: Project,
    *,
    version: ServerVersion = NEWEST_VERSION,
    known: Sequence[Recorded] = (),
) -> Recording:
    """Return what every upgrade() and downgrade() sends, in the order Alembic would run them.

    Runs env.py and the revisions, online as far as they can tell, over a driver that reaches no
    database: what the schema is they are told as the history has made it, and there are no rows.
    Where env.py cannot be run, the revisions are run without it, and a notice says so. A revision
    that raises has an entry in `unjudged`, one that looks at an answer that nobody knows in
    `assumptions`. The history is complete unless env.py changes the schema, or may have and could
    not be run, or a revision follows one that is not there.
    `version`: the server it pretends to be. `known`: the first revisions of the history, which have
    been recorded before and are not run again.
    Raises NotPostgresError when env.py connects to another kind of database.
    """
    tape = Tape(version)
    recorder = _Recorder(tape, project, known)
    directory = Path(project.script.dir).resolve()
    with (
        quarantine(is_silent=True, on_attempt=recorder.note_attempt),
        recording_engines(tape, directory) as backends,
        placing_batches(tape),
        _standing_in(project, tape),
        missing_operations(tape, recorder.lacks_something, _uses_of(project)),
    ):
        notice = _run_environment(project, recorder)
    notices = [*project.notices]
    if project.stand_ins is not None:
        notices += project.stand_ins.notices(_list_files(project))
    notices += [notice] if notice else []
    notices += [
        f'env.py connects to "{backend}"; its migrations are judged as PostgreSQL runs them'
        for backend in sorted(backends - {"postgresql", "postgres"})
    ]
    notices += [f"env.py {attempt}, which is refused" for attempt in recorder.attempts]
    if recorder.changes_schema:
        notices.append("env.py itself changes the schema, which is not judged")
    required = () if project.stand_ins is None else project.stand_ins.absent.required
    history = replace(recorder.history(tuple(notices)), required_variables=tuple(sorted(required)))
    is_separable = len(recorder.runs) == 1
    return Recording(history, tuple(recorder.recorded) if is_separable else ())


@contextlib.contextmanager
def _standing_in(project: Project, tape: Tape) -> Iterator[None]:
    """Let stand-ins take the place of what is not here, and tell the tape what depends on them."""
    if project.stand_ins is None:
        yield
        return
    uses = project.stand_ins.uses
    uses.on_use = tape.use

    def import_named(real: Callable[..., object], name: object, package: object = None) -> object:
        if not isinstance(name, StandIn):
            return real(name, package)
        # a setting that is not known says which module it is
        uses.tell(name._origin)  # noqa: SLF001 - a public name would be one of what it stands for
        return name

    with standing_in(project.stand_ins), replaced(importlib, "import_module", import_named):
        yield


def _list_files(project: Project) -> list[Path]:
    """Return the files that may import what is not here: env.py and the revisions."""
    paths = [Path(script.path) for script in project.revisions()]
    return [Path(project.script.env_py_location), *paths]


def _uses_of(project: Project) -> Uses:
    return Uses() if project.stand_ins is None else project.stand_ins.uses


def _run_environment(project: Project, recorder: "_Recorder") -> str:
    """Run env.py, or the revisions without it; return what the reader should know, or nothing."""
    urls = [project.url]
    if project.url is None and not has_url(project.config):
        # env.py may have a URL of its own; when it has none, any will do
        urls.append("postgresql://")
    for url in urls:
        environment = ProjectEnvironment(
            project, recorder.work, None, dont_mutate=True, before_run=recorder.end_setup
        )
        recorder.begin_setup()
        try:
            with (
                main_url(project.config, None if url is None else parse_url(url)),
                placeholders_as_postgres(project.config),
            ):
                environment.run()
        except (EnvironmentSetupError, NotPostgresError) as error:
            if recorder.runs:
                return f"after the migrations env.py goes wrong: {error.message}"
            failure = error
        else:
            return ""
        finally:
            recorder.end_setup()
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

    `runs`: the migrations of each time that env.py ran them. `recorded`: those of the first.
    `is_alone`: it works without env.py, and whatever that does to the schema.
    `attempts`: what env.py, or a module that it loads, tried and was refused.
    """

    def __init__(self, tape: Tape, project: Project, known: Sequence[Recorded]) -> None:
        self.runs: list[tuple[Migration, ...]] = []
        self.recorded: list[Recorded] = []
        self.is_alone = False
        self.attempts: dict[str, None] = {}
        self._naming_convention: Mapping[str, str] = {}
        self._setups: list[tuple[Statement, ...]] = []
        self._tape = tape
        self._project = project
        self._scripts = project.revisions()
        self._known = known
        self._env_path = str(project.script.env_py_location)
        self._setup: Passage | None = None

    @property
    def changes_schema(self) -> bool:
        """Whether env.py changes the schema by itself."""
        sent = (statement.sql for setup in self._setups for statement in setup)
        return self._tape.has_changes_outside or any(map(changes_schema, sent))

    def lacks_something(self) -> bool:
        """Return whether something is not here that the project sets up before revisions run."""
        stand_ins = self._project.stand_ins
        is_whole = stand_ins is None or not (stand_ins.missing or stand_ins.broken)
        return self.is_alone or not is_whole

    def begin_setup(self) -> None:
        """Take down what env.py sends by itself, from here to where it runs the migrations."""
        self._setups.clear()
        self._setup = Passage(self._env_path, "", 1)
        self._tape.passage = self._setup

    def end_setup(self) -> None:
        """Take down no more of that."""
        if self._setup is not None:
            path = show_path(self._env_path)
            sent = list_statements(self._setup.notes, path, None, Direction.UPGRADE)
            self._setups.append(sent)
        self._tape.passage = self._setup = None

    def note_attempt(self, attempt: Attempt) -> None:
        """Take down what the fence refuses."""
        words = str(attempt)
        if self._tape.passage is self._setup or not self._tape.refuse(words):
            self.attempts[words] = None

    def work(self, heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        """Record every revision; leaves nothing for Alembic to run."""
        del heads
        environment = context.environment_context
        arguments = environment.run_arguments if isinstance(environment, ProjectEnvironment) else {}
        if not self.runs:
            self._naming_convention = read_naming_convention(context.opts.get("target_metadata"))
        if self.is_alone:
            self._tape.schema.admit_more()
        schema = self._tape.schema.branch()
        played: list[Recorded] = []
        for script in self._scripts:
            again = self._known[len(played)] if len(played) < len(self._known) else None
            if again is not None and not self.runs:
                self._repeat(again, context)
                played.append(again)
                continue
            why = self._project.unloadable.get(script.revision)
            if why is not None:
                self._tape.schema.doubt()
                played.append(Recorded(show_unloadable(script, why), mode_of(context)))
                continue
            assumptions = self._project.assumptions.get(script.revision, ())
            migration = play_revision(self._tape, script, context, arguments, assumptions)
            played.append(Recorded(migration, mode_of(context)))
        self._tape.schema = schema
        self.recorded = self.recorded or played
        self.runs.append(tuple(one.migration for one in played))
        return ()

    def _repeat(self, recorded: Recorded, context: MigrationContext) -> None:
        """Let what follows find what it would if the revision had been played."""
        schema = self._tape.schema
        for statement in recorded.migration.upgrade:
            schema.note([(statement.sql, statement.transaction)], is_assumed=statement.is_assumed)
        schema.end_passage()
        if recorded.migration.unjudged:
            schema.doubt()
        set_mode(context, recorded.mode)

    def history(self, notices: tuple[str, ...]) -> History:
        """Return what was recorded, with a history for each database that has one of its own."""
        # what leads to a revision that is not there has run before
        is_complete = not (
            self.is_alone or self._tape.has_changes_outside or self._project.has_gaps
        )
        kept: dict[tuple[object, ...], History] = {}
        for number, migrations in enumerate(self.runs):
            setup = self._setups[number] if number < len(self._setups) else ()
            history = History(
                migrations,
                is_complete=is_complete,
                naming_convention=self._naming_convention,
                setup=setup,
            )
            kept.setdefault(_list_sent(migrations), history)
        histories = list(kept.values()) or [History((), is_complete=is_complete)]
        if len(self.runs) > len(kept):
            notices = (*notices, f"env.py runs the migrations {len(self.runs)} times")
        return replace(histories[0], notices=notices, further=tuple(histories[1:]))


def _list_sent(migrations: tuple[Migration, ...]) -> tuple[object, ...]:
    return tuple(
        (statement.sql, statement.transaction is None)
        for migration in migrations
        for statement in (*migration.upgrade, *migration.downgrade)
    )
