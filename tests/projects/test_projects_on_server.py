"""What Alembic itself sends to a server, against what was recorded without one."""

import contextlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.source import open_project, run_environment
from tests.projects.conftest import Copy

Make = Callable[[str], Copy]

PROJECTS = (
    "async_env",
    "batch",
    "enum_library",
    "helpers",
    "inspector",
    "multi_schema",
    "orm_data",
    "own_environment",
    "pyproject_only",
    "session_settings",
    "several_heads",
)

# What env.py sends by itself.
SETUP = frozenset(
    {
        "CREATE SCHEMA IF NOT EXISTS ops",
        "SELECT pg_advisory_lock(4711)",
        "SELECT pg_advisory_unlock(4711)",
        "SET lock_timeout = '2s'",
        "SET search_path TO sales, public",
        "SET search_path TO shop",
    }
)
# What Alembic and SQLAlchemy send for themselves: the version table, questions to the catalog.
OWN = re.compile(r"alembic_version|pg_catalog|^show ", re.IGNORECASE)
PLACEHOLDER = re.compile(r"%\(\w+\)s(?:::\w+)?|\$\d+(?:::\w+)?")

# Its downgrades name a constraint that is not there, as Alembic's naming conventions have it.
REFUSED = "batch"


@pytest.fixture
def server(database: str) -> sa.URL:
    """The URL of an empty database, on a server that has the roles that revisions name."""
    url = sa.make_url(database)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for role in ("bakery_reader", "reader"):
            # left by another test
            with contextlib.suppress(SQLAlchemyError):
                connection.execute(sa.text(f"CREATE ROLE {role}"))
    engine.dispose()
    return url


@pytest.mark.parametrize("name", PROJECTS)
def test_alembic_sends_what_was_recorded(
    copy: Make, monkeypatch: pytest.MonkeyPatch, server: sa.URL, name: str
) -> None:
    project = copy(name)
    recorded = project.explain("--no-cache").document["statements"]
    config = connect(project, server, monkeypatch)

    with project.importing(), sent() as upward:
        command.upgrade(config, "heads")
    check_sent(upward, [one for one in recorded if one["direction"] == "upgrade"])

    with project.importing(), sent() as downward:
        if name == REFUSED:
            with pytest.raises(SQLAlchemyError, match="ck_loaf_ck_loaf_weight_positive"):
                command.downgrade(config, "base")
            return
        command.downgrade(config, "base")
    ways_back = [one for one in recorded if one["direction"] == "downgrade"]
    passages = [list(each) for _, each in groupby(ways_back, lambda one: one["revision"])]
    check_sent(downward, [one for passage in reversed(passages) for one in passage])


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_concurrent_builds_run_where_they_are_said_to(
    copy: Make, monkeypatch: pytest.MonkeyPatch, server: sa.URL, driver: str
) -> None:
    project = copy("autocommit")
    config = connect(project, server, monkeypatch, driver)
    document = project.lint("--no-cache").document
    said = {
        finding["revision"]
        for finding in document["findings"]
        if finding["rule"] == "concurrent-index-in-transaction"
    } | {entry["revision"] for entry in document["summary"]["unjudged"]}

    refused = set()
    for number in range(1, 11):
        revision = f"k{number:02}"
        try:
            upgrade(revision)
        except SQLAlchemyError:
            refused.add(revision)
            command.stamp(config, revision)

    assert refused == said


def upgrade(revision: str) -> None:
    """Upgrade as safemigrate does.

    Alembic by itself loses its note of the version behind a commit() in the revision.
    """
    project = open_project(Path("alembic.ini"))

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        del context
        return project.script._upgrade_revs(revision, heads)  # type: ignore[arg-type]  # None or heads

    run_environment(project, work)


def connect(
    project: Copy, server: sa.URL, monkeypatch: pytest.MonkeyPatch, driver: str = ""
) -> Config:
    """Let the project use the database, and return its configuration."""
    path = project.path / "alembic.ini"
    if not path.exists():
        url = server.set(drivername="postgresql+psycopg")
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
        return Config(toml_file="pyproject.toml")
    own = Config("alembic.ini").get_main_option("sqlalchemy.url") or ""
    url = server.set(drivername=f"postgresql+{driver}" if driver else sa.make_url(own).drivername)
    shown = url.render_as_string(hide_password=False).replace("%", "%%")
    text = path.read_text(encoding="utf-8")
    text = re.sub(
        r"^sqlalchemy\.url = .*", lambda _: f"sqlalchemy.url = {shown}", text, flags=re.MULTILINE
    )
    Path(path).write_text(text, encoding="utf-8")
    return Config("alembic.ini")


@contextlib.contextmanager
def sent() -> Iterator[list[str]]:
    """Yield what every engine sends for the migrations, which grows; close what they leave open."""
    found: list[str] = []
    engines: set[Engine] = set()

    def note(connection: Connection, cursor: object, text: str, *others: object) -> None:
        del cursor, others
        engines.add(connection.engine)
        if OWN.search(text) is None and text not in SETUP:
            found.extend(plain(sql) for sql in text.split(";") if sql.strip())

    event.listen(Engine, "before_cursor_execute", note)
    try:
        # what people write, SQLAlchemy may call old
        with warnings.catch_warnings(action="ignore"):
            yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        for engine in engines:
            engine.dispose()


def check_sent(real: list[str], recorded: list[dict[str, Any]]) -> None:
    """Compare statements: the same, but for what is assumed, which need not have run.

    What is sent again and again, with other values, counts once.
    """
    notes = ((plain(one["sql"]), one["certainty"] == "known") for one in recorded)
    waiting = [next(same) for _, same in groupby(notes, lambda note: note[0])]
    for sql, _ in groupby(real):
        while waiting and waiting[0][0] != sql:
            skipped, is_known = waiting.pop(0)
            assert not is_known, (skipped, sql)
        assert waiting, sql
        waiting.pop(0)
    assert [sql for sql, is_known in waiting if is_known] == []


def plain(sql: str) -> str:
    return " ".join(PLACEHOLDER.sub("?", sql).split())
