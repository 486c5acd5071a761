"""The models made by create_all(), on a copy of what the history makes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from safemigrate.errors import EnvironmentSetupError, SafemigrateError
from safemigrate.execute import check_context, find_visible_schema, refuse_second_run
from safemigrate.source import run_environment
from safemigrate.source.excerpt import describe
from safemigrate.source.quarantine import quarantine
from safemigrate.sql import quote_identifier
from safemigrate.trace import describe_fault
from safemigrate.verify.bench import Bench, open_bench
from safemigrate.verify.models.finding import Models, find_models
from safemigrate.verify.snapshots import Snapshot, VersionTable
from safemigrate.verify.stage import Whole

__all__ = ["Creation", "Uncreated", "create_models"]

_MOST_LINES = 12
_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s".]+)'
_INDEXED = re.compile(rf" ON (?:ONLY )?(?P<table>{_IDENTIFIER}\.{_IDENTIFIER}) USING ")


@dataclass(frozen=True, slots=True)
class Creation:
    """What the history makes, and what create_all() makes on the same server.

    `named`: the identities of the constraints and indexes whose names the models give.
    `missing_schemas`: those that models are in, and the history does not make.
    `opinion`: what `alembic revision --autogenerate` would write, in lines of Python.
    """

    models: Models
    head: Snapshot
    made: Snapshot
    named: frozenset[str]
    missing_schemas: tuple[str, ...]
    opinion: tuple[str, ...]

    def table_of_index(self, identity: str) -> str:
        """Return the identity of an index's table, "" where it is not known."""
        for snapshot in (self.made, self.head):
            found = _INDEXED.search(snapshot.objects.get(("index", identity), ""))
            if found is not None:
                return found["table"]
        return ""


@dataclass(frozen=True, slots=True)
class Uncreated:
    """Why there is nothing to compare; `is_unasked`: the project gives no metadata."""

    reason: str
    is_unasked: bool = False


def create_models(whole: Whole) -> Creation | Uncreated:
    """Return what create_all() makes of the project's metadata, beside what the history makes.

    It works in a copy of the head without all that models can declare, so that what defaults and
    constraints need of the history's functions and extensions is there; where that fails, in an
    empty database with the head's schemas and extensions.
    Raises what `run_environment` raises for env.py.
    """
    if whole.head is None:
        if not whole.project.revisions():
            return Uncreated("there are no revisions")
        return Uncreated("not every revision could be applied")
    with whole.database() as bench:
        cleared = _Run(bench, whole.choices.metadata)
        found = cleared.make()
    if not isinstance(found, Uncreated) or found.is_unasked or cleared.head is None:
        return found
    name = whole.server.create_database()
    try:
        with open_bench(whole.project, whole.server, name) as bench:
            for statement in cleared.preparation:
                bench.connection.execute(statement.encode())
            second = _Run(bench, whole.choices.metadata, cleared.head, cleared.opinion).make()
    finally:
        whole.server.drop_database(name)
    return found if isinstance(second, Uncreated) else second


