"""env.py run on a real server."""

import logging
from collections.abc import Callable, Iterable, Iterator

import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext, RevisionStep

from safemigrate.errors import (
    EnvironmentSetupError,
    NotPostgresError,
    SafemigrateError,
    UnreachableError,
    UsageError,
)
from safemigrate.server import Server
from safemigrate.source import Project, Work, open_project, record, run_environment
from tests.source.conftest import ProjectFolder

PASSWORD = "secret"  # noqa: S105 - of nobody

Query = Callable[[str], list[object]]

TABLES = """
    SELECT relname::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1
"""

# What an env.py does with an `engine`.
RUN = """
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def upgrading(project: Project) -> Work:
    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        del context
        return project.script._upgrade_revs("heads", heads)  # type: ignore[arg-type]  # heads as Alembic gives them

    return work


def upgrade(folder: ProjectFolder, url: str | None) -> None:
    project = open_project(folder.config)
    run_environment(project, upgrading(project), url=url)


def refusal(folder: ProjectFolder, url: str | None) -> SafemigrateError:
    with pytest.raises(SafemigrateError) as caught:
        upgrade(folder, url)
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint
    return caught.value


@pytest.fixture
def query(database: str) -> Iterator[Query]:
    """Give the first column of what a query finds in the database of the test."""
    engine = sa.create_engine(database)

    def ask(text: str) -> list[object]:
        with engine.connect() as connection:
            return list(connection.scalars(sa.text(text)))

    yield ask
    engine.dispose()


def test_url_wins_over_the_configuration(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.add("one", 'op.execute("CREATE TABLE made (a int)")')
    project = open_project(folder.config)

    run_environment(project, upgrading(project), url=database)

    assert query(TABLES) == ["alembic_version", "made"]
    assert project.config.get_main_option("sqlalchemy.url") == (
        "postgresql+psycopg://user:secret@db.invalid/app"
    )


def test_url_of_the_project_is_used_when_none_is_given(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.add("one", 'op.execute("CREATE TABLE made (a int)")')
    project = open_project(folder.config, url=database)

    run_environment(project, upgrading(project))

    assert query(TABLES) == ["alembic_version", "made"]


def test_url_wins_over_an_environment_that_has_its_own(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.write_env(
        """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(
    "postgresql+psycopg://me:secret@db.invalid:1/other?sslmode=require",
    connect_args={"options": "-c lock_timeout=4321"},
)
"""
        + RUN
    )
    folder.add("one", """op.execute("CREATE TABLE t AS SELECT current_setting('lock_timeout')")""")

    upgrade(folder, database)

    assert query("SELECT * FROM t") == ["4321ms"]


def test_engine_of_the_application_is_led_anew_in_every_run(
    folder: ProjectFolder, embedded_server: Server
) -> None:
    folder.write_module(
        "application.py",
        """
        from sqlalchemy import create_engine
        engine = create_engine("postgresql+psycopg://me:secret@db.invalid/app")
        """,
    )
    folder.write_env("from alembic import context\nfrom application import engine\n" + RUN)
    folder.add("one", 'op.execute("CREATE TABLE made AS SELECT current_database()::text")')
    names = [embedded_server.create_database() for _ in range(2)]

    for name in names:
        upgrade(folder, embedded_server.url(name))

    found = []
    for name in names:
        engine = sa.create_engine(embedded_server.url(name))
        with engine.connect() as connection:
            found.append(connection.scalar(sa.text("SELECT * FROM made")))
            # nothing stays connected behind a run
            count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            assert connection.scalar(sa.text(count)) == 1
        engine.dispose()
        embedded_server.drop_database(name)
    assert found == names


def test_engine_of_the_application_serves_recording_and_then_a_real_run(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.write_module(
        "application.py",
        """
        from sqlalchemy import create_engine
        engine = create_engine("postgresql+psycopg://me:secret@db.invalid/app")
        outside = engine.execution_options(isolation_level="AUTOCOMMIT")
        """,
    )
    folder.write_env("from alembic import context\nfrom application import engine\n" + RUN)
    folder.add(
        "one",
        """
        op.execute("CREATE TABLE made (a int)")
        from application import outside
        for _ in range(2):
            with outside.connect() as connection:
                connection.execute(sa.text("VACUUM pg_class"))
        """,
    )

    history = record(open_project(folder.config))
    upgrade(folder, database)

    assert history.notices == ()
    assert [(one.sql, one.transaction) for one in history.migrations[0].upgrade] == [
        ("CREATE TABLE made (a int)", 1),
        ("VACUUM pg_class", None),
        ("VACUUM pg_class", None),
    ]
    assert query(TABLES) == ["alembic_version", "made"]


def test_url_that_cannot_be_used_is_refused_before_anything_runs(
    folder: ProjectFolder, database: str
) -> None:
    plain = database.replace("+psycopg", "")
    folder.write_env(
        f"""
