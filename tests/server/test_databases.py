"""What can be done on a throwaway server, whichever kind it is."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from safemigrate.errors import ServerError
from safemigrate.model import OLDEST_VERSION
from safemigrate.server import Server, open_server


@pytest.fixture(params=["embedded", pytest.param("container", marks=pytest.mark.docker)])
def server(request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue(f"{request.param}_server")
    assert isinstance(found, Server)
    return found


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The name of a database with one table of one row."""
    name = server.create_database()
    with engine(server, name).begin() as connection:
        connection.execute(text("CREATE TABLE coin AS SELECT 42 AS worth"))
    yield name
    server.drop_database(name)


def engine(server: Server, database: str) -> Engine:
    return create_engine(server.url(database), poolclass=NullPool)


def worth(server: Server, database: str) -> int:
    with engine(server, database).connect() as connection:
        return int(connection.execute(text("SELECT worth FROM coin")).scalar_one())


def has_database(server: Server, database: str) -> bool:
    query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    with engine(server, "postgres").connect() as connection:
        return bool(connection.execute(query, {"name": database}).scalar_one())


def test_the_version_is_what_the_server_reports(server: Server) -> None:
    with engine(server, "postgres").connect() as connection:
        number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    assert server.version.major == number // 10000
    assert server.version >= OLDEST_VERSION


def test_a_copy_has_the_settings_of_the_database(server: Server, database: str) -> None:
    role = f"{database}_keeper"
    with engine(server, database).begin() as connection:
        for statement in (
            f"CREATE ROLE {role}",
            f"ALTER DATABASE {database} SET statement_timeout TO '60s'",
            f"ALTER DATABASE {database} SET search_path TO \"$user\", 'The Coins', public",
            f"ALTER DATABASE {database} SET coin.motto TO 'in = \"all\" we trust'",
            f"ALTER ROLE {role} IN DATABASE {database} SET search_path TO ''",
        ):
            connection.exec_driver_sql(statement)
    query = text(
        "SELECT s.setrole::text, s.setconfig FROM pg_db_role_setting s JOIN pg_database d"
        " ON d.oid = s.setdatabase WHERE d.datname = current_database() ORDER BY 1"
    )

    copy = server.copy_database(database)

    try:
        with engine(server, database).connect() as connection:
            expected = connection.execute(query).fetchall()
        with engine(server, copy).connect() as connection:
            assert connection.execute(query).fetchall() == expected
        assert len(expected) == 2
        assert len(expected[0][1]) == 3
    finally:
        server.drop_database(copy)
        server.drop_database(database)
        with engine(server, "postgres").begin() as connection:
            connection.exec_driver_sql(f"DROP ROLE {role}")


def test_a_url_names_psycopg_and_the_database(server: Server) -> None:
    url = make_url(server.url("ledger"))
    assert (url.drivername, url.database) == ("postgresql+psycopg", "ledger")


def test_a_new_database_is_empty_and_has_a_name_of_its_own(server: Server) -> None:
    names = {server.create_database() for _ in range(2)}
    assert len(names) == 2
    for name in names:
        assert name.startswith("safemigrate_")
        with engine(server, name).connect() as connection:
            query = text(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            )
            assert connection.execute(query).scalar_one() == 0
        server.drop_database(name)


def test_a_copy_carries_the_data_and_lives_on_its_own(server: Server, database: str) -> None:
    copy = server.copy_database(database)
    with engine(server, database).begin() as connection:
        connection.execute(text("DROP TABLE coin"))
    assert worth(server, copy) == 42
    server.drop_database(copy)


def test_a_copy_ends_the_sessions_on_its_template(server: Server, database: str) -> None:
    with engine(server, database).connect() as connection:
        connection.execute(text("SELECT 1"))
        copy = server.create_database(template=database)
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT 1"))
        connection.invalidate()
    assert worth(server, copy) == 42
    server.drop_database(copy)


def test_a_copy_of_what_is_not_there_names_it(server: Server) -> None:
    with pytest.raises(ServerError, match='there is no database "nowhere" to copy'):
        server.copy_database("nowhere")


def test_a_dropped_database_is_gone_although_it_was_in_use(server: Server) -> None:
    name = server.create_database()
    with engine(server, name).connect() as connection:
        connection.execute(text("SELECT 1"))
        server.drop_database(name)
        connection.invalidate()
    assert not has_database(server, name)


def test_dropping_twice_is_no_error(server: Server) -> None:
    name = server.create_database()
    server.drop_database(name)
    server.drop_database(name)
    assert not has_database(server, name)


def test_names_are_quoted(server: Server) -> None:
    with engine(server, "postgres").connect() as connection:
        outside = connection.execution_options(isolation_level="AUTOCOMMIT")
        outside.execute(text("""CREATE DATABASE "Odd ""name'" """))
    copy = server.copy_database("""Odd "name'""")
    assert has_database(server, copy)
    server.drop_database("""Odd "name'""")
    assert not has_database(server, """Odd "name'""")
    server.drop_database(copy)


def test_what_a_server_is_called_holds_no_password(server: Server) -> None:
    password = make_url(server.url("postgres")).password
    assert f"PostgreSQL {server.version}" in repr(server)
    assert password is None or password not in repr(server)


STAMP = "2026-01-02 03:04:05.678 UTC [42] "
DIED = "server process (PID 43) was terminated by signal 9: Killed"
FULL = 'could not extend file "base/5/2619": No space left on device'


def with_log(server: Server, *lines: str) -> Server:
    """Return the server as one whose log has these lines."""
    return Server(server.kind, make_url(server.url("postgres")), read_log=lambda: "\n".join(lines))


@pytest.mark.parametrize(
    "lines",
    [
        [f"{STAMP}ERROR:  x", f"{STAMP}STATEMENT:  SELECT 'LOG:  {DIED}'"],
        [f"{STAMP}STATEMENT:  SELECT '", f"\tLOG:  {DIED}", f"\tPANIC:  {FULL}'"],
        [f"{STAMP}STATEMENT:  SELECT 'PANIC:  {FULL}'"],
        [f"{STAMP}DETAIL:  Failed process was running: SELECT '{DIED} {FULL}'"],
        [f"{STAMP}ERROR:  {DIED}"],
        [f'{STAMP}ERROR:  relation "No space left on device" does not exist'],
    ],
)
def test_what_users_write_is_no_fault_of_the_server(server: Server, lines: list[str]) -> None:
    with_log(server, *lines).require_whole()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{STAMP}LOG:  {DIED}", "lost a process"),
        (f"LOG:  {DIED}", "lost a process"),
        (f"{STAMP}PANIC:  {FULL}", "no space left on its disk"),
        (f"{STAMP}FATAL:  {FULL}", "no space left on its disk"),
        (f"{STAMP}ERROR:  {FULL}", "no space left on its disk"),
    ],
)
def test_what_the_server_says_of_itself_is_its_fault(
    server: Server, line: str, message: str
) -> None:
    log = (f"{STAMP}STATEMENT:  SELECT 1", line, f"{STAMP}HINT:  x")
    with pytest.raises(ServerError, match=message):
        with_log(server, *log).require_whole()


def test_what_a_statement_says_in_the_log_is_no_fault() -> None:
    with open_server("embedded") as server:
        with engine(server, "postgres").connect() as connection, suppress(ProgrammingError):
            connection.exec_driver_sql(f"SELECT '\nLOG:  {DIED}', '{FULL}'; bad")
        assert DIED in server._read_log()
        assert FULL in server._read_log()

        server.require_whole()
