"""Settings that are not here: the application's, and variables of the environment."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from alembic.config import Config
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import ArgumentError

from safemigrate.cache import watch_inputs
from safemigrate.model import History
from safemigrate.source import open_project, record
from tests.source.conftest import ProjectFolder

# What env.py does once it has an engine; what it sends must not get lost.
RUN = """
with engine.connect() as connection:
    connection.execute(text("SET search_path TO shop"))
    connection.commit()
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

HEAD = """
import os
from alembic import context
from sqlalchemy import MetaData, create_engine, engine_from_config, make_url, pool, text
from sqlalchemy.engine import URL
from nowhere_app.config import settings

config = context.config
target_metadata = MetaData(naming_convention={"ix": "ix__%(table_name)s__%(column_0_name)s"})
"""

VARIABLE = "SAFEMIGRATE_TEST_NOWHERE"

FROM_CONFIG = """
section = config.get_section(config.config_ini_section, {})
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
"""

ENGINES = {
    "an option that is a stand-in": (
        f'config.set_main_option("sqlalchemy.url", settings.database_url){FROM_CONFIG}'
    ),
    "an option that is None": (
        f'config.set_main_option("sqlalchemy.url", os.environ.get("{VARIABLE}")){FROM_CONFIG}'
    ),
    "an option of another section": (
        f'config.set_section_option("alembic", "sqlalchemy.url", settings.url){FROM_CONFIG}'
    ),
    "a section with None": """
section = config.get_section(config.config_ini_section, {})
section["sqlalchemy.url"] = None
engine = engine_from_config(section, prefix="sqlalchemy.")
""",
    "a section with a stand-in": """
section = config.get_section(config.config_ini_section, {})
section["sqlalchemy.url"] = settings.database_url
engine = engine_from_config(section, prefix="sqlalchemy.")
""",
    "options of the engine": (
        "engine = create_engine(settings.url, echo=settings.debug, pool_size=settings.pool_size, "
        "connect_args=settings.arguments, poolclass=settings.pool)"
    ),
    "a URL in parts": (
        "engine = create_engine(URL.create(drivername=settings.driver, username=settings.user, "
        "password=settings.password, host=settings.host, port=settings.port, "
        "database=settings.name, query={'sslmode': settings.ssl}))"
    ),
    "a URL that is made": (
        "engine = create_engine(make_url(settings.url).set(drivername='postgresql+asyncpg'))"
    ),
    "no URL": "engine = create_engine(make_url(None))",
    "a URL as text": (
        "engine = create_engine("
        "f'{settings.driver}://{settings.user}@{settings.host}:{settings.port}/{settings.name}')"
    ),
    "a variable": f'engine = create_engine(os.environ["{VARIABLE}"])',
    "variables in a text": (
        f'port = int(os.environ["{VARIABLE}_PORT"])\n'
        f"engine = create_engine(f\"postgresql://{{os.environ['{VARIABLE}']}}:{{port}}/app\")"
    ),
    "an attribute": 'engine = config.attributes["engine"]',
    "an engine of the application": "from nowhere_app.db import engine",
    "a connection of the application": """
import contextlib
from nowhere_app.db import get_connection
class engine:
    connect = get_connection
""",
}


def read(folder: ProjectFolder, env: str) -> History:
    folder.write_config(None)
    (folder.root / "migrations" / "env.py").write_text(env)
    folder.add("one", 'op.create_table("t", sa.Column("id", sa.Integer, primary_key=True))')
    return record(open_project(folder.config, is_lenient=True))


def sent(history: History) -> list[str]:
    return [one.sql for one in history.setup]


def recorded(history: History) -> list[str]:
    (migration,) = history.migrations
    assert not migration.unjudged
    assert not migration.assumptions
    return [" ".join(one.sql.split()) for one in migration.upgrade]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_env_runs_whatever_its_settings_are(folder: ProjectFolder, engine: str) -> None:
    history = read(folder, f"{HEAD}\n{engine}\n{RUN}")

    assert [one for one in history.notices if "env.py was left out" in one] == []
    assert sent(history) == ["SET search_path TO shop"]
    assert recorded(history) == ["CREATE TABLE t ( id SERIAL NOT NULL, PRIMARY KEY (id) )"]
    assert history.naming_convention == {"ix": "ix__%(table_name)s__%(column_0_name)s"}
    assert history.is_complete


