"""Roles that revisions make do not disturb one another's databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from safemigrate.server import Server, open_server
from safemigrate.trace import open_connection
from safemigrate.verify.surroundings import list_roles, prepare_for_roles, standing_roles
from safemigrate.verify.surroundings.roles import replaying_roles

ROLE = "replayed_role"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own, for roles are seen by everybody on it."""
    with open_server("embedded") as server:
        yield server


@pytest.fixture
def make_engine(server: Server) -> Iterator[Callable[..., sa.Engine]]:
    """Makes engines on new databases, prepared for roles; one replays what is done on them."""
    engines: list[sa.Engine] = []

    def make(driver: str = "psycopg") -> sa.Engine:
        name = server.create_database()
        with open_connection(server.url(name)) as connection:
            prepare_for_roles(connection)
        url = sa.make_url(server.url(name)).set(drivername=f"postgresql+{driver}")
        engines.append(sa.create_engine(url, poolclass=sa.NullPool))
        return engines[-1]

    with replaying_roles(frozenset({"postgres"})):
        yield make
    for engine in engines:
        server.drop_database(str(engine.url.database))
    with open_connection(server.url("postgres")) as connection, suppress(psycopg.Error):
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}".encode())


def has_role(engine: sa.Engine) -> bool:
    """Return whether the database has the role, as its own table says."""
    with engine.connect() as connection:
        names = connection.exec_driver_sql("SELECT name FROM safemigrate.role").scalars().all()
    assert set(names) <= {ROLE}
    return ROLE in names


def is_on_server(server: Server) -> bool:
    with open_connection(server.url("postgres")) as connection:
        query = "SELECT FROM pg_roles WHERE rolname = %s"
        return connection.execute(query, (ROLE,)).fetchone() is not None


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_two_databases_make_the_same_role_and_drop_it(
    server: Server, make_engine: Callable[..., sa.Engine], driver: str
) -> None:
    one, other = make_engine(driver), make_engine(driver)

    for engine in (one, other):
        run(
            engine,
            f"CREATE ROLE {ROLE} NOLOGIN",
            "CREATE TABLE t ()",
            f"GRANT SELECT ON t TO {ROLE}",
        )
    assert (has_role(one), has_role(other)) == (True, True)
    run(one, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")
    assert (has_role(one), has_role(other)) == (False, True)
    run(one, f"CREATE ROLE {ROLE} NOLOGIN")
    run(other, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")
    assert (has_role(one), has_role(other)) == (True, False)
    # it stays for whoever makes it next
    assert is_on_server(server)


def test_a_role_that_the_database_has_is_not_made_twice(
    make_engine: Callable[..., sa.Engine],
) -> None:
    engine = make_engine()
    run(engine, f"CREATE ROLE {ROLE}")

    with pytest.raises(DBAPIError, match=f'role "{ROLE}" already exists'):
        run(engine, f"CREATE ROLE {ROLE}")


def test_a_role_that_the_database_has_not_is_not_dropped(
    make_engine: Callable[..., sa.Engine],
) -> None:
    one, other = make_engine(), make_engine()
    run(one, f"CREATE ROLE {ROLE}")

    with pytest.raises(DBAPIError, match=f'role "{ROLE}" does not exist'):
        run(other, f"DROP ROLE {ROLE}")
    run(other, f"DROP ROLE IF EXISTS {ROLE}")
    assert (has_role(one), has_role(other)) == (True, False)


def test_a_role_that_the_database_needs_is_not_dropped(
    make_engine: Callable[..., sa.Engine],
) -> None:
    engine = make_engine()
    run(engine, f"CREATE ROLE {ROLE}", "CREATE TABLE t ()", f"GRANT SELECT ON t TO {ROLE}")

    with pytest.raises(DBAPIError, match="cannot be dropped because some objects depend on it"):
        run(engine, f"DROP ROLE {ROLE}")


def test_a_rollback_takes_the_role_back(
    server: Server, make_engine: Callable[..., sa.Engine]
) -> None:
    engine = make_engine()
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {ROLE}")
        connection.rollback()
    assert not has_role(engine)
    assert not is_on_server(server)

    run(engine, f"CREATE ROLE {ROLE}")

    assert has_role(engine)
    assert is_on_server(server)


def test_outside_of_a_transaction_it_is_the_same(make_engine: Callable[..., sa.Engine]) -> None:
    one, other = (make_engine().execution_options(isolation_level="AUTOCOMMIT") for _ in range(2))

    for engine in (one, other):
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {ROLE}")
            assert has_role(engine)
            connection.exec_driver_sql(f"DROP ROLE {ROLE}")
            assert not has_role(engine)
            connection.exec_driver_sql(f"CREATE USER {ROLE}")
    assert (has_role(one), has_role(other)) == (True, True)


def test_roles_that_are_used_and_never_made_are_there(server: Server) -> None:
    named = list_roles(
        [
            "GRANT SELECT ON t TO standing_app; CREATE ROLE made_here",
            "GRANT made_here TO standing_app",
            "DO $$BEGIN CREATE ROLE made_in_body; END$$",
            "ALTER TABLE t OWNER TO made_in_body",
        ]
    )

    with (
        standing_roles(server, named) as before,
        open_connection(server.url("postgres")) as connection,
    ):
        rows = connection.execute(
            "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname ~ 'standing_|made_'"
        ).fetchall()

    assert rows == [("standing_app", False)]
    assert "standing_app" in before


def test_on_a_server_of_somebody_they_are_gone_afterwards(server: Server) -> None:
    named = list_roles(["GRANT SELECT ON t TO visiting_app"])

    with open_server(server.url("postgres")) as remote, standing_roles(remote, named):
        pass

    with open_connection(server.url("postgres")) as connection:
        query = "SELECT count(*) FROM pg_roles WHERE rolname = 'visiting_app'"
        assert connection.execute(query).fetchone() == (0,)