class _Run:
    """One run of env.py; `head` is read in it where it is not known, and cleared away then."""

    def __init__(
        self,
        bench: Bench,
        named: tuple[str, ...],
        head: Snapshot | None = None,
        opinion: tuple[str, ...] = (),
    ) -> None:
        self.head = head
        self.opinion = opinion
        self.preparation: tuple[str, ...] = ()
        self._bench = bench
        self._named = named
        self._found: Creation | Uncreated | None = None

    def make(self) -> Creation | Uncreated:
        """Run env.py and return what came of it."""
        try:
            with quarantine(is_silent=True):
                run_environment(
                    self._bench.project, self._work, url=self._bench.url, is_throwaway=True
                )
        except SafemigrateError:
            raise
        except (Exception, SystemExit) as error:
            raise EnvironmentSetupError(
                f"the models cannot be made: {describe(error)}",
                "look at the metadata, and at include_object and include_name of env.py",
            ) from error
        return self._found or Uncreated("env.py ran no migrations")

    def _work(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        del heads
        if self._found is not None:
            raise refuse_second_run()
        connection = check_context(context)
        schema = context.version_table_schema or find_visible_schema(
            connection, context.version_table
        )
        self._bench.version_table = VersionTable(context.version_table, schema)
        self._found = self._try(context, connection)
        connection.rollback()
        return iter(())

    def _try(self, context: MigrationContext, connection: Connection) -> Creation | Uncreated:
        models = find_models(context, connection, self._named, self._list_tables())
        if models is None:
            return Uncreated("env.py gives context.configure() no target_metadata", is_unasked=True)
        head = self.head
        if head is None:
            self.opinion = _ask_alembic(context, models.metadatas)
            connection.rollback()
            self.head = head = self._bench.snapshot()
            rows = self._bench.connection.execute(_PREPARATION).fetchall()
            self.preparation = tuple(str(row[0]) for row in rows)
            self._clear(models.left_out)
        try:
            missing = _create(models, connection, head)
        except SQLAlchemyError as error:
            connection.rollback()
            return Uncreated(f"create_all() of the models fails: {describe_fault(error)}")
        connection.commit()
        made = self._bench.snapshot()
        return Creation(
            models, head, made, frozenset(_list_names(models, connection)), missing, self.opinion
        )

    def _list_tables(self) -> list[tuple[str, str]]:
        rows = self._bench.connection.execute(
            "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND NOT relispartition"
            " AND nspname NOT IN ('information_schema', 'safemigrate')"
        )
        return [(str(schema), str(name)) for schema, name in rows]

    def _clear(self, kept: Iterable[str]) -> None:
        """Drop what models can declare, with what hangs on it."""
        arguments = {
            "version_table": self._bench.version_table.identifier().as_string(),
            "kept": list(kept),
        }
        connection = self._bench.connection
        statements = [
            str(row[0]) for row in connection.execute(_clearing().encode(), arguments).fetchall()
        ]
        if statements:
            connection.execute("; ".join(statements).encode())


@cache
def _clearing() -> str:
    return (files("safemigrate.verify.models") / "clearing.sql").read_text(encoding="utf-8")


def _create(models: Models, connection: Connection, head: Snapshot) -> tuple[str, ...]:
    """Make the tables and return the schemas that were not there for them."""
    missing = tuple(
        sorted(
            one for one in models.schemas if ("schema", quote_identifier(one)) not in head.objects
        )
    )
    for schema in missing:
        connection.execute(CreateSchema(schema, if_not_exists=True))
    wanted = {id(table) for table in models.tables.values()}
    for metadata in models.metadatas:
        tables = [table for table in metadata.tables.values() if id(table) in wanted]
        # what stands beside the tables is made with all of them only
        metadata.create_all(
            connection, tables=None if len(tables) == len(metadata.tables) else tables
        )
    return missing


def _list_names(models: Models, connection: Connection) -> Iterator[str]:
    """Yield the identities of the constraints and indexes that are named in the models."""
    preparer = connection.dialect.identifier_preparer
    for identity, table in models.tables.items():
        for constraint in table.constraints:
            name = None if constraint.name is None else preparer.format_constraint(constraint)
            if name is not None:
                yield f"{identity}.{_plain(name)}"
        schema = quote_identifier(models.schema_of(table))
        for index in table.indexes:
            yield f"{schema}.{_plain(preparer.format_index(index))}"


def _plain(name: str) -> str:
    """Return a name that SQLAlchemy quoted, quoted as the server does."""
    bare = name[1:-1].replace('""', '"') if name.startswith('"') else name
    return quote_identifier(bare)


_PREPARATION = """
    SELECT format('CREATE SCHEMA IF NOT EXISTS %I', nspname) FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL
    SELECT format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I CASCADE', extname, nspname)
      FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace
"""


def _ask_alembic(context: MigrationContext, metadatas: tuple[MetaData, ...]) -> tuple[str, ...]:
    """Return what Alembic's own comparison would write, without its comments."""
    try:
        script = produce_migrations(context, list(metadatas))  # type: ignore[arg-type]  # it takes several as well
        code = "" if script.upgrade_ops is None else render_python_code(script.upgrade_ops)
    except (CommandError, NotImplementedError, SQLAlchemyError) as error:
        return (f"Alembic cannot compare them: {describe(error)}",)
    lines = [line.strip() for line in code.splitlines()]
    kept = [line for line in lines if line and not line.startswith("#") and line != "pass"]
    more = len(kept) - _MOST_LINES
    return (*kept[:_MOST_LINES], *([f"… and {more} lines more"] if more > 0 else ()))