ASYNC_RUN = """
import asyncio
from nowhere_app.db import engine

def run(connection):
    connection.execute(text("SET search_path TO shop"))
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    async with engine.connect() as connection:
        await connection.execute(text("SET lock_timeout = '2s'"))
        await connection.run_sync(run)
    await engine.dispose()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("loop", "start"),
    [
        ("import asyncio", "asyncio.run(main())"),
        ("import nowhere_loop", "nowhere_loop.run(main())"),
        ("import nowhere_loop", "nowhere_loop.run(main)"),
        ("from nowhere_loop import async_to_sync", "async_to_sync(main)()"),
        ("from nowhere_loop import loop", "loop.run_until_complete(main())"),
    ],
)
def test_an_asynchronous_engine_that_is_not_here_runs_the_migrations(
    folder: ProjectFolder, loop: str, start: str
) -> None:
    env = ASYNC_RUN.replace("import asyncio", loop).replace("asyncio.run(main())", start)
    history = read(folder, HEAD + env)

    assert sent(history) == ["SET lock_timeout = '2s'", "SET search_path TO shop"]
    assert len(recorded(history)) == 1
    assert history.naming_convention


NEVER = """
engine = create_engine("postgresql://")
with engine.connect() as connection:
    connection.execute(text("SET search_path TO shop"))
    context.configure(connection=connection, target_metadata=target_metadata)
    if settings.may_migrate:
        context.run_migrations()
