"""A server that takes the connection and never answers: every command ends, and says where."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Protocol

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from safemigrate.errors import UnreachableError
from safemigrate.source.connecting import (
    ConnectionWatch,
    limit_patience,
    translate_connection_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

CREATE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'


class ProjectFolder(Protocol):
    path: Path

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that takes connections and says nothing."""
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "command", [("upgrade", "--override", "a test"), ("plan",), ("status",), ("history",)]
)
def test_a_command_gives_up_and_names_the_address(
    folder: ProjectFolder,
    run: Run,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    folder.revise("1111", CREATE)
    result = run(*command, "--url", f"postgresql+psycopg://app:hunter2@127.0.0.1:{port}/shop")
    assert result.exit_code == 2, result.output
    error, hint = result.stderr.splitlines()[-2:]
    assert error == (
        f'error: cannot connect to database "shop" at 127.0.0.1:{port} as "app": '
        "no answer within 2 s"
    )
    assert "the one behind the pooler" in hint
    assert "hunter2" not in result.output


def test_the_deadline_of_an_upgrade_is_the_longest_it_waits(
    folder: ProjectFolder, run: Run, port: int
) -> None:
    folder.revise("1111", CREATE)
    url = f"postgresql+psycopg://app@127.0.0.1:{port}/shop?connect_timeout=600"
    result = run("upgrade", "--deadline", "2", "--url", url)
    assert result.exit_code == 2, result.output
    assert "no answer within 2 s" in result.stderr


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_every_driver_gives_up(port: int, driver: str) -> None:
    with ConnectionWatch(None, longest=1) as watch, pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the driver raises
        open_and_close(f"postgresql+{driver}://app@127.0.0.1:{port}/shop")
    found = translate_connection_error(caught.value, watch)
    assert isinstance(found, UnreachableError)
    assert f"127.0.0.1:{port}" in found.message
    assert "no answer within 2 s" in found.message


@pytest.mark.usefixtures("port")
@pytest.mark.parametrize(
    ("driver", "argument"),
    [("psycopg", "connect_timeout"), ("psycopg2", "connect_timeout"), ("asyncpg", "timeout")],
)
def test_ten_seconds_are_enough_where_nobody_says_how_long(
    monkeypatch: pytest.MonkeyPatch, driver: str, argument: str
) -> None:
    dialect = make_url(f"postgresql+{driver}://").get_dialect()()
    arguments: dict[str, object] = {}
    assert limit_patience(dialect, [], arguments, None) == 10
    assert arguments == {argument: 10}
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "77")
    assert limit_patience(dialect, [], {}, None) == 77
    # for ever
    assert limit_patience(dialect, [], {argument: 0}, None) == 0
    assert limit_patience(dialect, [], {argument: 0}, 30) == 30
    assert limit_patience(dialect, ["host=h connect_timeout=5 timeout=5"], {}, None) == 0


def open_and_close(url: str) -> None:
    """Connect by the driver that the URL names."""
    if "asyncpg" not in url:
        create_engine(url).connect().close()
        return

    async def connect() -> None:
        connection = await create_async_engine(url).connect()
        await connection.close()

    asyncio.run(connect())


def test_what_the_project_says_holds(port: int) -> None:
    url = f"postgresql+psycopg://app@127.0.0.1:{port}/shop?connect_timeout=3"
    with ConnectionWatch(None) as watch, pytest.raises(Exception, match="timeout"):
        open_and_close(url)
    assert watch.unanswered == 3