import psycopg
from alembic import context
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect({plain!r}))
"""
        + RUN
    )
    folder.add("one", 'op.execute("CREATE TABLE made (a int)")')

    error = refusal(folder, database)

    assert isinstance(error, EnvironmentSetupError)
    assert "creator" in error.message


def test_each_revision_has_its_own_transaction_whatever_the_environment_says(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.write_env(
        """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
"""
        + RUN.replace("connection=connection", "connection, transaction_per_migration=False")
    )
    folder.add("one", 'op.execute("CREATE TABLE first (a int)")')
    folder.add("two", 'op.execute("CREATE TABLE second (a int)"); raise KeyError("x")')

    with pytest.raises(KeyError):
        upgrade(folder, database)

    assert query(TABLES) == ["alembic_version", "first"]
    assert query("SELECT version_num FROM alembic_version") == ["one"]


def test_connection_in_a_transaction_is_refused(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.write_env(
        """
from alembic import context
from sqlalchemy import create_engine, text

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '1s'"))
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
    )
    folder.add("one", 'op.execute("CREATE TABLE made (a int)")')

    error = refusal(folder, database)

    assert isinstance(error, EnvironmentSetupError)
    assert "already in a transaction" in error.message
    assert query(TABLES) == []


def test_what_a_revision_leaves_open_is_committed(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.add("one", 'op.get_bind().commit(); op.execute("CREATE TABLE made (a int)")')

    upgrade(folder, database)

    assert query(TABLES) == ["alembic_version", "made"]
    assert query("SELECT version_num FROM alembic_version") == ["one"]


@pytest.mark.parametrize(
    "catch",
    ["pass", "raise RuntimeError('wrapped') from error", "raise SystemExit(5)"],
    ids=["swallowed", "wrapped", "exit"],
)
def test_failure_of_a_revision_comes_out_unchanged(
    folder: ProjectFolder, database: str, catch: str
) -> None:
    folder.write_env(
        f"""
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    try:
        context.run_migrations()
    except Exception as error:
        {catch}
"""
    )
    folder.add("one", 'op.execute("SELECT 1/0")')

    with pytest.raises(sa.exc.DataError, match="division by zero"):
        upgrade(folder, database)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("import nowhere_to_be_found\n", "env.py:1", "install"),
        ("import os\nos.environ['NO_SUCH_SETTING']\n", "no key 'NO_SUCH_SETTING'", "surroundings"),
        ("def broken(:\n", "env.py:1", "surroundings"),
        ("pass\n", "never ran the migrations", "context.run_migrations"),
        (
            "from alembic import context\ncontext.configure(dialect_name='postgresql')\n",
            "without a connection",
            "connection=",
        ),
    ],
    ids=["import", "setting", "syntax", "nothing", "no connection"],
)
def test_environment_that_cannot_be_run_is_named_with_its_line(
    folder: ProjectFolder, database: str, text: str, message: str, hint: str
) -> None:
    folder.write_env(text)
    folder.add("one", "pass")

    error = refusal(folder, database)

    assert isinstance(error, EnvironmentSetupError)
    assert message in error.message
    assert hint in error.hint


def test_environment_on_another_kind_of_database_is_refused(folder: ProjectFolder) -> None:
    folder.write_config("sqlite:///app.db")
    folder.add("one", "pass")

    error = refusal(folder, None)

    assert isinstance(error, NotPostgresError)
    assert '"sqlite"' in error.message


def test_other_kind_of_database_is_named_when_its_driver_is_not_installed(
    folder: ProjectFolder,
) -> None:
    folder.write_config("mysql+no_such_driver://me:secret@localhost/app")
    folder.add("one", "pass")

    assert isinstance(refusal(folder, None), NotPostgresError)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("mysql://me:secret@localhost/app", NotPostgresError),
        ("postgresql:/me:secret@localhost", UsageError),
        ("postgresql://me:secret@localhost:port/app", UsageError),
        ("secret", UsageError),
    ],
)
def test_url_that_is_no_postgresql_url_is_refused_without_showing_it(
    folder: ProjectFolder, url: str, kind: type[SafemigrateError]
) -> None:
    folder.add("one", "pass")

    assert type(refusal(folder, url)) is kind


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3:c@secret@localhost:1/app",
        "postgresql://me:x@secret/y@localhost:1/app",
        "postgresql://me:x@secret?y@localhost:1/app",
        "postgresql+psycopg://me:x@secret@localhost/app?sslmode=prefer",
    ],
)
@pytest.mark.parametrize("is_given", [True, False], ids=["given", "of the project"])
def test_password_with_an_at_sign_is_refused_without_showing_it(
    folder: ProjectFolder, url: str, *, is_given: bool
) -> None:
    folder.add("one", "pass")
    if not is_given:
        folder.write_config(url)

    error = refusal(folder, url if is_given else None)

    assert isinstance(error, UsageError)
    assert "@ is %40" in error.hint
    assert "localhost" not in error.message