"""


def test_what_env_configured_holds_when_it_does_not_come_to_the_migrations(
    folder: ProjectFolder,
) -> None:
    history = read(folder, HEAD + NEVER)

    assert sent(history) == ["SET search_path TO shop"]
    assert len(recorded(history)) == 1
    assert history.naming_convention
    assert (
        "env.py does not come to the migrations, for what it asks first is not here; they were "
        "run with what it had configured" in history.notices
    )


def test_env_that_never_runs_the_migrations_by_itself_is_left_out(folder: ProjectFolder) -> None:
    history = read(
        folder,
        NEVER.replace("settings.may_migrate", "False")
        .join((HEAD, ""))
        .replace("from nowhere_app.config import settings", ""),
    )

    assert any("never ran the migrations" in one for one in history.notices)


def test_options_that_are_stand_ins_are_not_given(folder: ProjectFolder) -> None:
    options = (
        "target_metadata=settings.tables, version_table_schema=settings.schema, "
        "include_object=settings.filter, **settings.more"
    )
    run = RUN.replace("target_metadata=target_metadata", options)

    history = read(folder, f"{HEAD}\nengine = create_engine('postgresql://')\n{run}")

    assert [one for one in history.notices if "env.py was left out" in one] == []
    assert len(recorded(history)) == 1


def test_a_variable_that_is_not_set_is_told_and_stays_so(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_module(
        "own_settings.py",
        f"""
        import os
        URL = os.environ["{VARIABLE}"]
        HAS = "{VARIABLE}" in os.environ, os.environ.get("{VARIABLE}"), os.getenv("{VARIABLE}")
        try:
            os.environ["{VARIABLE}_2"]
        except KeyError:
            CAUGHT = True
        """,
    )
    env = (
        "from own_settings import CAUGHT, HAS, URL\n"
        "assert URL == '' and HAS == (False, None, None) and CAUGHT is True\n"
    )

    with watch_inputs() as watch:
        history = read(folder, f"{HEAD}{env}engine = create_engine(URL)\n{RUN}")

    assert len(recorded(history)) == 1
    assert sent(history)
    assert (
        f'variables that are not set here were read as if they were empty: "{VARIABLE}"'
        in history.notices
    )
    assert VARIABLE not in os.environ
    with pytest.raises(KeyError):
        os.environ[VARIABLE]
    taken = watch.take()
    assert taken.are_current()
    monkeypatch.setenv(VARIABLE, "postgresql://")
    assert not taken.are_current()


def test_a_revision_that_reads_a_variable_that_is_not_set_is_assumed(folder: ProjectFolder) -> None:
    folder.add(
        "one",
        f'import os\nop.execute(f"SELECT 1 -- {{os.environ["{VARIABLE}"]}}")'.replace(
            f'["{VARIABLE}"]', f"['{VARIABLE}']"
        ),
    )

    (migration,) = record(open_project(folder.config, is_lenient=True)).migrations

    assert [one.is_assumed for one in migration.upgrade] == [True]
    (assumption,) = migration.assumptions
    assert assumption.reason == f'reads the variable "{VARIABLE}", which is not set here'


def test_another_variable_that_is_missing_is_no_business_of_ours(folder: ProjectFolder) -> None:
    with pytest.raises(KeyError), open_project(folder.config, is_lenient=True).standing_in():
        # this file is none of the project's
        os.environ[VARIABLE]


@pytest.mark.parametrize("url", ["settings.url", "None", "'postgresql+asyncpg://u@db.invalid/app'"])
def test_an_engine_of_a_module_works_in_a_revision(folder: ProjectFolder, url: str) -> None:
    folder.write_module(
        "own_db.py",
        f"""
        from sqlalchemy import create_engine
        from sqlalchemy.orm import sessionmaker
        from nowhere_app.config import settings
        engine = create_engine({url}, pool_pre_ping=settings.ping)
        SessionLocal = sessionmaker(engine)
        """,
    )
    folder.add(
        "one",
        """
        with SessionLocal() as session:
            session.execute(sa.text("SELECT 1"))
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT 2"))
        """,
        head="from own_db import SessionLocal, engine\n\n",
    )

    history = record(open_project(folder.config, is_lenient=True))

    (migration,) = history.migrations
    assert [one.sql for one in migration.upgrade] == ["SELECT 1", "SELECT 2"]
    assert not [one for one in history.notices if "could not be imported whole" in one]


@pytest.mark.parametrize("is_lenient", [False, True])
def test_a_strict_project_needs_its_settings(folder: ProjectFolder, *, is_lenient: bool) -> None:
    folder.add("one", "pass", head=f"import os\nsa.create_engine(os.environ['{VARIABLE}'])\n\n")
    if is_lenient:
        assert not open_project(folder.config, is_lenient=True).unloadable
    else:
        with pytest.raises(Exception, match=VARIABLE):
            open_project(folder.config)


AFTERWARDS: dict[str, Callable[[], object]] = {
    "make_url": lambda: sqlalchemy.make_url(None),  # type: ignore[arg-type]  # it is the point
    "create": lambda: URL.create("postgresql", username=5),  # type: ignore[arg-type]  # as above
    "create_engine": lambda: create_engine(""),
    "option": lambda: Config().set_main_option("sqlalchemy.url", None),  # type: ignore[arg-type]  # as above
}


@pytest.mark.parametrize("use", AFTERWARDS.values(), ids=AFTERWARDS)
def test_nothing_is_taken_afterwards(
    folder: ProjectFolder, tmp_path: Path, use: Callable[[], object]
) -> None:
    kept = []
    with open_project(folder.config, is_lenient=True).standing_in():
        from sqlalchemy import make_url as lenient  # noqa: PLC0415 - as a module of a project does

        kept.append(lenient)
        use()

    with pytest.raises((ArgumentError, TypeError)):
        use()
    with pytest.raises(ArgumentError):
        kept[0](None)  # type: ignore[arg-type]  # as above
    assert tmp_path.is_dir()


def test_a_number_out_of_a_missing_variable_is_one(folder: ProjectFolder) -> None:
    history = read(
        folder,
        f"{HEAD}\nassert int(os.environ['{VARIABLE}']) == float(os.environ['{VARIABLE}']) == 1\n"
        f"engine = create_engine('postgresql://')\n{RUN}",
    )

    assert sent(history)
