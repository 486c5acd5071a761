"""A server named by a URL: what is refused, and that only our own databases go."""

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from safemigrate.errors import (
    NotPostgresError,
    SafemigrateError,
    ServerError,
    UnreachableError,
    UsageError,
)
from safemigrate.model import ServerVersion
from safemigrate.server import Server, open_server

DEADLINE_SECONDS = 60
IS_TEMPLATE = sql.SQL("ALTER DATABASE {} IS_TEMPLATE {}")
PASSWORD = "s3cret/word"  # noqa: S105 - a role of a throwaway server


def run(server: Server, statement: sql.SQL | sql.Composed) -> list[str]:
    """Run one statement as the superuser; return the first column."""
    url = make_url(server.url("postgres")).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return [str(row[0]) for row in cursor.fetchall()] if cursor.description else []


def databases(server: Server) -> set[str]:
    return set(run(server, sql.SQL("SELECT datname FROM pg_database")))


def told(error: SafemigrateError) -> str:
    return f"{error} {error.message} {error.hint}"


@pytest.fixture
def url(embedded_server: Server) -> str:
    """A URL of the embedded server, as somebody else would name it."""
    return embedded_server.url("postgres").replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture
def role(embedded_server: Server) -> Iterator[URL]:
    """The URL of a role that may not create databases."""
    run(embedded_server, sql.SQL("CREATE ROLE weak LOGIN NOCREATEDB"))
    yield make_url(embedded_server.url("postgres")).set(username="weak")
    run(embedded_server, sql.SQL("DROP ROLE weak"))


@pytest.fixture(scope="module")
def guarded(embedded_server: Server) -> Iterator[URL]:
    """The URL, with the right password, of a role that a server asks for one."""
    assert embedded_server.kind == "embedded"
    with open_server("embedded") as server:
        create = sql.SQL("CREATE ROLE guarded LOGIN CREATEDB PASSWORD {}")
        run(server, create.format(sql.Literal(PASSWORD)))
        (hba,) = run(server, sql.SQL("SHOW hba_file"))
        Path(hba).write_text("local all guarded scram-sha-256\nlocal all all trust\n")
        run(server, sql.SQL("SELECT pg_reload_conf()"))
        url = make_url(server.url("postgres")).set(username="guarded")
        wait_until_refused(url)
        yield url.set(password=PASSWORD)


def wait_until_refused(url: URL) -> None:
    """Return when the server asks for a password; it reloads its rules in its own time."""
    address = url.set(drivername="postgresql").render_as_string()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            return
    pytest.fail("the server took no notice of its new rules")


def test_databases_are_made_and_dropped_at_the_end(embedded_server: Server, url: str) -> None:
    with open_server(url) as server:
        made = {server.create_database(), server.copy_database(server.create_database())}
        assert made < databases(embedded_server)
    assert not made & databases(embedded_server)


def test_databases_are_dropped_after_an_error_too(embedded_server: Server, url: str) -> None:
    context = open_server(url)
    made = context.__enter__().create_database()
    error = ZeroDivisionError()
    assert not context.__exit__(ZeroDivisionError, error, None)
    assert made not in databases(embedded_server)


def test_databases_that_a_forked_process_made_and_left_are_dropped_too(
    embedded_server: Server, url: str
) -> None:
    with open_server(url) as server:
        before = databases(embedded_server)
        process = multiprocessing.get_context("fork").Process(target=server.create_database)
        process.start()
        process.join(DEADLINE_SECONDS)
        assert process.exitcode == 0
        (left,) = databases(embedded_server) - before
    assert left not in databases(embedded_server)


def test_a_database_is_known_before_it_is_there(
    embedded_server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_server(url) as server:
        before = databases(embedded_server)
        execute = psycopg.Connection.execute

        def interrupt(session: psycopg.Connection[Any], query: sql.Composed) -> None:
            execute(session, query)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", interrupt)
            with pytest.raises(KeyboardInterrupt):
                server.create_database()
        (left,) = databases(embedded_server) - before
        server.drop_database(left)
        assert left not in databases(embedded_server)


def test_databases_of_others_stay(embedded_server: Server, url: str) -> None:
    other = embedded_server.create_database()
    with open_server(url) as server:
        server.create_database()
        with pytest.raises(ServerError, match=f'"{other}" was not made here'):
            server.drop_database(other)
    assert other in databases(embedded_server)
    embedded_server.drop_database(other)


def test_sessions_of_others_stay(embedded_server: Server, url: str) -> None:
    other = embedded_server.create_database()
    address = make_url(embedded_server.url(other)).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(), autocommit=True) as session:
        with (
            open_server(url) as server,
            pytest.raises(ServerError, match=f'"{other}" is in use') as caught,
        ):
            server.copy_database(other)
        assert "end the other sessions" in caught.value.hint
        assert session.execute("SELECT 1").fetchone() == (1,)
    embedded_server.drop_database(other)