def test_user_with_an_at_sign_is_a_user(folder: ProjectFolder) -> None:
    folder.add("one", "pass")

    error = refusal(folder, "postgresql://me@corp:secret@127.0.0.1:1/app")

    assert isinstance(error, UnreachableError)
    assert 'as "me@corp"' in error.message


def test_url_that_the_environment_sets_badly_is_not_shown(folder: ProjectFolder) -> None:
    folder.write_env(
        "from alembic import context\n"
        'context.config.set_main_option("sqlalchemy.url", "postgresql://me:%secret@h/d")\n'
    )
    folder.add("one", "pass")

    assert "ValueError: invalid interpolation syntax" in refusal(folder, None).message
    (notice,) = folder.record().notices
    assert "secret" not in notice


def test_server_that_does_not_answer_is_unreachable(folder: ProjectFolder) -> None:
    folder.add("one", "pass")

    error = refusal(folder, "postgresql://me:secret@127.0.0.1:1/app")

    assert isinstance(error, UnreachableError)
    assert 'database "app" at 127.0.0.1:1 as "me"' in error.message


def test_missing_database_is_unreachable(folder: ProjectFolder, database: str) -> None:
    folder.add("one", "pass")
    url = sa.make_url(database).set(database="no_such_database", password=PASSWORD)

    error = refusal(folder, url.render_as_string(hide_password=False))

    assert isinstance(error, UnreachableError)
    assert "no_such_database" in error.message


def test_unknown_role_is_unreachable(folder: ProjectFolder, database: str) -> None:
    folder.add("one", "pass")
    url = sa.make_url(database).set(username="no_such_role", password=PASSWORD)

    error = refusal(folder, url.render_as_string(hide_password=False))

    assert isinstance(error, UnreachableError)
    assert "no_such_role" in error.message


def test_error_while_the_environment_prepares_is_not_a_connection_error(
    folder: ProjectFolder, database: str
) -> None:
    folder.write_env(
        """
from alembic import context
from sqlalchemy import create_engine, text

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    connection.execute(text("SET no_such_setting = 1"))
"""
    )
    folder.add("one", "pass")

    error = refusal(folder, database)

    assert isinstance(error, EnvironmentSetupError)
    assert "env.py:7" in error.message


def test_output_of_the_project_goes_to_standard_error(
    folder: ProjectFolder, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    env = (folder.root / "migrations" / "env.py").read_text()
    folder.write_env("print('from env.py')\n" + env)
    folder.add("one", "print('from the revision')")

    upgrade(folder, database)

    output = capsys.readouterr()
    assert output.out == ""
    assert "from env.py\nfrom the revision\n" in output.err


LOGGING = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys =
[logger_root]
level = ERROR
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stdout,)
"""


def test_logging_configuration_is_put_back(folder: ProjectFolder, database: str) -> None:
    folder.write_config(None, LOGGING)
    env = (folder.root / "migrations" / "env.py").read_text()
    folder.write_env(
        env.replace(
            "config = context.config\n",
            "config = context.config\nimport logging.config\n"
            "logging.config.fileConfig(config.config_file_name)\n",
        )
    )
    folder.add("one", "pass")
    logger = logging.getLogger("safemigrate.tests.existing")
    before = logging.root.level, list(logging.root.handlers)

    upgrade(folder, database)

    assert not logger.disabled
    assert (logging.root.level, list(logging.root.handlers)) == before


def test_version_table_is_not_made_when_nothing_may_change(
    folder: ProjectFolder, database: str, query: Query
) -> None:
    folder.add("one", "pass")
    seen: list[tuple[str, ...]] = []

    def look(heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        del context
        seen.append(heads)
        return ()

    run_environment(open_project(folder.config), look, url=database, dont_mutate=True)

    assert seen == [()]
    assert query(TABLES) == []


def test_destination_is_told_to_the_environment(
    folder: ProjectFolder, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    env = (folder.root / "migrations" / "env.py").read_text()
    folder.write_env(env + "\nprint('to', context.get_revision_argument())\n")
    folder.add("one", "pass")
    folder.add("two", "pass")

    run_environment(open_project(folder.config), lambda *_: (), url=database, destination="one")

    assert "to one\n" in capsys.readouterr().err
