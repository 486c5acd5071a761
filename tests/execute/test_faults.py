"""Whatever is wrong with the server or the role: a clear message, and nothing is done unseen."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from sqlalchemy.engine import make_url

from safemigrate.cli.group import group
from safemigrate.execute import LockWaited
from safemigrate.server.account import choose_account
from tests.postgres.clusters import open_cluster
from tests.postgres.fetch import FOLDER, TOO_OLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

    Run = Callable[..., Result]

CREATE = 'op.create_table("t", sa.Column("id", sa.BigInteger(), primary_key=True))'
ADD = 'op.add_column("t", sa.Column("c", sa.Integer()))'
PASSWORD = "of a server that lives as long as the tests"  # noqa: S105 - no secret


@pytest.fixture
def run(folder: ProjectFolder) -> Run:
    """Run a command on the project; what errors the gate finds is not what is tested here."""

    def run(command: str, *options: str) -> Result:
        extra = ("--override", "a test") if command == "upgrade" else ()
        arguments = (command, "--config", str(folder.config), "--url", folder.url, *extra)
        return CliRunner().invoke(group, (*arguments, *options), prog_name="safemigrate")

    return run


def told(result: Result, code: int) -> tuple[str, str]:
    """Return the message and the hint of a command that ended with this code."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert PASSWORD not in result.output
    error, hint = result.stderr.splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    return error.removeprefix("error: "), hint.removeprefix("hint: ")


def pending(run: Run) -> str:
    """Return what `status` says, which has to work right after any fault."""
    result = run("status")
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def role(folder: ProjectFolder, db: Database) -> Iterator[str]:
    """Let the project log in as a role with all rights on the database and no more."""
    name = db.scalar("SELECT current_database()")
    db.execute(f"CREATE ROLE deployer LOGIN PASSWORD '{PASSWORD}'")
    db.execute("GRANT ALL ON SCHEMA public TO deployer")
    db.execute(f'GRANT CREATE ON DATABASE "{name}" TO deployer')
    url = make_url(folder.url).set(username="deployer", password=PASSWORD)
    folder.url = url.render_as_string(hide_password=False)
    yield "deployer"
    db.execute("DROP OWNED BY deployer")
    db.execute("DROP ROLE deployer")