def test_a_database_that_cannot_be_dropped_is_named(embedded_server: Server, url: str) -> None:
    context = open_server(url)
    made = context.__enter__().create_database()
    run(embedded_server, IS_TEMPLATE.format(sql.Identifier(made), sql.SQL("true")))
    with pytest.raises(ServerError, match=f'left behind on the server: "{made}"') as caught:
        context.__exit__(None, None, None)
    assert "template" in caught.value.hint
    run(embedded_server, IS_TEMPLATE.format(sql.Identifier(made), sql.SQL("false")))
    embedded_server.drop_database(made)


def test_what_went_wrong_first_is_not_hidden_by_the_clean_up(
    embedded_server: Server, url: str
) -> None:
    context = open_server(url)
    made = context.__enter__().create_database()
    run(embedded_server, IS_TEMPLATE.format(sql.Identifier(made), sql.SQL("true")))
    error = ZeroDivisionError()
    assert not context.__exit__(ZeroDivisionError, error, None)
    assert error.__notes__ == [f'left behind on the server: "{made}"']
    run(embedded_server, IS_TEMPLATE.format(sql.Identifier(made), sql.SQL("false")))
    embedded_server.drop_database(made)


def test_a_role_without_createdb_is_refused(role: URL) -> None:
    with pytest.raises(ServerError, match='role "weak" may not create databases') as caught:
        open_server(role.render_as_string()).__enter__()
    assert 'ALTER ROLE "weak" CREATEDB' in caught.value.hint


def test_a_role_with_a_password_is_let_in_by_it(guarded: URL) -> None:
    with open_server(guarded.render_as_string(hide_password=False)) as server:
        name = server.create_database()
        assert make_url(server.url(name)).password == PASSWORD
        assert PASSWORD not in repr(server)


def test_a_wrong_password_is_told_without_being_shown(guarded: URL) -> None:
    wrong = guarded.set(password=PASSWORD[::-1])
    with pytest.raises(UnreachableError, match='role "guarded"') as caught:
        open_server(wrong.render_as_string(hide_password=False)).__enter__()
    assert "check the role, its password" in caught.value.hint
    assert PASSWORD[::-1] not in told(caught.value)


def test_a_missing_password_is_told(guarded: URL) -> None:
    without = URL.create(
        "postgresql", username="guarded", database="postgres", query=dict(guarded.query)
    )
    with pytest.raises(UnreachableError, match="asks for a password"):
        open_server(without.render_as_string()).__enter__()


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://somebody:{PASSWORD.replace('/', '%2F')}@127.0.0.1:1/ledger",
        "postgresql+asyncpg://127.0.0.1:1/ledger",
        "postgres://127.0.0.1:1",
        "postgresql:///ledger?host=/nowhere",
    ],
)
def test_a_server_that_does_not_answer_is_unreachable(address: str) -> None:
    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        open_server(address).__enter__()
    assert caught.value.hint
    assert PASSWORD not in told(caught.value)


def test_a_database_that_does_not_exist_is_unreachable(embedded_server: Server) -> None:
    with pytest.raises(UnreachableError) as caught:
        open_server(embedded_server.url("nowhere")).__enter__()
    assert '"nowhere" does not exist' in caught.value.message
    assert "check host, port and database in the URL" in caught.value.hint


def test_another_database_is_not_postgresql() -> None:
    with pytest.raises(NotPostgresError, match='"mysql\\+pymysql" is not PostgreSQL') as caught:
        open_server(f"mysql+pymysql://root:{PASSWORD}@localhost/shop").__enter__()
    assert PASSWORD not in told(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://somebody:{PASSWORD}@localhost:port/ledger",
        "postgresql://somebody:a@s3cret@localhost:1/ledger",
        f"postgresql://somebody:{PASSWORD.replace('/', '')}@localhost/ledger?timeout=3",
    ],
)
def test_a_url_that_cannot_be_read_is_a_usage_error_without_the_url(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_server(address).__enter__()
    assert caught.value.hint
    assert "s3cret" not in told(caught.value)


def test_another_major_than_asked_for_is_refused(embedded_server: Server, url: str) -> None:
    with pytest.raises(ServerError, match=f"is PostgreSQL {embedded_server.version}, PostgreSQL 9"):
        open_server(url, version=ServerVersion(9)).__enter__()


def test_another_word_is_not_a_kind_of_server() -> None:
    with pytest.raises(UsageError, match='"docker" is not a kind of server') as caught:
        open_server("docker")
    assert "embedded, container, container:IMAGE" in caught.value.hint
