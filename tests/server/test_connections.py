"""Whether a server answers."""

import os
import signal

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.errors import ServerError
from safemigrate.server import Server, open_server
from safemigrate.server.connections import parse_url, ping


def test_a_server_that_runs_answers(embedded_server: Server) -> None:
    assert ping(parse_url(embedded_server.url("postgres"))) is True
    embedded_server.require_alive()


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/x", "postgresql:///x?host=/nowhere"])
def test_nobody_answers_where_there_is_no_server(url: str) -> None:
    assert ping(parse_url(url)) is False


def test_a_server_that_recovers_is_waited_for(embedded_server: Server) -> None:
    assert embedded_server.kind == "embedded"
    with open_server("embedded") as server:
        url = make_url(server.url("postgres")).set(drivername="postgresql").render_as_string()
        with psycopg.connect(url) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(60)")
        server.require_alive()
        assert server.create_database()


def test_a_server_that_has_gone_is_told_with_its_last_lines(embedded_server: Server) -> None:
    assert embedded_server.kind == "embedded"
    with open_server("embedded") as server:
        url = make_url(server.url("postgres")).set(drivername="postgresql").render_as_string()
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
            assert row is not None
            os.kill(int(str(row[0]).split()[0]), signal.SIGQUIT)
        with pytest.raises(ServerError, match=r"the embedded server at .* has gone away") as caught:
            server.require_alive()
    assert "received immediate shutdown request" in caught.value.hint
