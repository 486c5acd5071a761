"""The network is refused while revisions are proved, but for what is allowed by name."""

import socket
from collections.abc import Iterator

import psycopg
import pytest

from safemigrate.verify.surroundings import NetworkRefusedError
from safemigrate.verify.surroundings.network import refusing_network

ELSEWHERE = "postgresql://u@database.invalid/d"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_socket_is_refused_by_its_address(listener: socket.socket) -> None:
    port = listener.getsockname()[1]

    with (
        refusing_network(ELSEWHERE),
        pytest.raises(NetworkRefusedError, match=rf'"127.0.0.1:{port}" is refused'),
        socket.socket() as one,
    ):
        one.connect(("127.0.0.1", port))


def test_a_name_is_refused_before_it_is_looked_up() -> None:
    with (
        refusing_network(ELSEWHERE),
        pytest.raises(NetworkRefusedError, match=r"--allow-host api\.invalid"),
    ):
        socket.create_connection(("api.invalid", 443))


def test_what_is_allowed_by_name_is_reached(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with (
        refusing_network(ELSEWHERE, ["localhost"]),
        socket.create_connection(("localhost", port)) as one,
    ):
        peer = one.getpeername()

    assert peer == listener.getsockname()


def test_the_network_is_open_again_afterwards(listener: socket.socket) -> None:
    with refusing_network(ELSEWHERE):
        pass

    with socket.create_connection(listener.getsockname()) as one:
        assert one.getpeername() == listener.getsockname()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_driver_in_c_is_refused_another_server(driver: str) -> None:
    module = pytest.importorskip(driver)

    with (
        refusing_network(ELSEWHERE),
        pytest.raises(NetworkRefusedError, match=r"other\.invalid"),
    ):
        module.connect("host=other.invalid dbname=d")


def test_the_database_itself_is_reached(database: str) -> None:
    url = database.replace("postgresql+psycopg", "postgresql")

    with refusing_network(database), psycopg.connect(url) as connection:
        row = connection.execute("SELECT 1").fetchone()

    assert row == (1,)


def test_code_may_take_it_for_a_network_that_is_down() -> None:
    with refusing_network(ELSEWHERE):
        try:
            socket.create_connection(("api.invalid", 443))
        except OSError as error:
            said = str(error)

    assert "is refused while it is proved" in said