# The server has no room


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """Yield a folder of the server's account with a file system of its own, of this size."""
    if os.geteuid() != 0:
        reason = "only root can mount a file system"
        if os.environ.get("SAFEMIGRATE_REQUIRE_SERVER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    account = choose_account()
    folder = account.make_private_folder("/tmp")  # noqa: S108 - of random name
    options = f"size={size},uid={account.uid},gid={account.gid},mode=0700"
    subprocess.run(("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder), check=True)
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", folder), check=True)
        shutil.rmtree(folder)


@pytest.fixture
def small_tablespace(db: Database) -> Iterator[Path]:
    """Make a tablespace "small" of 4 MB; it and what is in it go with the test."""
    with small_disk("4m") as folder:
        db.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        yield folder
        db.execute("DROP TABLE IF EXISTS big, other")
        db.execute("DROP TABLESPACE small")


FILL = "INSERT INTO {table} SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, {rows}) AS n"


@pytest.mark.usefixtures("small_tablespace")
def test_a_full_disk_rolls_the_revision_back_and_is_named(
    folder: ProjectFolder, run: Run, db: Database
) -> None:
    folder.add("first", CREATE)
    folder.add(
        "second",
        'op.execute("CREATE TABLE big (id int, filler text) TABLESPACE small")\n'
        f'op.execute("{FILL.format(table="big", rows=10000)}")',
    )
    message, hint = told(run("upgrade"), 4)
    assert "No space left on device" in message
    assert "(SQLSTATE 53100)" in message
    assert 'applied in this run and kept: "first"' in hint
    assert "the server's disk is full" in hint
    assert not db.has("big")
    assert db.versions() == ["first"]
    assert "second" in pending(run)


def test_an_index_that_does_not_fit_is_built_when_there_is_room(
    folder: ProjectFolder, run: Run, db: Database, small_tablespace: Path
) -> None:
    db.execute(
        "CREATE TABLE other AS SELECT md5(n::text) AS c FROM generate_series(1, 200000) AS n"
    )
    folder.add(
        "first",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY i ON other (c) TABLESPACE small")',
    )
    result = run("upgrade")
    assert result.exit_code in {1, 4}, result.output
    assert "(SQLSTATE 53100)" in result.stderr
    assert "the server's disk is full" in result.stderr
    assert "first" in pending(run)
    subprocess.run(("mount", "-o", "remount,size=64m", small_tablespace), check=True)
    result = run("upgrade")
    assert result.exit_code == 0, result.output
    assert db.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(True,)]


@pytest.mark.parametrize("limit", [0, 1])
def test_a_server_out_of_connections_is_told_before_anything_is_done(
    folder: ProjectFolder, run: Run, db: Database, role: str, limit: int
) -> None:
    folder.add("first", CREATE)
    db.execute(f"ALTER ROLE {role} CONNECTION LIMIT {limit}")
    message, hint = told(run("upgrade"), 2)
    assert "too many connections for role" in message
    assert "cannot connect" in message or "a second connection" in message
    assert hint
    db.execute(f"ALTER ROLE {role} CONNECTION LIMIT 2")
    assert "first" in pending(run)
    assert run("upgrade").exit_code == 0
    assert db.versions() == ["first"]


def test_a_server_whose_last_connection_is_taken_is_told(folder: ProjectFolder, run: Run) -> None:
    with open_cluster() as cluster:
        cluster.start(
            {
                "max_connections": "3",
                "max_wal_senders": "0",
                "superuser_reserved_connections": "0",
            }
        )
        folder.url = cluster.url()
        folder.add("first", CREATE)
        plain = make_url(folder.url).set(drivername="postgresql")
        dsn = plain.render_as_string(hide_password=False)
        with psycopg.connect(dsn) as other:
            with psycopg.connect(dsn):
                message, hint = told(run("upgrade"), 2)
            assert message.startswith("a second connection to the database was refused: ")
            assert "too many clients" in message
            assert "the runner needs two" in hint
            assert run("upgrade").exit_code == 0
            assert other.execute("SELECT version_num FROM alembic_version").fetchone() == ("first",)


# Errors are told apart by their code, whatever language the server speaks


def fail_with(sqlstate: str) -> str:
    return f"op.execute(\"DO $$ BEGIN RAISE 'Zwölf Äpfel' USING ERRCODE = '{sqlstate}'; END $$\")"


@pytest.mark.parametrize(
    ("sqlstate", "code", "words"),
    [
        ("55P03", 3, "gave up waiting"),
        ("53100", 1, "the server's disk is full"),
        ("42501", 1, "the role lacks a right"),
        ("57014", 1, "statement_timeout"),
        ("P0001", 1, "correct the revision"),
    ],
)
def test_an_error_is_known_by_its_code(
    folder: ProjectFolder, run: Run, sqlstate: str, code: int, words: str
) -> None:
    folder.add("first", fail_with(sqlstate))
    result = run("upgrade", "--lock-attempts", "1")
    message, hint = told(result, code)
    assert words in f"{message} {hint}"


# The server takes no writes


def test_a_standby_is_refused_and_says_where_it_stands(folder: ProjectFolder, run: Run) -> None:
    with open_cluster() as cluster:
        cluster.start()
        folder.url = cluster.url()
        folder.add("first", CREATE)
        assert run("upgrade").exit_code == 0
        cluster.stop()
        cluster.touch("standby.signal")
        cluster.start()
        result = run("upgrade")
        assert result.exit_code == 0, result.output
        assert "nothing to do" in result.stdout
        folder.add("second", ADD)
        message, hint = told(run("upgrade"), 2)
        assert message == 'the server of database "postgres" is a standby, and takes no writes'
        assert "primary" in hint
        assert "second" in pending(run)
        assert run("history").exit_code == 0


def test_an_empty_standby_is_refused(folder: ProjectFolder, run: Run) -> None:
    with open_cluster() as cluster:
        cluster.touch("standby.signal")
        cluster.start()
        folder.url = cluster.url()
        folder.add("first", CREATE)
        assert "is a standby" in told(run("upgrade"), 2)[0]
        assert "first" in pending(run)


def test_a_role_whose_transactions_are_read_only_is_refused(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    folder.add("first", CREATE)
    db.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    message, hint = told(run("upgrade"), 2)
    assert "read-only by default" in message
    assert "default_transaction_read_only" in hint
    assert "first" in pending(run)
    assert not db.has("alembic_version")


# What a role may not do


@pytest.mark.usefixtures("role")
def test_a_role_that_may_not_change_a_table_changes_nothing(
    folder: ProjectFolder, run: Run, db: Database
) -> None:
    db.execute("CREATE TABLE t (id int)")
    folder.add("first", ADD)
    message, hint = told(run("upgrade"), 1)
    assert "must be owner of table t (SQLSTATE 42501)" in message
    assert "first.py" in message
    assert "rolled back" in hint
    assert "the role lacks a right" in hint
    assert "first" in pending(run)


def test_a_role_that_may_not_use_the_schema_is_told(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    db.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    db.execute(f"REVOKE ALL ON SCHEMA public FROM {role}")
    folder.add("first", CREATE)
    message, _ = told(run("upgrade"), 2)
    assert "permission denied for schema public" in message
    assert not db.has("t")


def test_a_role_that_may_not_make_the_version_table_is_told_which_right_it_needs(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    db.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    db.execute(f"REVOKE CREATE ON SCHEMA public FROM {role}")
    folder.add("first", CREATE)
    message, hint = told(run("upgrade"), 2)
    assert message.startswith("the role lacks a right that")
    assert message.endswith("permission denied for schema public (SQLSTATE 42501)")
    assert "GRANT USAGE, CREATE ON SCHEMA" in hint
    assert not db.has("alembic_version")


def test_a_role_that_may_not_write_the_journal_is_told_which_right_it_needs(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    name = db.scalar("SELECT current_database()")
    db.execute(f'REVOKE CREATE ON DATABASE "{name}" FROM {role}')
    folder.add("first", CREATE)
    message, hint = told(run("upgrade"), 2)
    assert 'may not write to the schema "safemigrate"' in message
    assert "CREATE SCHEMA safemigrate AUTHORIZATION" in hint
    assert not db.has("t")
    assert "first" in pending(run)


# What a role has set


SEEN = "CREATE TABLE seen AS SELECT name, setting FROM pg_settings WHERE name IN"


def settings_in_a_revision(folder: ProjectFolder, *names: str) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    folder.add("first", f'op.execute("{SEEN} ({listed})")')


def test_timeouts_against_forgotten_sessions_are_lifted(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    names = ["idle_in_transaction_session_timeout", "idle_session_timeout"]
    if int(str(db.scalar("SELECT current_setting('server_version_num')"))) >= 170000:
        names.append("transaction_timeout")
    for name in names:
        db.execute(f"ALTER ROLE {role} SET {name} = '150ms'")
    settings_in_a_revision(folder, *names)
    folder.add(
        "second",
        "import time\n"
        'op.execute("SELECT 1")\n'
        # longer than all of them, idle and not
        "time.sleep(0.3)\n"
        'op.execute("SELECT pg_sleep(0.3)")',
    )
    result = run("upgrade")
    assert result.exit_code == 0, result.output
    assert db.rows("SELECT name, setting FROM seen ORDER BY name") == [(n, "0") for n in names]


def test_waiting_for_a_table_outlasts_the_timeouts_of_the_role(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events, role: str
) -> None:
    db.execute("CREATE TABLE t (id int)")
    db.execute(f"ALTER TABLE t OWNER TO {role}")
    db.execute("CREATE TABLE u (id int)")
    db.execute(f"ALTER TABLE u OWNER TO {role}")
    for name in ("idle_in_transaction_session_timeout", "idle_session_timeout"):
        db.execute(f"ALTER ROLE {role} SET {name} = '150ms'")
    folder.add("first", f'op.execute("ALTER TABLE u ADD COLUMN c int")\n{ADD}')
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    is_over: list[bool] = []

    def let_go() -> None:
        if not is_over:
            is_over.append(True)
            # longer than the timeouts
            db.execute("SELECT pg_sleep(0.5)")
            blocker.rollback()

    events.on(LockWaited, let_go)
    assert runner.upgrade().heads == ("first",)
    assert is_over


def test_a_lock_timeout_of_the_role_gives_way_to_that_of_the_run(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    db.execute(f"ALTER ROLE {role} SET lock_timeout = '1ms'")
    settings_in_a_revision(folder, "lock_timeout")
    result = run("upgrade", "--lock-timeout-ms", "321")
    assert result.exit_code == 0, result.output
    assert "lock_timeout 321 ms" in result.stderr
    assert db.rows("SELECT setting FROM seen") != [("1",)]


def test_a_statement_timeout_of_the_role_cuts_a_statement_and_is_named(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    db.execute(f"ALTER ROLE {role} SET statement_timeout = '300ms'")
    folder.add("first", f'{CREATE}\nop.execute("SELECT pg_sleep(600)")')
    message, hint = told(run("upgrade"), 1)
    assert "(SQLSTATE 57014)" in message
    assert "statement_timeout" in hint
    assert not db.has("t")
    assert "first" in pending(run)


def test_a_statement_timeout_of_the_role_does_not_cut_a_concurrent_build(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    db.execute(f"CREATE TABLE t AS SELECT 1 AS id; ALTER TABLE t OWNER TO {role}")
    db.execute(
        "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_sleep(0.5); RETURN $1; END'"
    )
    db.execute(f"ALTER ROLE {role} SET statement_timeout = '300ms'")
    folder.add(
        "first",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY i ON t (slow(id))")',
    )
    result = run("upgrade")
    assert result.exit_code == 0, result.output
    assert db.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(True,)]


def use_driver(folder: ProjectFolder, driver: str) -> None:
    folder.config.write_text(
        f"{folder.config.read_text()}sqlalchemy.url = postgresql+{driver}://nowhere/nothing\n"
    )


# SQLAlchemy with psycopg takes no SQL_ASCII, which gives it bytes in the place of text.
@pytest.mark.parametrize(
    ("driver", "encoding"),
    [("psycopg", "LATIN1"), ("psycopg", "EUC_JP"), ("psycopg2", "SQL_ASCII")],
)
@pytest.mark.usefixtures("role")
def test_a_role_with_another_encoding_is_served(
    folder: ProjectFolder, run: Run, db: Database, driver: str, encoding: str
) -> None:
    use_driver(folder, driver)
    db.execute(f"ALTER ROLE deployer SET client_encoding = '{encoding}'")
    folder.add("first", CREATE, message="the first one")
    result = run("upgrade")
    assert result.exit_code == 0, result.output
    assert db.versions() == ["first"]
    assert "the first one" in run("history").stdout


# What env.py does with its session

CONFIGURE = "    context.configure"
SEE_LEASE = "CREATE TABLE seen AS SELECT * FROM safemigrate.lease"
# It is written beside the migrations, soon after the revision has begun.
WAIT_FOR_LEASE = (
    "DO $$ BEGIN FOR i IN 1..1000 LOOP EXIT WHEN EXISTS (SELECT FROM safemigrate.lease);"
    " PERFORM pg_sleep(0.01); END LOOP; END $$"
)


def say_in_env(folder: ProjectFolder, *statements: str) -> None:
    """Let env.py send these before it configures the migrations."""
    path = folder.path / "migrations" / "env.py"
    lines = "".join(f"    connection.execute(text({one!r}))\n" for one in statements)
    env = path.read_text()
    assert CONFIGURE in env
    env = env.replace(CONFIGURE, f"{lines}    connection.commit()\n{CONFIGURE}")
    folder.write_env(f"from sqlalchemy import text\n{env}")


def test_a_search_path_of_env_leads_everything_but_the_journal(
    folder: ProjectFolder, run: Run, db: Database
) -> None:
    db.execute('CREATE SCHEMA "a tenant"')
    # what stands first there must not be taken for the server's own
    db.execute("CREATE SCHEMA traps")
    for function in ("pg_backend_pid()", "current_database()", "to_regclass(text)"):
        db.execute(
            f"CREATE FUNCTION traps.{function} RETURNS int LANGUAGE plpgsql"
            " AS 'BEGIN RAISE ''a trap''; END'"
        )
    for view in ("pg_locks", "pg_stat_activity", "pg_settings", "pg_class"):
        db.execute(f"CREATE VIEW traps.{view} AS SELECT 1 AS nothing")
    say_in_env(folder, 'SET search_path = "a tenant", traps')
    folder.add("first", CREATE)
    result = run("upgrade")
    assert result.exit_code == 0, result.output
    assert db.rows("SELECT schemaname::text FROM pg_tables WHERE tablename = 't'") == [
        ("a tenant",)
    ]
    assert db.scalar('SELECT version_num FROM "a tenant".alembic_version') == "first"
    assert db.has("safemigrate.history")
    folder.add("second", ADD)
    assert "second" in pending(run)


def test_a_search_path_that_leads_nowhere_is_told(
    folder: ProjectFolder, run: Run, db: Database
) -> None:
    say_in_env(folder, "SET search_path = ''")
    folder.add("first", CREATE)
    message, _ = told(run("upgrade"), 2)
    assert "no schema has been selected to create in" in message
    assert db.scalar("SELECT count(*) FROM pg_tables WHERE tablename = 't'") == 0
    assert "first" in pending(run)


def test_a_role_that_env_takes_writes_the_lease_and_waits_as_any_other(
    folder: ProjectFolder, run: Run, db: Database, role: str
) -> None:
    db.execute('CREATE ROLE "Owner of all"')
    db.execute(f'GRANT "Owner of all" TO {role}')
    db.execute(f"ALTER ROLE {role} NOINHERIT")
    name = db.scalar("SELECT current_database()")
    db.execute(f'GRANT CREATE ON DATABASE "{name}" TO "Owner of all"')
    db.execute('GRANT ALL ON SCHEMA public TO "Owner of all"')
    try:
        say_in_env(folder, 'SET ROLE "Owner of all"')
        folder.add("first", CREATE)
        folder.add("second", f'op.execute("{WAIT_FOR_LEASE}")\nop.execute("{SEE_LEASE}")')
        result = run("upgrade")
        assert result.exit_code == 0, result.output
        assert db.scalar("SELECT count(*) FROM seen") == 1
        assert "nothing to do" in run("upgrade").stdout
    finally:
        db.execute('DROP OWNED BY "Owner of all"')
        db.execute('DROP ROLE "Owner of all"')


# Where the database is


def superuser(url: str, *statements: sql.Composed) -> None:
    parsed = make_url(url).set(drivername="postgresql", database="postgres")
    plain = parsed.render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as session:
        for statement in statements:
            session.execute(statement)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ('it\'s a "shop", 100 % ünsafe', "UTF8"),
        ("in latin", "LATIN1"),
        ("in ascii", "SQL_ASCII"),
    ],
)
def test_a_database_of_any_name_and_encoding_is_served(
    folder: ProjectFolder, run: Run, name: str, encoding: str
) -> None:
    use_driver(folder, "psycopg2" if encoding == "SQL_ASCII" else "psycopg")
    identifier = sql.Identifier(name)
    url = folder.url
    superuser(
        url,
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'").format(
            identifier, sql.Literal(encoding)
        ),
    )
    try:
        folder.url = make_url(url).set(database=name).render_as_string(hide_password=False)
        folder.add("first", CREATE)
        result = run("upgrade")
        assert result.exit_code == 0, result.output
        assert name in pending(run)
        folder.add("second", 'op.execute("SELECT 1 / 0")')
        assert "division by zero" in told(run("upgrade"), 1)[0]
        assert "division by zero" in run("history").stdout
    finally:
        superuser(url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def test_a_server_that_is_too_old_is_refused(
    folder: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (major,) = TOO_OLD
    if not (FOLDER / major).is_dir():
        reason = f"PostgreSQL {major} is not here; run: python3 -m tests.postgres.fetch"
        if os.environ.get("SAFEMIGRATE_REQUIRE_SERVER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    monkeypatch.setenv("SAFEMIGRATE_PG_BINARIES", str(FOLDER))
    with open_cluster(int(major)) as cluster:
        cluster.start()
        folder.url = cluster.url()
        folder.add("first", CREATE)
        for command in ("upgrade", "status"):
            message, hint = told(run(command), 2)
            assert message == f"the server is PostgreSQL {major}, which is not supported"
            assert hint == "use PostgreSQL 14 or later"


def test_encryption_that_a_server_does_not_offer_is_told(folder: ProjectFolder, run: Run) -> None:
    with open_cluster() as cluster:
        cluster.start()
        folder.add("first", CREATE)
        folder.url = cluster.url(is_tcp=True, sslmode="require")
        message, hint = told(run("upgrade"), 2)
        assert "SSL" in message
        assert hint
        folder.url = cluster.url(is_tcp=True)
        assert run("upgrade").exit_code == 0
